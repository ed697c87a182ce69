import type { Source } from '../cursors.ts';
import { ServerError } from '../errors.ts';
import { type PreparedFind, project } from '../query/execute.ts';
import type { Collection } from '../storage/collection.ts';
import { decode } from '../values/codec.ts';
import { type Doc, Long, toNumber } from '../values/types.ts';

const LARGEST = 2 ** 50;

/** The options of a capped collection, as `create` takes and `listCollections` shows them. */
export function cappedOptions(body: Doc): Doc {
  if (body.capped !== true) {
    if (body.size !== undefined || body.max !== undefined)
      throw new ServerError(
        'InvalidOptions',
        "the 'capped' field needs to be true when either the 'size' or 'max' fields are present",
      );
    return {};
  }
  const size = toNumber(body.size);
  if (size === undefined)
    throw new ServerError('InvalidOptions', "the 'size' field is required when 'capped' is true");
  if (size <= 0 || size > LARGEST)
    throw new ServerError('BadValue', 'the size of a capped collection must be greater than 0');
  const max = toNumber(body.max);
  // Sizes are multiples of 256 bytes.
  const rounded = Long.fromNumber(Math.ceil(size / 256) * 256);
  return {
    capped: true,
    size: rounded,
    ...(max !== undefined && max > 0 ? { max: Long.fromNumber(max) } : {}),
  };
}

export function isCapped(collection: Collection): boolean {
  return collection.options.capped === true;
}

const SIZES = new WeakMap<Collection, { bytes: number; count: number }>();

/** Known while nothing but inserts, which come through here, has changed the collection. */
function sizeOf(collection: Collection): { bytes: number; count: number } {
  const known = SIZES.get(collection);
  if (known && known.count === collection.counted) return known;
  const size = { bytes: 0, count: 0 };
  for (const row of collection.scanAll(false)) {
    if (!row) continue;
    size.bytes += row.bytes.length;
    size.count++;
  }
  collection.counted = size.count;
  SIZES.set(collection, size);
  return size;
}

/** Makes room for a document in a capped collection: the oldest ones go. */
export function makeRoom(collection: Collection, bytes: number): void {
  if (!isCapped(collection)) return;
  const limit = toNumber(collection.options.size) ?? Number.POSITIVE_INFINITY;
  const most = toNumber(collection.options.max) ?? Number.POSITIVE_INFINITY;
  if (bytes > limit) throw new ServerError('BadValue', 'object to insert exceeds cappedMaxSize');
  const size = sizeOf(collection);
  for (const row of collection.scanAll(false)) {
    if (size.bytes + bytes <= limit && size.count < most) break;
    if (!row) continue;
    collection.remove(row, decode(row.bytes));
    size.bytes -= row.bytes.length;
    size.count--;
  }
  size.bytes += bytes;
  size.count++;
}

/** Follows a capped collection: each call of the result gives what has come since the last one. */
export function tail(collection: Collection, find: PreparedFind): () => Source | undefined {
  let last = '';
  let skip = find.request.skip ?? 0;
  return () => {
    // Who falls behind what has been removed, or outlives the collection, is told by the end of the cursor.
    if (collection.dropped) return undefined;
    return (function* (): Source {
      for (const row of collection.scanAll(false)) {
        if (!row) {
          yield undefined;
          continue;
        }
        if (row.id <= last) continue;
        last = row.id;
        const doc = decode(row.bytes);
        if (!find.matcher(doc)) continue;
        if (skip > 0) skip--;
        else yield project({ row, doc }, find);
      }
    })();
  };
}
