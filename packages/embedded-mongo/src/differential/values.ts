import fc from 'fast-check';
import { Decimal128, type Document, Double, Int32, Long, ObjectId, Timestamp } from 'mongodb';

/**
 * Few distinct values, so that filters match, keys collide and arrays share elements; of every type whose
 * behaviour differs. Numbers carry their BSON type, as both servers must keep it.
 */
export const scalar: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -2, max: 3 }).map((value) => new Int32(value)) },
  { weight: 2, arbitrary: fc.constantFrom(1, 1.5, 2, -0.5).map((value) => new Double(value)) },
  { weight: 1, arbitrary: fc.constantFrom(1, 2, 5_000_000_000).map((value) => Long.fromNumber(value)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('1', '1.0', '0.5', '-2.5', '0.1').map((text) => Decimal128.fromString(text)),
  },
  { weight: 4, arbitrary: fc.constantFrom('', 'a', 'A', 'ab', 'b') },
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 2, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.constantFrom(new Date(0), new Date(86_400_000)) },
  { weight: 1, arbitrary: fc.constant(new ObjectId('0123456789abcdef01234567')) },
  { weight: 1, arbitrary: fc.constant(new Timestamp({ t: 5, i: 1 })) },
);

const inner: fc.Arbitrary<unknown> = fc.record({ x: scalar, y: scalar }, { requiredKeys: [] });

export const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 2, arbitrary: inner },
  { weight: 2, arbitrary: fc.array(inner, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.record({ x: fc.array(scalar, { maxLength: 2 }) }) },
  { weight: 1, arbitrary: fc.array(fc.array(scalar, { maxLength: 2 }), { maxLength: 2 }) },
);

export const number: fc.Arbitrary<unknown> = fc.oneof(
  fc.integer({ min: -3, max: 5 }).map((n) => new Int32(n)),
  fc.constantFrom(0.5, 2).map((n) => new Double(n)),
  fc.constant(Long.fromNumber(3)),
);

export const id: fc.Arbitrary<Int32> = fc.integer({ min: 0, max: 6 }).map((n) => new Int32(n));

/** Paths into the documents below, some of which lead nowhere. */
export const path: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 2, arbitrary: fc.constantFrom('a.x', 'b.x', 'b.y', 'a.0') },
);

export const document: fc.Arbitrary<Document> = fc
  .tuple(id, fc.record({ a: value, b: value, c: scalar }, { requiredKeys: [] }))
  .map(([_id, fields]) => ({ _id, ...fields }));
