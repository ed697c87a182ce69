import type { Code, ObjectId, Timestamp } from 'bson';
import { compareNumeric } from './numbers.ts';
import { binaryBytes, type Doc, regexParts, TYPE, typeOf } from './types.ts';

/** The order of BSON types among each other; ints, longs, doubles and decimals are one kind. */
const CANONICAL: Record<number, number> = {
  [TYPE.minKey]: 10,
  [TYPE.undefined]: 15,
  [TYPE.null]: 20,
  [TYPE.double]: 30,
  [TYPE.int]: 30,
  [TYPE.long]: 30,
  [TYPE.decimal]: 30,
  [TYPE.string]: 60,
  [TYPE.symbol]: 60,
  [TYPE.object]: 70,
  [TYPE.array]: 80,
  [TYPE.binData]: 90,
  [TYPE.objectId]: 100,
  [TYPE.bool]: 110,
  [TYPE.date]: 120,
  [TYPE.timestamp]: 130,
  [TYPE.regex]: 140,
  [TYPE.dbPointer]: 150,
  [TYPE.javascript]: 160,
  [TYPE.javascriptWithScope]: 165,
  [TYPE.maxKey]: 240,
};

export function canonicalType(value: unknown): number {
  return CANONICAL[typeOf(value)] ?? 70;
}

export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : String((value as { value?: unknown }).value ?? value);
}

function compareBare(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By UTF-8 bytes, which is by code point; JavaScript's own `<` goes by UTF-16 units and differs on surrogates. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xHigh = x >= 0xd800 && x <= 0xdfff;
    const yHigh = y >= 0xd800 && y <= 0xdfff;
    if (xHigh !== yHigh) return xHigh ? 1 : -1;
    return x < y ? -1 : 1;
  }
  return a.length < b.length ? -1 : 1;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Math.sign(Buffer.compare(a, b));
}

/** How two strings compare; a collation replaces the default. */
export type StringOrder = (a: string, b: string) => number;

/** MongoDB's total order over all values. A missing field (`undefined`) sorts just before null. */
export function compareValues(a: unknown, b: unknown, strings: StringOrder = compareStrings): number {
  if (a === b) return 0;
  const typeA = canonicalType(a);
  const typeB = canonicalType(b);
  if (typeA !== typeB) return typeA < typeB ? -1 : 1;
  switch (typeA) {
    case 30:
      return compareNumeric(a, b);
    case 60:
      return strings(stringOf(a), stringOf(b));
    case 70:
      return compareDocs(a as Doc, b as Doc, strings);
    case 80:
      return compareArrays(a as unknown[], b as unknown[], strings);
    case 90:
      return compareBinary(a, b);
    case 100:
      return compareBytes((a as ObjectId).id, (b as ObjectId).id);
    case 110:
      return Number(a) - Number(b);
    case 120:
      return compareBare((a as Date).getTime(), (b as Date).getTime());
    case 130: {
      const x = (a as Timestamp).toBigInt();
      const y = (b as Timestamp).toBigInt();
      return compareBare(BigInt.asUintN(64, x), BigInt.asUintN(64, y));
    }
    case 140: {
      const x = regexParts(a);
      const y = regexParts(b);
      return compareStrings(x.pattern, y.pattern) || compareStrings(x.flags, y.flags);
    }
    case 160:
      return compareStrings(String((a as Code).code), String((b as Code).code));
    case 165:
      return (
        compareStrings(String((a as Code).code), String((b as Code).code)) ||
        compareDocs(((a as Code).scope ?? {}) as Doc, ((b as Code).scope ?? {}) as Doc, strings)
      );
    default:
      return 0;
  }
}

function compareBinary(a: unknown, b: unknown): number {
  const x = binaryBytes(a);
  const y = binaryBytes(b);
  const subtype = (v: unknown) => (v as { sub_type?: number }).sub_type ?? 0;
  return Math.sign(x.length - y.length) || Math.sign(subtype(a) - subtype(b)) || compareBytes(x, y);
}

function compareArrays(a: unknown[], b: unknown[], strings: StringOrder): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = compareValues(a[i], b[i], strings);
    if (order !== 0) return order;
  }
  return Math.sign(a.length - b.length);
}

function compareDocs(a: Doc, b: Doc, strings: StringOrder): number {
  const keysA = Object.keys(a);
  const keysB = Object.keys(b);
  const length = Math.min(keysA.length, keysB.length);
  for (let i = 0; i < length; i++) {
    const keyA = keysA[i] as string;
    const keyB = keysB[i] as string;
    const order =
      Math.sign(canonicalType(a[keyA]) - canonicalType(b[keyB])) ||
      compareStrings(keyA, keyB) ||
      compareValues(a[keyA], b[keyB], strings);
    if (order !== 0) return order;
  }
  return Math.sign(keysA.length - keysB.length);
}

export function valuesEqual(a: unknown, b: unknown, strings?: StringOrder): boolean {
  return compareValues(a, b, strings) === 0;
}
