import fc from 'fast-check';
import { BSONRegExp, type Document, Int32 } from 'mongodb';
import { id, path, scalar, value } from './values.ts';

const int = (min: number, max: number) => fc.integer({ min, max }).map((n) => new Int32(n));

const operators: fc.Arbitrary<Document> = fc.oneof(
  fc
    .tuple(fc.constantFrom('$eq', '$ne', '$gt', '$gte', '$lt', '$lte'), value)
    .map(([name, argument]) => ({ [name]: argument })),
  fc
    .tuple(fc.constantFrom('$in', '$nin'), fc.array(scalar, { maxLength: 3 }))
    .map(([name, argument]) => ({ [name]: argument })),
  fc.tuple(scalar, scalar).map(([low, high]) => ({ $gte: low, $lt: high })),
  fc.boolean().map((wanted) => ({ $exists: wanted })),
  fc
    .constantFrom(
      'string',
      'number',
      'int',
      'double',
      'decimal',
      'long',
      'object',
      'array',
      'null',
      'bool',
      'date',
    )
    .map((type) => ({ $type: type })),
  int(0, 3).map((size) => ({ $size: size })),
  fc.array(scalar, { minLength: 1, maxLength: 2 }).map((all) => ({ $all: all })),
  fc.constantFrom({ $regex: '^a' }, { $regex: 'B', $options: 'i' }),
  fc.tuple(int(1, 3), int(0, 1)).map((argument) => ({ $mod: argument })),
  fc.tuple(scalar, scalar).map(([low, high]) => ({ $elemMatch: { $gte: low, $lte: high } })),
  scalar.map((x) => ({ $elemMatch: { x } })),
  value.map((argument) => ({ $not: { $gt: argument } })),
  fc
    .tuple(fc.constantFrom('$bitsAnySet', '$bitsAllSet', '$bitsAllClear', '$bitsAnyClear'), int(0, 3))
    .map(([name, mask]) => ({ [name]: mask })),
  fc.tuple(scalar, scalar).map(([x, low]) => ({ $elemMatch: { x, y: { $gte: low } } })),
  fc.array(scalar, { minLength: 1, maxLength: 2 }).map((list) => ({ $not: { $in: list } })),
  fc.constantFrom('^a', 'b$', '[[:upper:]]', 'a|b').map((pattern) => ({ $not: new BSONRegExp(pattern) })),
);

const condition: fc.Arbitrary<Document> = fc.oneof(
  fc.tuple(path, fc.oneof(value, operators)).map(([at, test]) => ({ [at]: test })),
  fc.tuple(path, operators).map(([at, test]) => ({ [at]: test })),
  id.map((_id) => ({ _id })),
);

export const filter: fc.Arbitrary<Document> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  { weight: 6, arbitrary: condition },
  { weight: 2, arbitrary: fc.tuple(condition, condition).map(([one, two]) => ({ ...one, ...two })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('$and', '$or', '$nor'), fc.array(condition, { minLength: 1, maxLength: 2 }))
      .map(([name, parts]) => ({ [name]: parts })),
  },
);

/** A filter that finds at most one document, so that "the first" is the same one everywhere. */
export const filterOfOne: fc.Arbitrary<Document> = fc
  .tuple(id, fc.option(condition, { nil: {} }))
  .map(([_id, more]) => ({ ...more, _id }));

/** Ends in _id: without it the order of equals is not defined. */
export const sort: fc.Arbitrary<Document> = fc
  .array(fc.tuple(path, fc.constantFrom(1, -1)), { maxLength: 2 })
  .map((fields) => ({
    ...Object.fromEntries(fields.map(([at, direction]) => [at, new Int32(direction)])),
    _id: new Int32(1),
  }));
