import { calculateObjectSize, DBRef, Double, deserialize, Int32, Long, serialize } from 'bson';
import { type Doc, define, isDoc, numericValue } from './types.ts';

/** The largest document, in bytes, that MongoDB stores. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

const TYPED = { promoteValues: false, promoteBuffers: false, bsonRegExp: true } as const;

/** BSON bytes to a document in which every number keeps its type. */
export function decode(bytes: Uint8Array): Doc {
  const doc = deserialize(bytes, TYPED) as Doc;
  return hasDBRef(bytes) ? (undoDBRefs(doc) as Doc) : doc;
}

/** As `decode`, but the members of the named array fields stay raw BSON. */
export function decodeWithRaw(bytes: Uint8Array, rawArrays: readonly string[]): Doc {
  const fieldsAsRaw: Record<string, boolean> = {};
  for (const name of rawArrays) fieldsAsRaw[name] = true;
  const doc = deserialize(bytes, { ...TYPED, fieldsAsRaw }) as Doc;
  return hasDBRef(bytes) ? (undoDBRefs(doc) as Doc) : doc;
}

export function encode(doc: Doc): Buffer {
  const bytes = serialize(doc, { ignoreUndefined: true });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function encodedSize(doc: Doc): number {
  return calculateObjectSize(doc, { ignoreUndefined: true });
}

const REF = Buffer.from('$ref\0');

function hasDBRef(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(REF);
}

/** bson makes a class instance of `{$ref, $id}`; to the server it is an ordinary document. */
function undoDBRefs(value: unknown): unknown {
  if (value instanceof DBRef) {
    const doc: Doc = { $ref: value.collection, $id: undoDBRefs(value.oid) };
    if (value.db) doc.$db = value.db;
    return { ...doc, ...(undoDBRefs(value.fields) as Doc) };
  }
  if (Array.isArray(value)) return value.map(undoDBRefs);
  if (isDoc(value)) {
    const copy: Doc = {};
    for (const key of Object.keys(value)) define(copy, key, undoDBRefs(value[key]));
    return copy;
  }
  return value;
}

/** For mingo: numbers become JS numbers (longs beyond 2^53 stay `Long`), everything else is shared. */
export function toPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Int32 || value instanceof Double) return value.value;
  if (Long.isLong(value) && (value as { _bsontype: string })._bsontype === 'Long') {
    const number = numericValue(value);
    return typeof number === 'number' ? number : value;
  }
  if (isDoc(value)) {
    const copy: Doc = {};
    for (const key of Object.keys(value)) define(copy, key, toPlain(value[key]));
    return copy;
  }
  return value;
}

/** JS numbers to BSON types as the server's arithmetic gives them: int, else long, else double. */
export function fromPlain(value: unknown): unknown {
  if (typeof value === 'number') {
    if (!Number.isInteger(value) || Object.is(value, -0)) return new Double(value);
    if (Math.abs(value) <= 0x7fffffff) return new Int32(value);
    return Number.isSafeInteger(value) ? Long.fromNumber(value) : new Double(value);
  }
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : fromPlain(item)));
  if (isDoc(value)) {
    const copy: Doc = {};
    for (const key of Object.keys(value)) {
      if (value[key] !== undefined) define(copy, key, fromPlain(value[key]));
    }
    return copy;
  }
  return value;
}

/**
 * Puts number types back after mingo worked on plain numbers: where the old document has an equal number at the
 * same place, its type is kept; the rest is typed as by `fromPlain`.
 */
export function fromPlainLike(value: unknown, old: unknown): unknown {
  if (typeof value === 'number') {
    return old !== undefined && toPlain(old) === value ? old : fromPlain(value);
  }
  if (Array.isArray(value)) {
    const before = Array.isArray(old) ? old : [];
    return value.map((item, i) => (item === undefined ? null : fromPlainLike(item, before[i])));
  }
  if (isDoc(value)) {
    const before = isDoc(old) ? old : {};
    const copy: Doc = {};
    for (const key of Object.keys(value)) {
      if (value[key] === undefined) continue;
      define(copy, key, fromPlainLike(value[key], Object.hasOwn(before, key) ? before[key] : undefined));
    }
    return copy;
  }
  return value;
}
