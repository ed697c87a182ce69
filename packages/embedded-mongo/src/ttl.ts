import { choosePlan } from './planner/choose.ts';
import { compileFilter } from './query/filter.ts';
import type { Catalog } from './storage/catalog.ts';
import type { Store } from './storage/store.ts';
import { run, type Task } from './task.ts';
import { decode } from './values/codec.ts';

/** More than this waiting for the disk, and removing pauses until it is less. */
const MAX_PENDING_BYTES = 16 * 1024 * 1024;

/** Removes the documents whose date in a TTL index is more than its `expireAfterSeconds` before `now`. */
export async function sweepExpired(catalog: Catalog, store: Store, now: Date): Promise<void> {
  await run(sweep(catalog, store, now));
  store.lazily();
}

function* sweep(catalog: Catalog, store: Store, now: Date): Task<void> {
  for (const collection of [...catalog.all()]) {
    for (const index of [...collection.indexes]) {
      const [field] = index.fields;
      if (index.expireAfterSeconds === undefined || !field) continue;
      const filter = { [field.path]: { $lte: new Date(now.getTime() - index.expireAfterSeconds * 1000) } };
      const plan = choosePlan([index], { filter, sort: [], hint: undefined, collated: false });
      const expired = compileFilter(filter, { now });
      for (const row of collection.scan(plan)) {
        const bytes = row && collection.read(row.id);
        const doc = bytes && decode(bytes);
        if (row && doc && expired(doc) && !collection.dropped) collection.remove({ id: row.id, bytes }, doc);
        yield store.pendingBytes > MAX_PENDING_BYTES ? store.durable() : undefined;
      }
    }
  }
}
