import { ServerError } from '../errors.ts';
import { arithmetic, integer } from '../values/arithmetic.ts';
import {
  Decimal128,
  Double,
  isNumeric,
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

function subtract(a: unknown, b: unknown): unknown {
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

const isZero = (value: unknown): boolean => Number(numericValue(value)) === 0;

function divide(a: unknown, b: unknown): unknown {
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

/** An operator on one number; ints and longs stay what they are, doubles and decimals go through `change`. */
function rounding(name: string, change: (value: number) => number): Builders {
  return unary(name, (value) => {
    if (isMissing(value)) return null;
    demandNumber(name, value);
    return keepType(value, change);
  });
}

function demandNumber(name: string, value: unknown): void {
  if (!isNumeric(value))
    throw new ServerError(28765, `${name} only supports numeric types, not ${describeType(value)}`);
}

function keepType(value: unknown, change: (value: number) => number): unknown {
  const type = typeOf(value);
  if (type === TYPE.double) return new Double(change(Number(numericValue(value))));
  if (type !== TYPE.decimal) return value;
  return Decimal128.fromString(String(change(Number(numericValue(value)))));
}

function absolute(value: unknown): unknown {
  if (isMissing(value)) return null;
  demandNumber('$abs', value);
  const type = typeOf(value);
  if (type === TYPE.double || type === TYPE.decimal) return keepType(value, Math.abs);
  const number = BigInt(numericValue(value));
  const positive = number < 0n ? -number : number;
  if (positive >= 2n ** 63n) throw new ServerError(28680, "can't take $abs of long long min");
  return integer(positive, type === TYPE.long);
}

/** A function whose result is a double (or a decimal of a decimal). */
function real(name: string, code: number, allowed: (x: number) => boolean, apply: (x: number) => number) {
  return unary(name, (value) => {
    if (isMissing(value)) return null;
    demandNumber(name, value);
    const x = Number(numericValue(value));
    if (!Number.isNaN(x) && !allowed(x))
      throw new ServerError(code, `${name}'s argument is out of its domain, but is ${x}`);
    const result = apply(x);
    return typeOf(value) === TYPE.decimal ? Decimal128.fromString(String(result)) : new Double(result);
  });
}

function halfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function toPlaces(name: '$round' | '$trunc', value: unknown, places: unknown): unknown {
  if (isMissing(value)) return null;
  if (!isNumeric(value))
    throw new ServerError(51081, `${name} only supports numeric types, not ${describeType(value)}`);
  if (places === null) return null;
  const digits = places === undefined ? 0 : toNumber(places);
  if (digits === undefined || !Number.isInteger(digits))
    throw new ServerError(51082, `precision argument to ${name} must be a integral value`);
  if (digits < -20 || digits > 100)
    throw new ServerError(
      51083,
      `cannot apply ${name} with precision value ${digits} value must be in [-20, 100]`,
    );
  const round = name === '$round' ? halfEven : Math.trunc;
  const type = typeOf(value);
  const apply = (x: number): number => {
    if (!Number.isFinite(x)) return x;
    // By way of the text, so that 1.005 is not 1.00499999999999989.
    const shifted = Number(`${x}e${digits}`);
    return Number.isFinite(shifted) ? Number(`${round(shifted)}e${-digits}`) : x;
  };
  if (type === TYPE.double || type === TYPE.decimal) return keepType(value, apply);
  return digits >= 0 ? value : integer(BigInt(apply(Number(numericValue(value)))), type === TYPE.long);
}

function power(base: unknown, exponent: unknown): unknown {
  if (isMissing(base) || isMissing(exponent)) return null;
  if (!isNumeric(base))
    throw new ServerError(28762, `$pow's base must be numeric, not ${describeType(base)}`);
  if (!isNumeric(exponent))
    throw new ServerError(28763, `$pow's exponent must be numeric, not ${describeType(exponent)}`);
  const x = numericValue(base);
  const y = numericValue(exponent);
  if (Number(x) === 0 && Number(y) < 0)
    throw new ServerError(28764, '$pow cannot take a base of 0 and a negative exponent');
  const types = [typeOf(base), typeOf(exponent)];
  const result = Number(x) ** Number(y);
  if (types.includes(TYPE.decimal)) return Decimal128.fromString(String(result));
  if (types.includes(TYPE.double) || !Number.isInteger(result)) return new Double(result);
  if (Number(y) >= 0 && Math.abs(result) < 2 ** 63)
    return integer(BigInt(x) ** BigInt(y), types.includes(TYPE.long));
  return new Double(result);
}

function logarithm(value: unknown, base: unknown): unknown {
  if (isMissing(value) || isMissing(base)) return null;
  if (!isNumeric(value))
    throw new ServerError(28756, `$log's argument must be numeric, not ${describeType(value)}`);
  if (!isNumeric(base))
    throw new ServerError(28757, `$log's base must be numeric, not ${describeType(base)}`);
  const x = Number(numericValue(value));
  const b = Number(numericValue(base));
  if (x <= 0) throw new ServerError(28758, `$log's argument must be a positive number, but is ${x}`);
  if (b <= 0 || b === 1)
    throw new ServerError(28759, `$log's base must be a positive number not equal to 1, but is ${b}`);
  return new Double(Math.log(x) / Math.log(b));
}

export const ARITHMETIC: Builders = {
  ...variadic('$add', add),
  ...binary('$subtract', subtract),
  ...variadic('$multiply', multiply),
  ...binary('$divide', divide),
  ...binary('$mod', mod),
  ...unary('$abs', absolute),
  ...rounding('$ceil', Math.ceil),
  ...rounding('$floor', Math.floor),
  ...operator('$round', 1, 2, ([value, places]) => toPlaces('$round', value, places)),
  ...operator('$trunc', 1, 2, ([value, places]) => toPlaces('$trunc', value, places)),
  ...real('$sqrt', 28714, (x) => x >= 0, Math.sqrt),
  ...real('$exp', 0, () => true, Math.exp),
  ...real('$ln', 28766, (x) => x > 0, Math.log),
  ...real('$log10', 28761, (x) => x > 0, Math.log10),
  ...binary('$log', logarithm),
  ...binary('$pow', power),
};
