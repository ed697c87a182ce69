import { describe, expect, test } from 'vitest';
import { Int32 } from '../values/types.ts';
import { documentKeys } from './entries.ts';
import { encodeKey } from './key.ts';
import { dependsOn, type IndexSpec } from './spec.ts';

function index(...paths: string[]): IndexSpec {
  return {
    name: paths.join(),
    fields: paths.map((path) => ({ path, parts: path.split('.'), descending: false })),
    keyPattern: Object.fromEntries(paths.map((path) => [path, new Int32(1)])),
    unique: false,
    sparse: false,
    partialFilterExpression: undefined,
    expireAfterSeconds: undefined,
    ident: 'xxxx',
    multikey: false,
    hasLongKeys: false,
  };
}

function key(...values: unknown[]): string {
  return encodeKey(
    values,
    values.map(() => false),
  );
}

const all = (): boolean => true;

describe('the keys of a document', () => {
  test('are one of each element of an array, and of what is missing that of null', () => {
    expect(documentKeys(index('a'), { a: [1, 2, 1] }, all)).toMatchObject({
      keys: [key(1), key(2)],
      multikey: true,
    });
    expect(documentKeys(index('a.b'), { a: [{ b: 'x' }, { b: 'y' }, {}] }, all).keys).toEqual([
      key('x'),
      key('y'),
      key(null),
    ]);
    expect(documentKeys(index('a', 'b'), { b: 1 }, all).keys).toEqual([key(null, 1)]);
  });

  test('are none where a sparse or partial index does not hold the document', () => {
    expect(documentKeys({ ...index('a'), sparse: true }, { b: 1 }, all).keys).toEqual([]);
    expect(documentKeys({ ...index('a'), partialFilterExpression: {} }, { a: 1 }, () => false).keys).toEqual(
      [],
    );
  });

  test('cannot be those of two arrays', () => {
    expect(() => documentKeys(index('a', 'b'), { a: [1], b: [2] }, all)).toThrow(/parallel arrays/);
  });
});

describe('what an index depends on', () => {
  test('are the fields at the top of its paths and of its filter', () => {
    const partial = { ...index('a.b'), partialFilterExpression: { $or: [{ 'c.d': 1 }, { e: 1 }] } };
    const fields = ['a', 'b', 'c', 'd', 'e'];
    expect(fields.filter((name) => dependsOn(partial, new Set([name])))).toEqual(['a', 'c', 'e']);
    const odd = { ...index('a'), partialFilterExpression: { $expr: true } };
    expect(dependsOn(odd, new Set(['z']))).toBe(true);
  });
});
