import fc from 'fast-check';
import { type Document, Int32 } from 'mongodb';
import { expression } from './expressions.ts';
import { number, path, scalar, value } from './values.ts';

const on = (operator: string, at: fc.Arbitrary<string>, argument: fc.Arbitrary<unknown>) =>
  fc.tuple(at, argument).map(([name, given]) => ({ [operator]: { [name]: given } }));

const small = fc.integer({ min: -2, max: 3 }).map((n) => new Int32(n));

const pushed: fc.Arbitrary<unknown> = fc.oneof(
  value,
  fc.record(
    {
      $each: fc.array(scalar, { minLength: 1, maxLength: 3 }),
      $position: small,
      $slice: small,
      $sort: fc.constantFrom(new Int32(1), new Int32(-1)),
    },
    { requiredKeys: ['$each'] },
  ),
);

const operator: fc.Arbitrary<Document> = fc.oneof(
  { weight: 3, arbitrary: on('$set', path, value) },
  { weight: 1, arbitrary: on('$set', fc.constantFrom('a.$[]', 'b.$[].x', 'b.1.y'), scalar) },
  { weight: 1, arbitrary: on('$unset', path, fc.constant('')) },
  { weight: 2, arbitrary: on('$inc', path, number) },
  { weight: 1, arbitrary: on('$mul', path, number) },
  { weight: 1, arbitrary: on('$min', path, value) },
  { weight: 1, arbitrary: on('$max', path, value) },
  { weight: 2, arbitrary: on('$push', path, pushed) },
  {
    weight: 2,
    arbitrary: on(
      '$addToSet',
      path,
      fc.oneof(
        value,
        fc.array(scalar, { minLength: 1, maxLength: 3 }).map(($each) => ({ $each })),
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: on(
      '$pull',
      path,
      fc.oneof(
        value,
        scalar.map(($gte) => ({ $gte })),
        scalar.map((x) => ({ x })),
      ),
    ),
  },
  { weight: 1, arbitrary: on('$pullAll', path, fc.array(scalar, { maxLength: 2 })) },
  { weight: 1, arbitrary: on('$pop', path, fc.constantFrom(new Int32(1), new Int32(-1))) },
  { weight: 1, arbitrary: on('$rename', path, path) },
  { weight: 1, arbitrary: on('$setOnInsert', path, scalar) },
  {
    weight: 1,
    arbitrary: on(
      '$bit',
      path,
      fc.tuple(fc.constantFrom('and', 'or', 'xor'), small).map(([name, n]) => ({ [name]: n })),
    ),
  },
);

const pipeline: fc.Arbitrary<Document[]> = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom('a', 'b', 'c'), expression).map(([at, to]) => ({ $set: { [at]: to } })),
    fc.constantFrom('a', 'b.x').map((at) => ({ $unset: at })),
    expression.map((to) => ({ $project: { a: new Int32(1), d: to } })),
    expression.map((to) => ({ $replaceWith: { a: '$a', d: to } })),
  ),
  { minLength: 1, maxLength: 2 },
);

/** What an update statement's `u` may be, but for replacements. */
export const modification: fc.Arbitrary<Document | Document[]> = fc.oneof(
  { weight: 6, arbitrary: operator },
  { weight: 3, arbitrary: fc.tuple(operator, operator).map(([one, two]) => ({ ...one, ...two })) },
  { weight: 2, arbitrary: pipeline },
);

export const replacement: fc.Arbitrary<Document> = fc.record(
  { a: value, b: value, c: scalar },
  { requiredKeys: [] },
);

export const filteredModification: fc.Arbitrary<Document> = fc
  .tuple(
    fc.constantFrom('a.$[e]', 'b.$[e].x'),
    fc.constantFrom('$set', '$inc', '$mul', '$min', '$max'),
    number,
    fc.oneof(
      scalar.map(($gte) => ({ e: { $gte } })),
      scalar.map((x) => ({ 'e.x': x })),
      fc.tuple(scalar, scalar).map(([low, x]) => ({ $or: [{ e: { $gt: low } }, { 'e.x': x }] })),
    ),
  )
  .map(([at, name, argument, arrayFilter]) => ({
    u: { [name]: { [at]: argument } },
    arrayFilters: [arrayFilter],
  }));
