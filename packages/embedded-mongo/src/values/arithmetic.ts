import {
  addDecimals,
  type Decimal,
  divideDecimals,
  multiplyDecimals,
  parseDecimal,
  remainderOfDecimals,
  toDecimal128,
} from './decimal.ts';
import { Decimal128, Double, Int32, intOrLong, Long, numericValue, TYPE, typeOf } from './types.ts';

export type Operation = 'add' | 'subtract' | 'multiply' | 'divide' | 'remainder';

const DOUBLES: Record<Operation, (x: number, y: number) => number> = {
  add: (x, y) => x + y,
  subtract: (x, y) => x - y,
  multiply: (x, y) => x * y,
  divide: (x, y) => x / y,
  remainder: (x, y) => x % y,
};

const INTEGERS: Record<Exclude<Operation, 'divide'>, (x: bigint, y: bigint) => bigint> = {
  add: (x, y) => x + y,
  subtract: (x, y) => x - y,
  multiply: (x, y) => x * y,
  remainder: (x, y) => x % y,
};

const DECIMALS: Record<Operation, (x: Decimal, y: Decimal) => Decimal> = {
  add: addDecimals,
  subtract: (x, y) => addDecimals(x, { digits: -y.digits, exponent: y.exponent }),
  multiply: multiplyDecimals,
  divide: divideDecimals,
  remainder: remainderOfDecimals,
};

/** A double becomes a decimal of 15 digits, zeros at the end included, as in MongoDB. */
function decimalOf(value: unknown): Decimal | undefined {
  if (value instanceof Decimal128) return parseDecimal(value.toString());
  const number = numericValue(value);
  if (typeof number === 'bigint') return { digits: number, exponent: 0 };
  if (!(value instanceof Double) || number === 0) return parseDecimal(String(number));
  return parseDecimal(number.toPrecision(15));
}

/**
 * The result of arithmetic on two numbers, in the wider of their types; whether it fits that type is the
 * caller's to judge: an integer comes back as a bigint, anything else with its type.
 */
export function calculate(operation: Operation, a: unknown, b: unknown): bigint | Double | Decimal128 {
  const types = [typeOf(a), typeOf(b)];
  if (types.includes(TYPE.decimal)) {
    const x = decimalOf(a);
    const y = decimalOf(b);
    if (x && y && !(y.digits === 0n && (operation === 'divide' || operation === 'remainder')))
      return toDecimal128(DECIMALS[operation](x, y));
    return Decimal128.fromString(
      String(DOUBLES[operation](Number(numericValue(a)), Number(numericValue(b)))),
    );
  }
  if (types.includes(TYPE.double) || operation === 'divide')
    return new Double(DOUBLES[operation](Number(numericValue(a)), Number(numericValue(b))));
  return INTEGERS[operation](BigInt(numericValue(a)), BigInt(numericValue(b)));
}

/** As aggregation does it: an int that overflows becomes a long, a long that overflows a double. */
export function arithmetic(operation: Operation, a: unknown, b: unknown): unknown {
  const result = calculate(operation, a, b);
  if (typeof result !== 'bigint') return result;
  const wide = typeOf(a) === TYPE.long || typeOf(b) === TYPE.long;
  return integer(result, wide);
}

/** A long if `wide`, else the narrowest type that holds it. */
export function integer(value: bigint, wide: boolean): unknown {
  if (wide && value >= -(2n ** 63n) && value < 2n ** 63n) return Long.fromBigInt(value);
  return intOrLong(value) ?? new Double(Number(value));
}

export function int(value: number): Int32 {
  return new Int32(value);
}
