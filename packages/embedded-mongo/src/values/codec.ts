import { calculateObjectSize, DBRef, deserialize, serialize } from 'bson';
import { type Doc, define, isDoc } from './types.ts';

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
