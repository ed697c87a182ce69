import { afterPrefix } from '../indexes/key.ts';
import type { IndexSpec } from '../indexes/spec.ts';
import type { Task } from '../task.ts';
import { decode } from '../values/codec.ts';
import type { Doc } from '../values/types.ts';
import type { Collection } from './collection.ts';
import { show } from './duplicate.ts';
import { keysIn } from './index-keys.ts';
import { RECORD_BYTES, recordNumber } from './record.ts';
import type { Store } from './store.ts';

/** What a check of a collection found. */
export interface Checked {
  problems: string[];
  documents: number;
  invalid: number;
  keysPerIndex: Record<string, number>;
}

/** Entries that are checked between two pauses. */
const CHUNK = 64;
/** So many are enough to see that something is wrong. */
const MAX_PROBLEMS = 100;

/**
 * Checks the data file page by page; then that every document is BSON and that each of its keys is in each index; then that every entry of every
 * index leads to a document that has that key. Each document, and each entry, is checked in one step with all
 * that belongs to it, so what others write meanwhile is no mistake.
 */
export function* checkCollection(store: Store, collection: Collection): Task<Checked> {
  const checked: Checked = { problems: [], documents: 0, invalid: 0, keysPerIndex: {} };
  const version = collection.version;
  const indexes = [...collection.indexes];
  const expected = new Map<IndexSpec, number>(indexes.map((index) => [index, 0]));
  const report = (problem: string): void => {
    if (checked.problems.length < MAX_PROBLEMS) checked.problems.push(problem);
  };

  // A page that is none must not be read through LMDB: it trusts what it reads, to the end of the process.
  const damage = yield* store.checkPages();
  if (damage !== undefined) {
    report(damage);
    return checked;
  }

  let low: string | undefined = collection.ident;
  while (low !== undefined && !collection.dropped) {
    const chunk = store.range(low, afterPrefix(collection.ident), false, CHUNK);
    for (const { key, value } of chunk.entries) {
      checked.documents++;
      const id = key.slice(collection.ident.length);
      const doc = readable(id, value, report);
      if (!doc) {
        checked.invalid++;
        continue;
      }
      for (const index of indexes) {
        const found = keysIn(index, doc);
        if ((found.multikey && !index.multikey) || (found.hasLongKeys && !index.hasLongKeys))
          report(`index ${index.name} does not know what kind of keys _id ${show(doc._id)} has`);
        expected.set(index, (expected.get(index) ?? 0) + found.keys.length);
        for (const one of found.keys) {
          const held = index.unique
            ? store.getText(index.ident + one) === id
            : store.get(index.ident + one + id) !== undefined;
          if (!held && collection.indexes.includes(index))
            report(`index ${index.name} misses an entry for _id ${show(doc._id)}`);
        }
      }
    }
    low = chunk.next;
    yield;
  }

  for (const index of indexes) {
    let entries = 0;
    let next: string | undefined = index.ident;
    while (next !== undefined && !collection.dropped && collection.indexes.includes(index)) {
      const chunk = store.range(next, afterPrefix(index.ident), false, CHUNK, index.unique);
      entries += chunk.entries.length;
      next = chunk.next;
      yield;
    }
    checked.keysPerIndex[index.name] = entries;
    // All keys of all documents are there: if there are as many entries, there are no others.
    const unchanged = collection.version === version;
    const agree = entries === expected.get(index) && checked.invalid === 0;
    if (unchanged && !agree)
      report(`index ${index.name} has ${entries} entries, the documents have ${expected.get(index)} keys`);
    if (!unchanged || !agree) yield* checkEntries(store, collection, index, report);
  }

  const { counted } = collection;
  if (collection.version === version && counted !== undefined && counted !== checked.documents)
    report(`the collection counts ${counted} documents, but there are ${checked.documents}`);
  return checked;
}

function readable(id: string, bytes: Buffer, report: (problem: string) => void): Doc | undefined {
  try {
    if (id.length !== RECORD_BYTES) throw new Error('its key is none of a record');
    const doc = decode(bytes);
    if (!Object.hasOwn(doc, '_id')) throw new Error('it has no _id');
    return doc;
  } catch (error) {
    const name = id.length === RECORD_BYTES ? String(recordNumber(id)) : JSON.stringify(id);
    report(`document ${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Follows each entry of an index to its document, and sees whether that has the entry's key. */
function* checkEntries(
  store: Store,
  collection: Collection,
  index: IndexSpec,
  report: (problem: string) => void,
): Task<void> {
  let low: string | undefined = index.ident;
  while (low !== undefined && !collection.dropped && collection.indexes.includes(index)) {
    const chunk = store.range(low, afterPrefix(index.ident), false, CHUNK);
    for (const { key, value } of chunk.entries) {
      const id = index.unique ? value.toString('latin1') : key.slice(-RECORD_BYTES);
      const own = key.slice(index.ident.length, index.unique ? undefined : -RECORD_BYTES);
      const bytes = collection.read(id);
      if (!bytes) report(`index ${index.name} has an entry for a document that is not there`);
      else if (!leadsBack(index, bytes, own))
        report(`index ${index.name} has an entry that its document has no key for`);
    }
    low = chunk.next;
    yield;
  }
}

function leadsBack(index: IndexSpec, bytes: Buffer, key: string): boolean {
  try {
    return keysIn(index, decode(bytes)).keys.includes(key);
  } catch {
    // A document that cannot be read has been reported as such.
    return true;
  }
}
