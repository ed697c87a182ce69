import { describe, expect, test } from 'vitest';
import type { IndexSpec } from '../indexes/spec.ts';
import { parseSort } from '../query/sort.ts';
import { Decimal128, type Doc, Int32 } from '../values/types.ts';
import { choosePlan } from './choose.ts';
import { type IndexScan, isPoint, type Plan } from './plan.ts';

function index(key: Record<string, 1 | -1>, options: Partial<IndexSpec> = {}): IndexSpec {
  return {
    name: Object.entries(key)
      .map(([path, direction]) => `${path}_${direction}`)
      .join('_'),
    fields: Object.entries(key).map(([path, direction]) => ({
      path,
      parts: path.split('.'),
      descending: direction < 0,
    })),
    keyPattern: Object.fromEntries(Object.entries(key).map(([path, value]) => [path, new Int32(value)])),
    unique: false,
    sparse: false,
    partialFilterExpression: undefined,
    expireAfterSeconds: undefined,
    ident: 'xxxx',
    multikey: false,
    hasLongKeys: false,
    ...options,
  };
}

const ID = index({ _id: 1 }, { name: '_id_', unique: true });

function plan(indexes: IndexSpec[], filter: Doc, sort?: Doc, hint?: unknown): Plan {
  return choosePlan([ID, ...indexes], { filter, sort: parseSort(sort), hint, collated: false });
}

function scan(found: Plan): IndexScan {
  if (found.kind !== 'index') throw new Error(`the plan is a ${found.kind}`);
  return found.scan;
}

describe('which index', () => {
  test('the one whose bounds use most of the filter', () => {
    const indexes = [index({ a: 1 }), index({ a: 1, b: 1 }), index({ c: 1 })];
    expect(scan(plan(indexes, { a: 1, b: 2 })).index.name).toBe('a_1_b_1');
    expect(scan(plan(indexes, { c: { $gt: 1 } })).index.name).toBe('c_1');
    expect(scan(plan(indexes, { _id: 1, a: 1 })).index.name).toBe('_id_');
  });

  test('none, where none begins with a field of the filter or of the sort', () => {
    expect(plan([index({ a: 1, b: 1 })], { b: 1 }).kind).toBe('collection');
    expect(plan([index({ a: 1 })], {}).kind).toBe('collection');
  });

  test('the one that sorts, where the filter has no use for any', () => {
    expect(scan(plan([index({ a: 1, b: -1 })], {}, { a: -1, b: 1 }))).toMatchObject({
      sorted: true,
      reverse: true,
    });
    expect(plan([index({ a: 1, b: -1 })], {}, { a: 1, b: 1 }).kind).toBe('collection');
    expect(plan([index({ a: 1 }, { multikey: true })], {}, { a: 1 }).kind).toBe('collection');
  });

  test('a sparse or partial one only if it holds all that is asked for', () => {
    expect(plan([index({ a: 1 }, { sparse: true })], { a: null }).kind).toBe('collection');
    expect(plan([index({ a: 1 }, { sparse: true })], { a: 1 }).kind).toBe('index');
    const partial = index({ a: 1 }, { partialFilterExpression: { b: { $gt: 5 } } });
    expect(plan([partial], { a: 1 }).kind).toBe('collection');
    expect(plan([partial], { a: 1, b: { $gt: 5 } }).kind).toBe('index');
  });

  test('the one that is named', () => {
    const indexes = [index({ a: 1 }), index({ b: 1 })];
    expect(scan(plan(indexes, { a: 1, b: 1 }, undefined, 'b_1')).index.name).toBe('b_1');
    expect(plan(indexes, { a: 1 }, undefined, { $natural: 1 }).kind).toBe('collection');
    expect(() => plan(indexes, {}, undefined, 'c_1')).toThrow(/hint provided does not correspond/);
  });

  test('one for each branch of an $or, or none', () => {
    const indexes = [index({ a: 1 }), index({ b: 1 })];
    expect(plan(indexes, { $or: [{ a: 1 }, { b: 2 }] }).kind).toBe('or');
    expect(plan(indexes, { $or: [{ a: 1 }, { c: 2 }] }).kind).toBe('collection');
  });
});

describe('what an index proves', () => {
  test('equality and $in, also of values in arrays: no document need be looked at', () => {
    const digests = index({ 'secrets.digest': 1 }, { multikey: true, unique: true });
    const found = scan(plan([digests], { 'secrets.digest': { $in: ['b', 'a', 'b'] } }));
    expect(found.exact).toBe(true);
    expect(found.bounds.map((bound) => bound.point)).toEqual([true, true]);
    expect(scan(plan([index({ a: 1, b: 1 })], { a: 1, b: { $in: [1, 2] } })).exact).toBe(true);
    expect(scan(plan([index({ a: 1 })], { a: Decimal128.fromString('1e-30') })).exact).toBe(true);
  });

  test.each<[string, IndexSpec, Doc]>([
    ['null, which a missing field equals too', index({ a: 1 }), { a: null }],
    ['a field that is not in it', index({ a: 1 }), { a: 1, b: 1 }],
    ['a range', index({ a: 1 }), { a: { $gt: 1 } }],
    ['an operator more', index({ a: 1 }), { a: { $eq: 1, $exists: true } }],
    ['keys that were cut', index({ a: 1 }, { hasLongKeys: true }), { a: 1 }],
    ['a place in an array', index({ 'a.0': 1 }, { multikey: true }), { 'a.0': 1 }],
    ['a conjunction', index({ a: 1 }), { $and: [{ a: 1 }] }],
  ])('not %s', (_name, one, filter) => {
    expect(scan(plan([one], filter)).exact).toBe(false);
  });

  test('one document at most, by one key of a unique index', () => {
    expect(isPoint(plan([], { _id: 'x', rev: 3 }))).toBe(true);
    expect(isPoint(plan([], { _id: { $in: ['x', 'y'] } }))).toBe(false);
    expect(isPoint(plan([index({ a: 1 })], { a: 1 }))).toBe(false);
    expect(isPoint(plan([index({ a: 1, b: 1 }, { unique: true })], { a: 1 }))).toBe(false);
  });
});

describe('bounds', () => {
  test('of an array only one of two limits, as two elements may meet them', () => {
    const range = { a: { $gt: 1, $lt: 5 } };
    const narrow = scan(plan([index({ a: 1 })], range)).bounds[0];
    const wide = scan(plan([index({ a: 1 }, { multikey: true })], range)).bounds[0];
    expect(narrow?.low).toBe(wide?.low);
    expect((narrow?.high ?? '') < (wide?.high ?? '')).toBe(true);
  });

  test('of very many values of one field as many; of two fields not their product', () => {
    const many = Array.from({ length: 6000 }, (_, i) => i);
    expect(scan(plan([], { _id: { $in: many } })).bounds).toHaveLength(6000);
    const pair = scan(plan([index({ a: 1, b: 1 })], { a: { $in: many.slice(0, 100) }, b: { $in: many } }));
    expect(pair.bounds).toHaveLength(100);
  });

  test('of a prefix of strings', () => {
    const [bound] = scan(plan([index({ a: 1 })], { a: { $regex: '^abc' } })).bounds;
    expect(bound?.low).toContain('abc');
    expect(bound?.high).toContain('abd');
  });
});
