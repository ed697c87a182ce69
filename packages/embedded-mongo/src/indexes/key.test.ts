import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareValues } from '../values/compare.ts';
import { Binary, BSONRegExp, Decimal128, Double, Int32, Long, ObjectId, Timestamp } from '../values/types.ts';
import { afterPrefix, encodeComponent, encodeKey, isLong, MAX_KEY_BYTES, storedKey } from './key.ts';

const numbers = fc.oneof(
  fc.integer().map((value) => new Int32(value)),
  fc.double().map((value) => new Double(value)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => Long.fromBigInt(value)),
  fc
    .tuple(fc.bigInt({ min: -(10n ** 33n), max: 10n ** 33n }), fc.integer({ min: -6170, max: 6100 }))
    .map(([digits, exponent]) => Decimal128.fromString(`${digits}E${exponent}`)),
  fc
    .tuple(
      fc.constantFrom('0.1', '-0.1', '1.5', '-2.5', '9007199254740993.5', '0'),
      fc.integer({ min: -3, max: 3 }),
    )
    .map(([base, step]) =>
      Decimal128.fromString(`${base}${base.includes('.') ? '' : '.'}00000000${step < 0 ? '' : step}`),
    ),
  fc
    .constantFrom('Infinity', '-Infinity', 'NaN', '1E+400', '-1E+400', '1E-400', '-1E-400', '0E+3')
    .map((text) => Decimal128.fromString(text)),
  fc
    .constantFrom(0.1, -0.1, 0.5, 1.5, -2.5, Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324)
    .map((value) => new Double(value)),
  // Neighbours of one value in different types, where an inexact comparison shows.
  fc.integer({ min: -3, max: 3 }).map((value) => Long.fromBigInt(2n ** 53n + BigInt(value))),
  fc.integer({ min: -3, max: 3 }).map((value) => new Double(2 ** 53 + value)),
);

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    numbers,
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '\0', 'a\0', 'a\0b', 'a', '\uffff', '\u{10000}'),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes)),
    fc.uint8Array({ maxLength: 6 }).map((bytes) => new Binary(bytes)),
    fc.tuple(fc.nat(), fc.nat()).map(([t, i]) => new Timestamp({ t, i })),
    fc.constantFrom('^a', 'b', '').map((pattern) => new BSONRegExp(pattern, 'i')),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'ab', ''), tie('value'), { maxKeys: 3 }),
  ),
})).value;

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

describe('index keys', () => {
  test('sort as the values do', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(order(encodeComponent(a), encodeComponent(b))).toBe(compareValues(a, b));
      }),
      { numRuns: 3000 },
    );
  });

  test('sort the other way round when descending', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(order(encodeComponent(a, true), encodeComponent(b, true))).toBe(compareValues(b, a) + 0);
      }),
    );
  });

  test('sort compound values component by component', () => {
    fc.assert(
      fc.property(fc.tuple(value, value), fc.tuple(value, value), (a, b) => {
        const expected = compareValues(a[0], b[0]) || compareValues(b[1], a[1]) + 0;
        const directions = [false, true];
        expect(order(encodeKey(a, directions), encodeKey(b, directions))).toBe(expected);
      }),
    );
  });

  test('start with the key of their first component', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const key = encodeKey([a, b], [false, false]);
        const prefix = encodeComponent(a);
        expect(key >= prefix && key < afterPrefix(prefix)).toBe(true);
      }),
    );
  });

  test('stay within the limit and apart when they are too long', () => {
    const start = 'x'.repeat(5000);
    const a = storedKey(encodeComponent(`${start}a`));
    const b = storedKey(encodeComponent(`${start}b`));
    expect(isLong(encodeComponent(start))).toBe(true);
    expect(a.length).toBe(MAX_KEY_BYTES);
    expect(a).not.toBe(b);
    expect(storedKey(encodeComponent(`${start}a`))).toBe(a);
  });
});
