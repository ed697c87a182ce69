import { calculateObjectSize, DBRef, deserialize, serialize } from 'bson';
import { type Doc, define, isDoc } from './types.ts';

/** The largest document, in bytes, that MongoDB stores. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** How deep a stored document may be nested; MongoDB's manual promises 100, its server takes 180. */
export const MAX_DEPTH = 180;
/** What so deep a document has at least: each level a type, a name's end, a length and an end. */
const DEEP_BYTES = MAX_DEPTH * 7;

/** Whether a document is nested deeper than it may be stored. What is empty is no level of its own. */
export function isTooDeep(doc: Doc, size: number): boolean {
  return size > DEEP_BYTES && hasLevels(doc, MAX_DEPTH + 1);
}

function hasLevels(value: unknown, levels: number): boolean {
  if (!Array.isArray(value) && !isDoc(value)) return false;
  const members = Array.isArray(value) ? value : Object.values(value);
  if (levels === 1) return members.length > 0;
  return members.some((member) => hasLevels(member, levels - 1));
}

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
