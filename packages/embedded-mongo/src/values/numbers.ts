import { compareDecimals, type Decimal, decimalOfDouble, parseDecimal } from './decimal.ts';
import { Decimal128, Double, Int32, Long, numericValue } from './types.ts';

/** The exact value of any finite number; undefined for NaN and the infinities. */
export function exactValue(value: unknown): Decimal | undefined {
  if (value instanceof Decimal128) return parseDecimal(value.toString());
  const number = numericValue(value);
  if (typeof number === 'bigint') return { digits: number, exponent: 0 };
  return Number.isFinite(number) ? decimalOfDouble(number) : undefined;
}

function nearestDouble(value: unknown): number {
  return Number(numericValue(value));
}

/** The order of two numbers of any types, exactly. NaN is less than every other number, and equal to itself. */
export function compareNumeric(a: unknown, b: unknown): number {
  const x = nearestDouble(a);
  const y = nearestDouble(b);
  // The nearest double grows with the value, so that different ones decide.
  if (x < y) return -1;
  if (x > y) return 1;
  if (x !== y) {
    const [aNaN, bNaN] = [Number.isNaN(x), Number.isNaN(y)];
    return aNaN === bNaN ? 0 : aNaN ? -1 : 1;
  }
  if (isDouble(a) && isDouble(b)) return 0;
  if (Long.isLong(a) && Long.isLong(b)) return (a as Long).compare(b as Long);
  const [left, right] = [exactValue(a), exactValue(b)];
  if (left && right) return compareDecimals(left, right);
  // An infinity and a decimal that is larger than every double.
  return (left ? 0 : Math.sign(x)) - (right ? 0 : Math.sign(y));
}

function isDouble(value: unknown): boolean {
  return typeof value === 'number' || value instanceof Int32 || value instanceof Double;
}

const scratch = new DataView(new ArrayBuffer(8));

function previousDouble(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  scratch.setFloat64(0, value);
  const bits = scratch.getBigInt64(0);
  scratch.setBigInt64(0, value > 0 ? bits - 1n : bits + 1n);
  return scratch.getFloat64(0);
}

/** The greatest double that is not greater than a number, and the number's exact value where they differ. */
export function floorDouble(value: unknown): { floor: number; exact: Decimal | undefined } {
  const near = nearestDouble(value);
  if (isDouble(value) || Number.isNaN(near)) return { floor: near, exact: undefined };
  const exact = exactValue(value);
  if (!exact) return { floor: near, exact: undefined };
  const order = Number.isFinite(near) ? compareDecimals(decimalOfDouble(near), exact) : Math.sign(near);
  return order === 0
    ? { floor: near, exact: undefined }
    : { floor: order > 0 ? previousDouble(near) : near, exact };
}
