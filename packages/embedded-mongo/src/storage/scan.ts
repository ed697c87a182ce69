import { ServerError } from '../errors.ts';
import { afterPrefix } from '../indexes/key.ts';
import type { IndexScan } from '../planner/plan.ts';
import type { Collection } from './collection.ts';
import { RECORD_BYTES, type Row } from './record.ts';
import type { Store } from './store.ts';

/** Rows in some order; undefined where the caller may pause. */
export type Rows = Generator<Row | undefined, void, undefined>;

/** Entries read from the store at a time; the first piece is small, as most queries want few documents. */
const FIRST_CHUNK = 8;
const CHUNK = 256;
/** Single keys that are looked up between two pauses. */
const POINTS = 64;

export function* scanRecords(store: Store, collection: Collection, reverse: boolean): Rows {
  let low: string | undefined = collection.ident;
  let high: string | undefined = afterPrefix(collection.ident);
  let size = FIRST_CHUNK;
  while (low !== undefined && high !== undefined && !collection.dropped) {
    const chunk = store.range(low, high, reverse, size);
    for (const { key, value } of chunk.entries)
      yield { id: key.slice(collection.ident.length), bytes: value };
    if (reverse) high = chunk.next;
    else low = chunk.next;
    size = Math.min(size * 2, CHUNK);
    yield undefined;
  }
}

/** `seen`: documents that were found already, where several entries may lead to one. */
export function* scanIndex(
  store: Store,
  collection: Collection,
  scan: IndexScan,
  seen: Set<string> | undefined,
): Rows {
  const { index, reverse } = scan;
  const bounds = reverse ? [...scan.bounds].reverse() : scan.bounds;
  let steps = 0;
  for (const bound of bounds) {
    if (bound.point) {
      const id = store.getText(index.ident + bound.low);
      const row = id === undefined ? undefined : rowOf(collection, id, seen);
      if (row) yield row;
      if (++steps % POINTS === 0) {
        yield undefined;
        refuseDropped(collection, scan);
      }
      continue;
    }
    let low: string | undefined = index.ident + bound.low;
    let high: string | undefined = index.ident + bound.high;
    if (bound.low === '') high = afterPrefix(index.ident);
    let size = FIRST_CHUNK;
    while (low !== undefined && high !== undefined && !collection.dropped) {
      const chunk = store.range(low, high, reverse, size);
      // The documents are read at once with the entries, so that a pause cannot part the two.
      const rows: Row[] = [];
      for (const { key, value } of chunk.entries) {
        const id = index.unique ? value.toString('latin1') : key.slice(-RECORD_BYTES);
        const row = rowOf(collection, id, seen);
        if (row) rows.push(row);
      }
      yield* rows;
      if (reverse) high = chunk.next;
      else low = chunk.next;
      size = Math.min(size * 2, CHUNK);
      yield undefined;
      refuseDropped(collection, scan);
    }
  }
}

/** The entries of an index that is gone are going too: what a scan still found would not be all there is. */
function refuseDropped(collection: Collection, { index }: IndexScan): void {
  if (!collection.dropped && !collection.indexes.includes(index))
    throw new ServerError(
      'QueryPlanKilled',
      `query plan killed :: caused by :: index '${index.name}' dropped`,
    );
}

function rowOf(collection: Collection, id: string, seen: Set<string> | undefined): Row | undefined {
  if (seen) {
    if (seen.has(id)) return undefined;
    seen.add(id);
  }
  const bytes = collection.read(id);
  return bytes ? { id, bytes } : undefined;
}
