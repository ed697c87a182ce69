import { ServerError } from '../errors.ts';
import { MAX_DOCUMENT_BYTES } from '../values/codec.ts';
import { canonicalType, compareValues, stringOf } from '../values/compare.ts';
import { shiftRight } from '../values/decimal.ts';
import { compareNumeric, exactValue } from '../values/numbers.ts';
import {
  binaryBytes,
  type Doc,
  isDoc,
  isNumeric,
  Long,
  numericValue,
  regexParts,
  TYPE,
  type TypeName,
  toNumber,
  typeOf,
} from '../values/types.ts';
import type { QueryContext } from './filter.ts';
import type { Predicate } from './path.ts';
import { toRegExp } from './pcre.ts';

/** `{$gt: 1}` is a document of operators, `{a: 1}` and `{}` are values; a DBRef is a value too. */
export function isOperatorDoc(value: unknown): value is Doc {
  if (!isDoc(value)) return false;
  const first = Object.keys(value)[0];
  return first?.startsWith('$') === true && first !== '$ref' && first !== '$id' && first !== '$db';
}

/** The test of one operator on what a path leads to. */
export function leafPredicate(
  operator: string,
  argument: unknown,
  context: QueryContext,
  extra?: unknown,
): Predicate {
  switch (operator) {
    case '$eq':
      return { scalar: equality(argument, context, extra !== undefined) };
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return { scalar: inequality(operator, argument, context) };
    case '$in':
      return { scalar: membership(argument, context) };
    case '$regex':
      return { scalar: regex(argument, extra) };
    case '$type':
      return typePredicate(argument);
    case '$mod':
      return { scalar: modulo(argument) };
    case '$size': {
      const size = toNumber(argument);
      if (size === undefined)
        throw new ServerError('BadValue', 'Failed to parse $size. Expected a number in: $size');
      if (!Number.isInteger(size) || size < 0)
        throw new ServerError('BadValue', 'Failed to parse $size. Expected a non-negative integer');
      return { whole: (value) => Array.isArray(value) && value.length === size };
    }
    case '$bitsAllSet':
    case '$bitsAllClear':
    case '$bitsAnySet':
    case '$bitsAnyClear':
      return { scalar: bits(operator, argument) };
    default:
      throw new ServerError('BadValue', `unknown operator: ${operator}`);
  }
}

/** `asValue`: a regular expression equals only itself, as in `{$eq: /x/}`. */
function equality(argument: unknown, context: QueryContext, asValue = false): (value: unknown) => boolean {
  const type = typeOf(argument);
  if (type === TYPE.undefined) throw new ServerError('BadValue', 'cannot compare to undefined');
  if (type === TYPE.null) return (value) => value === null || value === undefined;
  if (type === TYPE.regex) {
    if (asValue) return (value) => typeOf(value) === TYPE.regex && compareValues(value, argument) === 0;
    const test = regex(argument, undefined);
    return (value) => test(value) || (typeOf(value) === TYPE.regex && compareValues(value, argument) === 0);
  }
  if (type === TYPE.string && !context.strings)
    return (value) => value === argument || (typeOf(value) === TYPE.symbol && stringOf(value) === argument);
  return (value) => value !== undefined && compareValues(value, argument, context.strings) === 0;
}

/** Only values of the argument's own kind compare, as in MongoDB ("type bracketing"). */
function inequality(operator: string, argument: unknown, context: QueryContext): (value: unknown) => boolean {
  const type = typeOf(argument);
  if (type === TYPE.regex)
    throw new ServerError('BadValue', `Can't have RegEx as arg to predicate over field`);
  if (type === TYPE.null)
    return operator.endsWith('e') ? (value) => value === null || value === undefined : () => false;
  const kind = canonicalType(argument);
  const anyKind = type === TYPE.minKey || type === TYPE.maxKey;
  const isNaN_ = kind === 30 && Number.isNaN(numericValue(argument));
  return (value) => {
    if (value === undefined) return false;
    if (!anyKind && canonicalType(value) !== kind) return false;
    if (kind === 30 && !anyKind) {
      const valueNaN = Number.isNaN(numericValue(value));
      if (valueNaN || isNaN_) return valueNaN && isNaN_ && operator.endsWith('e');
    }
    const order = compareValues(value, argument, context.strings);
    if (operator === '$gt') return order > 0;
    if (operator === '$gte') return order >= 0;
    return operator === '$lt' ? order < 0 : order <= 0;
  };
}

function membership(argument: unknown, context: QueryContext): (value: unknown) => boolean {
  if (!Array.isArray(argument)) throw new ServerError('BadValue', '$in needs an array');
  for (const item of argument) {
    if (isOperatorDoc(item)) throw new ServerError('BadValue', 'cannot nest $ under $in');
  }
  if (!context.strings && argument.every((item) => typeof item === 'string')) {
    const strings = new Set<unknown>(argument);
    return (value) => strings.has(value) || (typeOf(value) === TYPE.symbol && strings.has(stringOf(value)));
  }
  const tests = argument.map((item) => equality(item, context));
  return (value) => tests.some((test) => test(value));
}

function regex(argument: unknown, options: unknown): (value: unknown) => boolean {
  let pattern: string;
  let flags: string;
  if (typeof argument === 'string') {
    pattern = argument;
    flags = '';
  } else if (typeOf(argument) === TYPE.regex) ({ pattern, flags } = regexParts(argument));
  else throw new ServerError('BadValue', '$regex has to be a string');
  if (options !== undefined) {
    if (typeof options !== 'string') throw new ServerError('BadValue', '$options has to be a string');
    if (flags) throw new ServerError(51075, 'options set in both $regex and $options');
    flags = options;
  }
  const compiled = toRegExp(pattern, flags);
  return (value) =>
    typeof value === 'string'
      ? compiled.test(value)
      : typeOf(value) === TYPE.symbol && compiled.test(stringOf(value));
}

function typePredicate(argument: unknown): Predicate {
  const wanted = (Array.isArray(argument) ? argument : [argument]).map((item): number | 'number' => {
    if (item === 'number') return 'number';
    if (typeof item === 'string') {
      const code = Object.hasOwn(TYPE, item) ? TYPE[item as TypeName] : undefined;
      if (code === undefined) throw new ServerError('BadValue', `Unknown type name alias: ${item}`);
      return code;
    }
    const code = toNumber(item);
    if (code === undefined)
      throw new ServerError('TypeMismatch', 'type must be represented as a number or a string');
    if (!Object.values<number>(TYPE).includes(code))
      throw new ServerError('BadValue', `Invalid numerical type code: ${code}`);
    return code;
  });
  if (wanted.length === 0) throw new ServerError('FailedToParse', '$type must match at least one type');
  return {
    scalar: (value) =>
      value !== undefined &&
      wanted.some((type) => (type === 'number' ? toNumber(value) !== undefined : typeOf(value) === type)),
  };
}

function modulo(argument: unknown): (value: unknown) => boolean {
  if (!Array.isArray(argument)) throw new ServerError('BadValue', 'malformed mod, needs to be an array');
  if (argument.length !== 2) {
    throw new ServerError(
      'BadValue',
      `malformed mod, ${argument.length < 2 ? 'not enough' : 'too many'} elements`,
    );
  }
  const [divisor, remainder] = argument.map((item, i) => {
    const what = i === 0 ? 'divisor' : 'remainder';
    const whole = isNumeric(item) ? wholePart(item) : undefined;
    if (whole === undefined) throw new ServerError('BadValue', `malformed mod, ${what} not a number`);
    return whole;
  }) as [bigint, bigint];
  if (divisor === 0n) throw new ServerError('BadValue', 'divisor cannot be 0');
  return (value) => {
    const number = isNumeric(value) ? wholePart(value) : undefined;
    return number !== undefined && number % divisor === remainder;
  };
}

/** A number without its fraction; undefined for those that have no end. */
function wholePart(value: unknown): bigint | undefined {
  const exact = exactValue(value);
  if (!exact || exact.exponent > 40) return undefined;
  return shiftRight(exact.digits, -exact.exponent, 'truncate');
}

/** Up from here no document has bits of its own, and a number only its sign, again and again. */
const BEYOND_ALL_BITS = 8 * MAX_DOCUMENT_BYTES;

function bitMask(operator: string, argument: unknown): bigint {
  if (Array.isArray(argument)) {
    let mask = 0n;
    for (const item of argument) {
      const position = toNumber(item);
      if (position === undefined || !Number.isInteger(position))
        throw new ServerError('BadValue', `bit positions must be an integer but got: ${String(item)}`);
      if (position < 0) throw new ServerError('BadValue', `bit positions must be >= 0 but got: ${position}`);
      mask |= 1n << BigInt(Math.min(position, BEYOND_ALL_BITS));
    }
    return mask;
  }
  if (typeOf(argument) === TYPE.binData) return bitsOfBytes(argument);
  const number = toNumber(argument);
  if (number === undefined)
    throw new ServerError(
      'BadValue',
      `${operator} takes an Array, a number, or a BinData but received: ${String(argument)}`,
    );
  if (!Number.isInteger(number) || number < 0)
    throw new ServerError('FailedToParse', `Expected a non-negative integer in: ${operator}: ${number}`);
  return wholePart(argument) ?? 0n;
}

/** The first byte holds the lowest bits. */
function bitsOfBytes(value: unknown): bigint {
  let bits = 0n;
  binaryBytes(value).forEach((byte, i) => {
    bits |= BigInt(byte) << BigInt(8 * i);
  });
  return bits;
}

function bits(operator: string, argument: unknown): (value: unknown) => boolean {
  const mask = bitMask(operator, argument);
  return (value) => {
    let held: bigint;
    if (typeOf(value) === TYPE.binData) held = bitsOfBytes(value);
    else {
      if (!isNumeric(value)) return false;
      const whole = wholePart(value);
      // Only what a long can be, and has no fraction, has bits.
      if (whole === undefined || compareNumeric(value, Long.fromBigInt(whole)) !== 0) return false;
      held = whole;
    }
    const set = held & mask;
    if (operator === '$bitsAllSet') return set === mask;
    if (operator === '$bitsAllClear') return set === 0n;
    return operator === '$bitsAnySet' ? set !== 0n : set !== mask;
  };
}
