import { ServerError } from '../errors.ts';
import { shiftRight } from '../values/decimal.ts';
import { exactValue } from '../values/numbers.ts';
import { UTC } from '../values/time-zone.ts';
import {
  Decimal128,
  Double,
  Int32,
  isDoc,
  isNumeric,
  isTruthy,
  Long,
  numericValue,
  ObjectId,
  TYPE,
  type TypeName,
  toNumber,
  typeOf,
} from '../values/types.ts';
import { type Builder, type Builders, describeType, isMissing, named, unary } from './arguments.ts';
import { binaryText, checkDataFormat, subtypeOf, toBinary } from './binary-data.ts';
import { readAnyDate } from './date-format.ts';
import { instantOf } from './dates.ts';

function failure(value: unknown, to: string, why = ''): ServerError {
  return new ServerError(
    'ConversionFailure',
    why
      ? `Failed to parse value in $convert with no onError value: ${why}`
      : `Unsupported conversion from ${describeType(value)} to ${to} in $convert with no onError value`,
  );
}

/** A double as MongoDB prints it: 16 significant digits, as C's `%.16g`. */
function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', exponent = '0'] = value.toExponential(15).split('e');
  const power = Number(exponent);
  const short = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  if (power < -4 || power >= 16)
    return `${short(mantissa)}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  return short(value.toFixed(15 - power));
}

/** `$toString`; undefined for types that have no text. */
export function toText(value: unknown): string | undefined {
  switch (typeOf(value)) {
    case TYPE.string:
      return String(value);
    case TYPE.bool:
      return value ? 'true' : 'false';
    case TYPE.double:
      return doubleText(Number(numericValue(value)));
    case TYPE.int:
    case TYPE.long:
      return String(numericValue(value));
    case TYPE.decimal:
      return String(value);
    case TYPE.objectId:
      return (value as ObjectId).toHexString();
    case TYPE.date:
      return (value as Date).toISOString();
    default:
      return undefined;
  }
}

function toInteger(value: unknown, to: 'int' | 'long'): unknown {
  const make = (number: bigint): unknown => {
    const limit = to === 'int' ? 2n ** 31n : 2n ** 63n;
    if (number < -limit || number >= limit)
      throw failure(value, to, `Conversion would overflow target type: ${number}`);
    return to === 'int' ? new Int32(Number(number)) : Long.fromBigInt(number);
  };
  if (typeof value === 'boolean') return make(value ? 1n : 0n);
  if (value instanceof Date && to === 'long') return make(BigInt(value.getTime()));
  if (isNumeric(value)) {
    const exact = value instanceof Decimal128 ? exactValue(value) : undefined;
    if (exact && exact.exponent < 40) return make(shiftRight(exact.digits, -exact.exponent, 'truncate'));
    const number = numericValue(value);
    if (typeof number === 'bigint') return make(number);
    if (!Number.isFinite(number))
      throw failure(value, to, 'Attempt to convert NaN or infinity to integer type');
    return make(BigInt(Math.trunc(number)));
  }
  if (typeof value === 'string') {
    if (!/^[+-]?\d+$/.test(value)) throw failure(value, to, `Failed to parse number '${value}'`);
    return make(BigInt(value.replace('+', '')));
  }
  throw failure(value, to);
}

function toDouble(value: unknown): unknown {
  if (typeof value === 'boolean') return new Double(value ? 1 : 0);
  if (value instanceof Date) return new Double(value.getTime());
  if (isNumeric(value)) return new Double(Number(numericValue(value)));
  if (typeof value === 'string') {
    const special = /^([+-]?)(inf|infinity|nan)$/i.exec(value);
    const number = special
      ? special[2]?.toLowerCase() === 'nan'
        ? Number.NaN
        : (special[1] === '-' ? -1 : 1) * Number.POSITIVE_INFINITY
      : /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)
        ? Number(value)
        : undefined;
    if (number === undefined) throw failure(value, 'double', `Failed to parse number '${value}'`);
    return new Double(number);
  }
  throw failure(value, 'double');
}

function toDecimal(value: unknown): unknown {
  if (typeof value === 'boolean') return Decimal128.fromString(value ? '1' : '0');
  if (value instanceof Date) return Decimal128.fromString(String(value.getTime()));
  if (value instanceof Decimal128) return value;
  if (typeOf(value) === TYPE.double) {
    const number = Number(numericValue(value));
    return Decimal128.fromString(Number.isFinite(number) ? number.toPrecision(15) : String(number));
  }
  if (isNumeric(value)) return Decimal128.fromString(String(numericValue(value)));
  if (typeof value === 'string') {
    try {
      return Decimal128.fromString(value);
    } catch {
      throw failure(value, 'decimal', `Failed to parse number '${value}'`);
    }
  }
  throw failure(value, 'decimal');
}

function toDate(value: unknown): unknown {
  if (value instanceof Date) return value;
  const type = typeOf(value);
  if (type === TYPE.long || type === TYPE.double || type === TYPE.decimal) {
    const date = new Date(Math.trunc(toNumber(value) ?? Number.NaN));
    if (Number.isNaN(date.getTime())) throw failure(value, 'date', 'out of range');
    return date;
  }
  const instant = instantOf(value);
  if (instant !== undefined) return new Date(instant);
  if (typeof value === 'string') return readAnyDate(value, UTC);
  throw failure(value, 'date');
}

function toBool(value: unknown): unknown {
  return isTruthy(value);
}

function toObjectId(value: unknown): unknown {
  if (value instanceof ObjectId) return value;
  if (typeof value !== 'string') throw failure(value, 'objectId');
  if (!/^[0-9a-f]{24}$/i.test(value)) throw failure(value, 'objectId', `Failed to parse objectId '${value}'`);
  return new ObjectId(value);
}

const CONVERT: Partial<Record<TypeName, (value: unknown) => unknown>> = {
  double: toDouble,
  string: (value) => {
    const text = toText(value);
    if (text === undefined) throw failure(value, 'string');
    return text;
  },
  objectId: toObjectId,
  bool: toBool,
  date: toDate,
  int: (value) => toInteger(value, 'int'),
  long: (value) => toInteger(value, 'long'),
  decimal: toDecimal,
};

function shorthand(name: string, to: TypeName): Builders {
  const apply = CONVERT[to] as (value: unknown) => unknown;
  return {
    [name]: (argument, compiler) => {
      if (Array.isArray(argument) && argument.length !== 1)
        throw new ServerError(50723, `${name} requires a single argument, got ${argument.length}`);
      return (unary(name, (value) => (isMissing(value) ? null : apply(value)))[name] as Builder)(
        argument,
        compiler,
      );
    },
  };
}

interface Target {
  name: TypeName;
  subtype: number;
}

/** What `to` names: a type, by its name or number, or a document with it. */
function targetOf(given: unknown): Target {
  if (isDoc(given)) {
    for (const key of Object.keys(given))
      if (key !== 'type' && key !== 'subtype')
        throw new ServerError('FailedToParse', `$convert found an unknown argument in 'to': ${key}`);
    return { ...targetOf(given.type), subtype: subtypeOf(given.subtype) };
  }
  const code = toNumber(given);
  if (code === undefined && typeof given !== 'string')
    throw new ServerError(
      'FailedToParse',
      `$convert's 'to' argument must be a string or number, but is ${describeType(given)}`,
    );
  const name =
    code === undefined
      ? String(given)
      : (Object.entries(TYPE).find(([, number]) => number === code)?.[0] ?? String(code));
  if (code !== undefined && !Number.isInteger(code))
    throw new ServerError('FailedToParse', "In $convert, numeric 'to' argument is not an integer");
  if (!Object.hasOwn(TYPE, name)) throw new ServerError('BadValue', `Unknown type name: ${name}`);
  return { name: name as TypeName, subtype: 0 };
}

const convert = named(
  '$convert',
  { notObject: 9, unknown: 9, missing: 9 },
  ['input', 'to'],
  ['onError', 'onNull', 'format', 'byteOrder'],
  (fields, compiler) => {
    const input = compiler.compile(fields.input);
    const toType = isDoc(fields.to) && 'type' in fields.to ? fields.to : undefined;
    const to = compiler.compile(fields.to);
    const format = 'format' in fields ? compiler.compile(fields.format) : undefined;
    const onError = 'onError' in fields ? compiler.compile(fields.onError) : undefined;
    const onNull = 'onNull' in fields ? compiler.compile(fields.onNull) : undefined;
    return (scope) => {
      const value = input(scope);
      const type = to(scope);
      const shape = format && checkDataFormat(format(scope));
      if (isMissing(value)) return onNull ? onNull(scope) : null;
      if (isMissing(type) || (toType && isDoc(type) && isMissing(type.type))) return null;
      const { name, subtype } = targetOf(type);
      try {
        if (name === 'binData') return toBinary(value, shape, subtype);
        if (name === 'string' && typeOf(value) === TYPE.binData) return binaryText(value, shape);
        const apply = CONVERT[name];
        if (!apply) throw failure(value, name);
        return apply(value);
      } catch (error) {
        if (onError && error instanceof ServerError && error.codeName === 'ConversionFailure')
          return onError(scope);
        throw error;
      }
    };
  },
);

export const CONVERSIONS: Builders = {
  ...shorthand('$toString', 'string'),
  ...shorthand('$toInt', 'int'),
  ...shorthand('$toLong', 'long'),
  ...shorthand('$toDouble', 'double'),
  ...shorthand('$toDecimal', 'decimal'),
  ...shorthand('$toDate', 'date'),
  ...shorthand('$toBool', 'bool'),
  ...shorthand('$toObjectId', 'objectId'),
  ...convert,
  ...unary('$toUUID', (value) =>
    isMissing(value)
      ? null
      : typeof value === 'string'
        ? toBinary(value, 'uuid', 4)
        : toBinary(value, undefined, 4),
  ),
  ...unary('$type', describeType),
  ...unary('$isNumber', (value) => isNumeric(value)),
};
