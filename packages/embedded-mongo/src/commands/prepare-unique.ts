import { ServerError } from '../errors.ts';
import { afterPrefix } from '../indexes/key.ts';
import type { IndexSpec } from '../indexes/spec.ts';
import { getPath } from '../query/path.ts';
import type { Collection } from '../storage/collection.ts';
import { show } from '../storage/duplicate.ts';
import { keysIn } from '../storage/index-keys.ts';
import type { Task } from '../task.ts';
import { decode } from '../values/codec.ts';
import type { Doc } from '../values/types.ts';

/** Throws if a document has a key that another one has, in an index that is about to become unique. */
export function refusePrepared(collection: Collection, doc: Doc, id: string | undefined): void {
  for (const index of collection.indexes) {
    if (!index.prepareUnique || index.unique) continue;
    for (const low of keysIn(index, doc).keys) {
      const bounds = [{ low, high: afterPrefix(low), point: false }];
      const scan = { index, bounds, reverse: false, sorted: false, exact: true, bounded: true };
      for (const row of collection.scan({ kind: 'index', scan })) {
        if (!row || row.id === id) continue;
        const keyValue = Object.fromEntries(
          index.fields.map((field) => [field.path, getPath(doc, field.parts) ?? null]),
        );
        throw new ServerError(
          'DuplicateKey',
          `E11000 duplicate key error collection: ${collection.namespace} index: ${index.name} dup key: ${show(keyValue)}`,
          { keyPattern: index.keyPattern, keyValue },
        );
      }
    }
  }
}

/** The _ids of documents that share a key, group by group. */
export function* violations(collection: Collection, index: IndexSpec): Task<{ ids: unknown[] }[]> {
  const holders = new Map<string, unknown[]>();
  for (const row of collection.scanAll(false)) {
    if (!row) {
      yield;
      continue;
    }
    const doc = decode(row.bytes);
    for (const key of keysIn(index, doc).keys) {
      const ids = holders.get(key);
      if (ids) ids.push(doc._id);
      else holders.set(key, [doc._id]);
    }
  }
  return [...holders.values()].filter((ids) => ids.length > 1).map((ids) => ({ ids }));
}
