import { Binary, BSONRegExp, Decimal128, Double, Int32, Long, ObjectId, Timestamp } from 'bson';

/**
 * A document as the engine holds it while it works: every number keeps its BSON type (`Int32`, `Double`,
 * `Long`, `Decimal128`), so that a field that nobody touches comes out of a rewrite exactly as it went in.
 */
export type Doc = Record<string, unknown>;

export const TYPE = {
  minKey: -1,
  double: 1,
  string: 2,
  object: 3,
  array: 4,
  binData: 5,
  undefined: 6,
  objectId: 7,
  bool: 8,
  date: 9,
  null: 10,
  regex: 11,
  dbPointer: 12,
  javascript: 13,
  symbol: 14,
  javascriptWithScope: 15,
  int: 16,
  timestamp: 17,
  long: 18,
  decimal: 19,
  maxKey: 127,
} as const;

export type TypeName = keyof typeof TYPE;

const TYPE_NAMES = new Map<number, TypeName>(
  Object.entries(TYPE).map(([name, code]) => [code, name as TypeName]),
);

const BY_BSON_TYPE: Record<string, number> = {
  Int32: TYPE.int,
  Double: TYPE.double,
  Long: TYPE.long,
  Decimal128: TYPE.decimal,
  ObjectId: TYPE.objectId,
  Binary: TYPE.binData,
  Timestamp: TYPE.timestamp,
  BSONRegExp: TYPE.regex,
  BSONSymbol: TYPE.symbol,
  DBRef: TYPE.object,
  MinKey: TYPE.minKey,
  MaxKey: TYPE.maxKey,
};

/** The BSON type number of a value; `undefined` (a missing field) counts as BSON undefined. */
export function typeOf(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return TYPE.string;
    case 'number':
      return Number.isInteger(value) && Math.abs(value) <= 0x7fffffff && !Object.is(value, -0)
        ? TYPE.int
        : TYPE.double;
    case 'boolean':
      return TYPE.bool;
    case 'bigint':
      return TYPE.long;
    case 'undefined':
      return TYPE.undefined;
    case 'object': {
      if (value === null) return TYPE.null;
      if (Array.isArray(value)) return TYPE.array;
      if (value instanceof Date) return TYPE.date;
      const tag = (value as { _bsontype?: unknown })._bsontype;
      if (tag === 'Code')
        return (value as { scope?: unknown }).scope ? TYPE.javascriptWithScope : TYPE.javascript;
      if (typeof tag === 'string') return BY_BSON_TYPE[tag] ?? TYPE.object;
      if (value instanceof RegExp) return TYPE.regex;
      if (value instanceof Uint8Array) return TYPE.binData;
      return TYPE.object;
    }
    default:
      return TYPE.null;
  }
}

export function typeName(value: unknown): TypeName {
  return value === undefined ? 'undefined' : (TYPE_NAMES.get(typeOf(value)) ?? 'object');
}

export function isDoc(value: unknown): value is Doc {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
  );
}

export function isNumeric(value: unknown): boolean {
  const type = typeOf(value);
  return type === TYPE.int || type === TYPE.double || type === TYPE.long || type === TYPE.decimal;
}

/**
 * A number's value: a JS number, or a bigint where a number would not be exact. A decimal with a fraction is taken
 * as its nearest double: `compareNumeric` and `exactValue` are for where that matters.
 */
export function numericValue(value: unknown): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (value instanceof Int32 || value instanceof Double) return value.value;
  if (Long.isLong(value)) {
    const number = value.toNumber();
    return Number.isSafeInteger(number) ? number : value.toBigInt();
  }
  if (value instanceof Decimal128) {
    const text = value.toString();
    if (/^-?\d+$/.test(text)) {
      const number = Number(text);
      return Number.isSafeInteger(number) ? number : BigInt(text);
    }
    return Number(text);
  }
  return Number.NaN;
}

/** The value as a plain JS number (possibly rounded), or undefined if it is not a number. */
export function toNumber(value: unknown): number | undefined {
  return isNumeric(value) ? Number(numericValue(value)) : undefined;
}

export function isTruthy(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return false;
  if (value instanceof Decimal128) return !/^-?[0.]+(E|$)/.test(value.toString());
  return isNumeric(value) ? Number(numericValue(value)) !== 0 : true;
}

export function regexParts(value: unknown): { pattern: string; flags: string } {
  if (value instanceof RegExp) return { pattern: value.source, flags: value.flags.replace('g', '') };
  if (value instanceof BSONRegExp) return { pattern: value.pattern, flags: value.options };
  return { pattern: '', flags: '' };
}

export function binaryBytes(value: unknown): Uint8Array {
  if (value instanceof Binary) return value.buffer.subarray(0, value.position);
  return value instanceof Uint8Array ? value : new Uint8Array();
}

/** A copy that shares nothing mutable with the original; BSON scalars are immutable here and are shared. */
export function cloneValue<T>(value: T): T {
  if (Array.isArray(value)) return value.map(cloneValue) as T;
  if (isDoc(value)) {
    const copy: Doc = {};
    for (const key of Object.keys(value)) define(copy, key, cloneValue(value[key]));
    return copy as T;
  }
  return value;
}

/** Assigns an own property, also when it is called `__proto__`. */
export function define(target: Doc, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else target[key] = value;
}

export function own(target: Doc, key: string): unknown {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}

/** The shortest exact number type for an integer result of arithmetic: int, else long. */
export function intOrLong(value: bigint): Int32 | Long | undefined {
  if (value >= -0x80000000n && value <= 0x7fffffffn) return new Int32(Number(value));
  if (value >= -(2n ** 63n) && value < 2n ** 63n) return Long.fromBigInt(value);
  return undefined;
}

export { Binary, BSONRegExp, Decimal128, Double, Int32, Long, ObjectId, Timestamp };
