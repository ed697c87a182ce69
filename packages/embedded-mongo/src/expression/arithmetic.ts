import { ServerError } from '../errors.ts';
import { arithmetic, integer } from '../values/arithmetic.ts';
import {
  type Decimal,
  divideDecimals,
  parseDecimal,
  quantize,
  type Rounding,
  shiftRight,
  toDecimal128,
  trimmed,
} from '../values/decimal.ts';
import { decimalPower, type RealFunction, realFunction } from '../values/decimal-functions.ts';
import { compareNumeric, exactValue } from '../values/numbers.ts';
import {
  Decimal128,
  Double,
  isNumeric,
  isTruthy,
  Long,
  numericValue,
  TYPE,
  toNumber,
  typeOf,
} from '../values/types.ts';
import { type Builders, binary, describeType, isMissing, operator, unary, variadic } from './arguments.ts';

const isDate = (value: unknown): value is Date => value instanceof Date;

function add(values: unknown[]): unknown {
  let total: unknown;
  let date: Date | undefined;
  for (const value of values) {
    // What stands behind a null is not looked at.
    if (isMissing(value)) return null;
    if (isDate(value)) {
      if (date) throw new ServerError(16612, 'only one date allowed in an $add expression');
      date = value;
    } else if (!isNumeric(value))
      throw new ServerError(
        'TypeMismatch',
        `$add only supports numeric or date types, not ${describeType(value)}`,
      );
    else total = total === undefined ? value : arithmetic('add', total, value);
  }
  if (date) return new Date(date.getTime() + Math.round(toNumber(total) ?? 0));
  return total ?? integer(0n, false);
}

export function subtract(a: unknown, b: unknown): unknown {
  if (isMissing(a) || isMissing(b)) return null;
  if (isDate(a) && isDate(b)) return Long.fromNumber(a.getTime() - b.getTime());
  if (isDate(a) && isNumeric(b)) return new Date(a.getTime() - Math.round(toNumber(b) ?? 0));
  if (!isNumeric(a) || !isNumeric(b))
    throw new ServerError('TypeMismatch', `can't $subtract ${describeType(b)} from ${describeType(a)}`);
  return arithmetic('subtract', a, b);
}

function multiply(values: unknown[]): unknown {
  let total: unknown = integer(1n, false);
  for (const value of values) {
    if (isMissing(value)) return null;
    if (!isNumeric(value))
      throw new ServerError(
        'TypeMismatch',
        `$multiply only supports numeric types, not ${describeType(value)}`,
      );
    total = arithmetic('multiply', total, value);
  }
  return total;
}

export const isZero = (value: unknown): boolean => !isTruthy(value);

export function divide(a: unknown, b: unknown): unknown {
  if (isNumeric(a) && isNumeric(b)) {
    if (isZero(b)) throw new ServerError('BadValue', "can't $divide by zero");
    return arithmetic('divide', a, b);
  }
  if (isMissing(a) || isMissing(b)) return null;
  throw new ServerError(
    'TypeMismatch',
    `$divide only supports numeric types, not ${describeType(a)} and ${describeType(b)}`,
  );
}

function mod(a: unknown, b: unknown): unknown {
  if (isNumeric(a) && isNumeric(b)) {
    if (isZero(b)) throw new ServerError(16610, "can't $mod by zero");
    return arithmetic('remainder', a, b);
  }
  if (isMissing(a) || isMissing(b)) return null;
  throw new ServerError(
    16611,
    `$mod only supports numeric types, not ${describeType(a)} and ${describeType(b)}`,
  );
}

export function demandNumber(name: string, value: unknown, code = 28765): void {
  if (!isNumeric(value))
    throw new ServerError(code, `${name} only supports numeric types, not ${describeType(value)}`);
}

function decimalOf(value: unknown): Decimal | undefined {
  return value instanceof Decimal128 ? parseDecimal(value.toString()) : undefined;
}

/** An operator on one number; ints and longs stay what they are. */
function rounding(name: string, mode: Rounding, change: (value: number) => number): Builders {
  return unary(name, (value) => {
    if (isMissing(value)) return null;
    demandNumber(name, value);
    const decimal = decimalOf(value);
    if (decimal) return decimal.exponent >= 0 ? value : toDecimal128(quantize(decimal, 0, mode));
    return typeOf(value) === TYPE.double ? new Double(change(Number(numericValue(value)))) : value;
  });
}

function absolute(value: unknown): unknown {
  if (isMissing(value)) return null;
  demandNumber('$abs', value);
  const type = typeOf(value);
  if (type === TYPE.double) return new Double(Math.abs(Number(numericValue(value))));
  if (type === TYPE.decimal) return Decimal128.fromString(String(value).replace(/^-/, ''));
  const number = BigInt(numericValue(value));
  const positive = number < 0n ? -number : number;
  if (positive >= 2n ** 63n) throw new ServerError(28680, "can't take $abs of long long min");
  return integer(positive, type === TYPE.long);
}

/** A function whose result is a double, or a decimal of a decimal. */
export function realValue(name: RealFunction, value: unknown, apply: (x: number) => number): unknown {
  const x = Number(numericValue(value));
  if (typeOf(value) !== TYPE.decimal) return new Double(apply(x));
  const decimal = decimalOf(value);
  if (!decimal) return Decimal128.fromString(String(apply(x)));
  const result = realFunction(name, decimal);
  return result
    ? toDecimal128(result)
    : Decimal128.fromString(decimal.digits < 0n && name === 'sinh' ? '-Infinity' : 'Infinity');
}

function real(
  name: RealFunction,
  code: number,
  allowed: (sign: number) => boolean,
  apply: (x: number) => number,
): Builders {
  return unary(`$${name}`, (value) => {
    if (isMissing(value)) return null;
    demandNumber(`$${name}`, value);
    const sign = Number.isNaN(Number(numericValue(value))) ? Number.NaN : compareNumeric(value, 0);
    if (!Number.isNaN(sign) && !allowed(sign))
      throw new ServerError(code, `$${name}'s argument is out of its domain, but is ${String(value)}`);
    return realValue(name, value, apply);
  });
}

function toPlaces(name: '$round' | '$trunc', value: unknown, places: unknown): unknown {
  if (isMissing(value)) return null;
  demandNumber(name, value, 51081);
  if (places === null) return null;
  const digits = places === undefined ? 0 : toNumber(places);
  if (digits === undefined || !Number.isInteger(digits))
    throw new ServerError(51082, `precision argument to ${name} must be a integral value`);
  if (digits < -20 || digits > 100)
    throw new ServerError(
      51083,
      `cannot apply ${name} with precision value ${digits} value must be in [-20, 100]`,
    );
  const mode: Rounding = name === '$round' ? 'halfEven' : 'truncate';
  const type = typeOf(value);
  if (type === TYPE.double) {
    const x = Number(numericValue(value));
    // A double counts as the decimal of 15 digits that it is printed as: 2.675 is not 2.67499999999999982.
    const decimal = Number.isFinite(x) ? parseDecimal(String(Number(x.toPrecision(15)))) : undefined;
    if (!decimal) return value;
    const { digits: rounded, exponent } = quantize(decimal, digits, mode);
    return new Double(Number(`${rounded}e${exponent}`) || (x < 0 ? -0 : 0));
  }
  if (type === TYPE.decimal) {
    const decimal = decimalOf(value);
    return decimal ? toDecimal128(quantize(decimal, digits, mode)) : value;
  }
  if (digits >= 0) return value;
  const result = shiftRight(BigInt(numericValue(value)), -digits, mode) * 10n ** BigInt(-digits);
  if (result >= 2n ** 63n || result < -(2n ** 63n))
    throw new ServerError(51080, `invalid conversion from Decimal128 result in ${name}`);
  return integer(result, type === TYPE.long);
}

function power(base: unknown, exponent: unknown): unknown {
  if (isMissing(base) || isMissing(exponent)) return null;
  if (!isNumeric(base))
    throw new ServerError(28762, `$pow's base must be numeric, not ${describeType(base)}`);
  if (!isNumeric(exponent))
    throw new ServerError(28763, `$pow's exponent must be numeric, not ${describeType(exponent)}`);
  if (isZero(base) && compareNumeric(exponent, 0) < 0 && !Number.isNaN(Number(numericValue(exponent))))
    throw new ServerError(28764, '$pow cannot take a base of 0 and a negative exponent');
  const types = [typeOf(base), typeOf(exponent)];
  const x = numericValue(base);
  const y = numericValue(exponent);
  const result = Number(x) ** Number(y);
  if (types.includes(TYPE.decimal)) {
    const [a, b] = [exactValue(base), exactValue(exponent)];
    const exact = a && b && decimalPower(a, b);
    return exact ? toDecimal128(exact) : Decimal128.fromString(String(result));
  }
  if (types.includes(TYPE.double) || !Number.isInteger(result)) return new Double(result);
  if (Number(y) >= 0 && Math.abs(result) < 2 ** 63)
    return integer(BigInt(x) ** BigInt(y), types.includes(TYPE.long));
  if (Math.abs(result) === 1) return integer(BigInt(result), types.includes(TYPE.long));
  return new Double(result);
}

function logarithm(value: unknown, base: unknown): unknown {
  if (isMissing(value) || isMissing(base)) return null;
  if (!isNumeric(value))
    throw new ServerError(28756, `$log's argument must be numeric, not ${describeType(value)}`);
  if (!isNumeric(base))
    throw new ServerError(28757, `$log's base must be numeric, not ${describeType(base)}`);
  const isNaN_ = [value, base].some((one) => Number.isNaN(Number(numericValue(one))));
  if (!isNaN_ && compareNumeric(value, 0) <= 0)
    throw new ServerError(28758, `$log's argument must be a positive number, but is ${String(value)}`);
  if (!isNaN_ && (compareNumeric(base, 0) <= 0 || compareNumeric(base, 1) === 0))
    throw new ServerError(
      28759,
      `$log's base must be a positive number not equal to 1, but is ${String(base)}`,
    );
  const [x, b] = [value, base].map((one) => Number(numericValue(one))) as [number, number];
  if (typeOf(value) === TYPE.decimal || typeOf(base) === TYPE.decimal) {
    const [upper, lower] = [exactValue(value), exactValue(base)].map((one) => one && realFunction('ln', one));
    if (upper && lower) {
      const rounded = parseDecimal(toDecimal128(divideDecimals(upper, lower)).toString());
      if (rounded) return toDecimal128(trimmed(rounded));
    }
    return Decimal128.fromString(String(Math.log(x) / Math.log(b)));
  }
  return new Double(Math.log(x) / Math.log(b));
}

export const ARITHMETIC: Builders = {
  ...variadic('$add', add),
  ...binary('$subtract', subtract),
  ...variadic('$multiply', multiply),
  ...binary('$divide', divide),
  ...binary('$mod', mod),
  ...unary('$abs', absolute),
  ...rounding('$ceil', 'ceil', Math.ceil),
  ...rounding('$floor', 'floor', Math.floor),
  ...operator('$round', 1, 2, ([value, places]) => toPlaces('$round', value, places)),
  ...operator('$trunc', 1, 2, ([value, places]) => toPlaces('$trunc', value, places)),
  ...real('sqrt', 28714, (sign) => sign >= 0, Math.sqrt),
  ...real('exp', 0, () => true, Math.exp),
  ...real('ln', 28766, (sign) => sign > 0, Math.log),
  ...real('log10', 28761, (sign) => sign > 0, Math.log10),
  ...binary('$log', logarithm),
  ...binary('$pow', power),
};
