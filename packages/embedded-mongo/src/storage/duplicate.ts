import { ServerError } from '../errors.ts';
import { documentKeys } from '../indexes/entries.ts';
import { storedKey } from '../indexes/key.ts';
import type { IndexSpec } from '../indexes/spec.ts';
import { getPath } from '../query/path.ts';
import { type Doc, isDoc, typeName } from '../values/types.ts';

/** The error of a document whose key another one has in a unique index. */
export function duplicateKey(namespace: string, index: IndexSpec, key: string, doc: Doc): ServerError {
  const keyValue: Doc = {};
  for (const field of index.fields) {
    const value = getPath(doc, field.parts) ?? null;
    // Of an array, the element whose key is taken.
    keyValue[field.path] =
      index.multikey && Array.isArray(value)
        ? (value.find((item) =>
            documentKeys(index, singleton(field.parts, item), () => true)
              .keys.map(storedKey)
              .includes(key),
          ) ?? value)
        : value;
  }
  const shown = Object.entries(keyValue).map(([name, value]) => `${name}: ${show(value)}`);
  return new ServerError(
    'DuplicateKey',
    `E11000 duplicate key error collection: ${namespace} index: ${index.name} dup key: { ${shown.join(', ')} }`,
    { keyPattern: index.keyPattern, keyValue },
  );
}

function singleton(parts: readonly string[], value: unknown): Doc {
  return parts.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value) as Doc;
}

/** A value as the server's messages show it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === undefined || value === null) return 'null';
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (typeName(value) === 'objectId') return `ObjectId('${String(value)}')`;
  if (Array.isArray(value)) return `[ ${value.map(show).join(', ')} ]`;
  if (isDoc(value))
    return `{ ${Object.entries(value)
      .map(([name, item]) => `${name}: ${show(item)}`)
      .join(', ')} }`;
  return String(value);
}
