import { ServerError } from '../errors.ts';
import { documentKeys } from '../indexes/entries.ts';
import { afterPrefix, storedKey } from '../indexes/key.ts';
import type { IndexSpec } from '../indexes/spec.ts';
import { compileFilter } from '../query/filter.ts';
import { getPath } from '../query/path.ts';
import { type Collection, show } from '../storage/collection.ts';
import { decode } from '../values/codec.ts';
import type { Doc } from '../values/types.ts';

function keysOf(index: IndexSpec, doc: Doc): string[] {
  const accepts = compileFilter(index.partialFilterExpression ?? {}, { now: new Date(0) });
  return documentKeys(index, doc, accepts).keys.map(storedKey);
}

/** Throws if a document has a key that another one has, in an index that is about to become unique. */
export function refusePrepared(collection: Collection, doc: Doc, id: string | undefined): void {
  for (const index of collection.indexes) {
    if (!index.prepareUnique || index.unique) continue;
    for (const low of keysOf(index, doc)) {
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
export function violations(collection: Collection, index: IndexSpec): { ids: unknown[] }[] {
  const holders = new Map<string, unknown[]>();
  for (const row of collection.scanAll(false)) {
    if (!row) continue;
    const doc = decode(row.bytes);
    for (const key of keysOf(index, doc)) {
      const ids = holders.get(key);
      if (ids) ids.push(doc._id);
      else holders.set(key, [doc._id]);
    }
  }
  return [...holders.values()].filter((ids) => ids.length > 1).map((ids) => ({ ids }));
}
