import { ServerError } from '../errors.ts';
import { afterPrefix, KEY_FORMAT } from '../indexes/key.ts';
import { dependsOn, type IndexSpec } from '../indexes/spec.ts';
import type { IndexScan, Plan, PointPlan } from '../planner/plan.ts';
import type { Task } from '../task.ts';
import { decode } from '../values/codec.ts';
import type { Doc } from '../values/types.ts';
import type { Catalog } from './catalog.ts';
import { type Checked, checkCollection } from './check.ts';
import { duplicateKey } from './duplicate.ts';
import { keysIn } from './index-keys.ts';
import { type Row, recordNumber, recordText } from './record.ts';
import { type Rows, scanIndex, scanRecords } from './scan.ts';
import type { Store } from './store.ts';

const NOTHING = Buffer.alloc(0);
/** Documents whose keys are worked out, and documents that are counted, between two pauses. */
const BUILD_CHUNK = 64;
const COUNT_CHUNK = 1024;
/** More than this waiting for the disk, and an index is built no further until it is less. */
const MAX_PENDING_BYTES = 32 * 1024 * 1024;

/** Work that goes through all records and pauses; `upTo` is the last record that it has seen. */
interface Progress {
  upTo: string;
}

interface Build extends Progress {
  index: IndexSpec;
  ended: Promise<void>;
}

/**
 * Documents and their index entries. Records lie under the collection's prefix by a number that counts up, so
 * natural order is insertion order. A unique index maps key to record; any other has the record's number at the
 * end of the key. Methods that are no tasks are synchronous: whatever one checks still holds when it writes.
 */
export class Collection {
  readonly #store: Store;
  readonly #catalog: Catalog;
  #nextRecord: number;
  namespace: string;
  readonly ident: string;
  readonly options: Doc;
  readonly uuid: string;
  indexes: IndexSpec[];
  /** What the keys in all its indexes are made by. */
  keyFormat = KEY_FORMAT;
  dropped = false;
  /** Goes up with every change of a document. */
  version = 0;
  /** The number of documents, once they have been counted; kept up from then on. */
  counted: number | undefined;
  readonly #counters = new Set<Progress & { total: number }>();
  #build: Build | undefined;

  constructor(
    store: Store,
    catalog: Catalog,
    namespace: string,
    ident: string,
    options: Doc,
    uuid: string,
    indexes: IndexSpec[],
  ) {
    this.#store = store;
    this.#catalog = catalog;
    this.namespace = namespace;
    this.ident = ident;
    this.options = options;
    this.uuid = uuid;
    this.indexes = indexes;
    const [last] = store.range(ident, afterPrefix(ident), true, 1).entries;
    this.#nextRecord = last ? recordNumber(last.key.slice(ident.length)) + 1 : 1;
  }

  get database(): string {
    return this.namespace.slice(0, this.namespace.indexOf('.'));
  }

  get name(): string {
    return this.namespace.slice(this.namespace.indexOf('.') + 1);
  }

  /** A document; undefined also once the collection is gone, though its documents are removed little by little. */
  read(id: string): Buffer | undefined {
    return this.dropped ? undefined : this.#store.get(this.ident + id);
  }

  insert(doc: Doc, bytes: Buffer): void {
    const id = recordText(this.#nextRecord);
    const indexes = this.#keptUp(id);
    const entries = indexes.map((index) => this.#keysOf(index, doc));
    for (let i = 0; i < entries.length; i++)
      this.#refuseDuplicates(indexes[i] as IndexSpec, entries[i] as string[], undefined, doc);
    this.#nextRecord++;
    this.#store.put(this.ident + id, bytes);
    for (let i = 0; i < entries.length; i++) {
      for (const key of entries[i] as string[]) this.#addEntry(indexes[i] as IndexSpec, key, id);
    }
    this.version++;
    if (this.counted !== undefined) this.counted++;
  }

  /** `touched`: the top-level fields that may differ; undefined if any may. */
  update(row: Row, before: Doc, after: Doc, bytes: Buffer, touched?: ReadonlySet<string>): void {
    const changes: { index: IndexSpec; added: string[]; removed: string[] }[] = [];
    for (const index of this.#keptUp(row.id)) {
      if (index.name === '_id_' || (touched && !dependsOn(index, touched))) continue;
      const oldKeys = this.#keysOf(index, before);
      const newKeys = this.#keysOf(index, after);
      const added = newKeys.filter((key) => !oldKeys.includes(key));
      const removed = oldKeys.filter((key) => !newKeys.includes(key));
      if (added.length + removed.length === 0) continue;
      this.#refuseDuplicates(index, added, row.id, after);
      changes.push({ index, added, removed });
    }
    this.#store.put(this.ident + row.id, bytes);
    for (const { index, added, removed } of changes) {
      for (const key of removed) this.#removeEntry(index, key, row.id);
      for (const key of added) this.#addEntry(index, key, row.id);
    }
    this.version++;
  }

  remove(row: Row, doc: Doc): void {
    for (const index of this.#keptUp(row.id)) {
      for (const key of this.#keysOf(index, doc)) this.#removeEntry(index, key, row.id);
    }
    this.#store.remove(this.ident + row.id);
    this.version++;
    if (this.counted !== undefined) this.counted--;
    for (const counter of this.#counters) if (row.id <= counter.upTo) counter.total--;
  }

  /** The indexes that have to know of a change to a record: one that is being built, if it has come that far. */
  #keptUp(id: string): IndexSpec[] {
    return this.#build && id <= this.#build.upTo ? [...this.indexes, this.#build.index] : this.indexes;
  }

  #addEntry(index: IndexSpec, key: string, id: string): void {
    if (index.unique) this.#store.put(index.ident + key, Buffer.from(id, 'latin1'));
    else this.#store.put(index.ident + key + id, NOTHING);
  }

  #removeEntry(index: IndexSpec, key: string, id: string): void {
    this.#store.remove(index.unique ? index.ident + key : index.ident + key + id);
  }

  #keysOf(index: IndexSpec, doc: Doc): string[] {
    const found = keysIn(index, doc);
    if ((found.multikey && !index.multikey) || (found.hasLongKeys && !index.hasLongKeys)) {
      index.multikey ||= found.multikey;
      index.hasLongKeys ||= found.hasLongKeys;
      if (this.indexes.includes(index)) this.#catalog.save(this);
    }
    return found.keys;
  }

  #refuseDuplicates(index: IndexSpec, keys: readonly string[], id: string | undefined, doc: Doc): void {
    if (!index.unique) return;
    for (const key of keys) {
      const holder = this.#store.getText(index.ident + key);
      if (holder !== undefined && holder !== id) throw duplicateKey(this.namespace, index, key, doc);
    }
  }

  /** Resolves when the index that is being built is there, or given up; undefined if there is none. */
  get building(): Promise<void> | undefined {
    return this.#build?.ended;
  }

  /**
   * Builds an index over what is there, piece by piece; throws, leaving nothing, if a document does not fit.
   * Meanwhile a change to a record that has been dealt with is entered as in any other index; one to a record
   * that has not is not, since the build gets to see it. Queries see the index when it is complete, and then in
   * the place of the one that it replaces.
   */
  *buildIndex(index: IndexSpec, replaces?: IndexSpec): Task<void> {
    while (this.#build) yield this.#build.ended;
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { leftovers } = this.#catalog;
    leftovers.reserve(index.ident);
    this.#build = { index, upTo: '', ended };
    try {
      yield* this.#enterAll(this.#build);
      // No pause since the last document was read, so none is missing.
      const place = replaces ? this.indexes.indexOf(replaces) : -1;
      this.indexes = place < 0 ? [...this.indexes, index] : this.indexes.with(place, index);
      leftovers.release(index.ident);
      this.#catalog.save(this);
      if (replaces) leftovers.discard(replaces.ident);
    } catch (error) {
      leftovers.discard(index.ident);
      throw error;
    } finally {
      this.#build = undefined;
      end();
    }
  }

  *#enterAll(build: Build): Task<void> {
    const { index } = build;
    let low = this.ident;
    for (;;) {
      if (this.dropped)
        throw new ServerError('IndexBuildAborted', `collection ${this.namespace} was dropped`);
      const chunk = this.#store.range(low, afterPrefix(this.ident), false, BUILD_CHUNK);
      for (const { key, value } of chunk.entries) {
        const id = key.slice(this.ident.length);
        const doc = decode(value);
        const keys = this.#keysOf(index, doc);
        this.#refuseDuplicates(index, keys, id, doc);
        for (const one of keys) this.#addEntry(index, one, id);
        build.upTo = id;
      }
      if (chunk.next === undefined) return;
      low = chunk.next;
      yield this.#store.pendingBytes > MAX_PENDING_BYTES ? this.#store.durable() : undefined;
    }
  }

  /** Builds every index again, each with a name of its own in the store, so that one of them is whole at any time. */
  *rebuildIndexes(): Task<void> {
    for (const index of [...this.indexes]) {
      const rebuilt = { ...index, ident: this.#catalog.newIdent(), multikey: false, hasLongKeys: false };
      yield* this.buildIndex(rebuilt, index);
    }
    this.keyFormat = KEY_FORMAT;
    this.#catalog.save(this);
  }

  dropIndex(index: IndexSpec): void {
    this.indexes = this.indexes.filter((other) => other !== index);
    this.#catalog.save(this);
    this.#catalog.leftovers.discard(index.ident);
  }

  /** The number of documents; counted once, then kept up. */
  *count(): Generator<undefined, number, undefined> {
    if (this.counted !== undefined) return this.counted;
    const counter = { upTo: '', total: 0 };
    this.#counters.add(counter);
    try {
      let low = this.ident;
      while (!this.dropped) {
        const chunk = this.#store.range(low, afterPrefix(this.ident), false, COUNT_CHUNK, false);
        counter.total += chunk.entries.length;
        const last = chunk.entries.at(-1);
        if (last) counter.upTo = last.key.slice(this.ident.length);
        if (chunk.next === undefined) {
          this.counted = counter.total;
          break;
        }
        low = chunk.next;
        yield;
      }
      return counter.total;
    } finally {
      this.#counters.delete(counter);
    }
  }

  /** The one document that a plan can lead to; undefined if there is none. Only for plans that `isPoint`. */
  at(plan: PointPlan): Row | undefined {
    const { index, bounds } = plan.scan;
    const id = this.#store.getText(index.ident + bounds[0].low);
    const bytes = id === undefined ? undefined : this.read(id);
    return id === undefined || bytes === undefined ? undefined : { id, bytes };
  }

  /** The documents that a plan leads to; now and then undefined, where the caller may pause. */
  scan(plan: Plan): Rows {
    if (plan.kind === 'collection') return this.scanAll(plan.reverse);
    if (plan.kind === 'or') return this.#scanIndexes(plan.scans);
    const { index, bounds } = plan.scan;
    // Several entries may lead to one document, but a single key of a unique index does not.
    const several = index.multikey && !(bounds.length === 1 && bounds[0]?.point);
    return scanIndex(this.#store, this, plan.scan, several ? new Set() : undefined);
  }

  *#scanIndexes(scans: IndexScan[]): Rows {
    const seen = new Set<string>();
    for (const scan of scans) yield* scanIndex(this.#store, this, scan, seen);
  }

  scanAll(reverse: boolean): Rows {
    return scanRecords(this.#store, this, reverse);
  }

  /** Compares every index with the documents, and the documents with BSON; tells what is wrong. */
  validate(): Task<Checked> {
    return checkCollection(this.#store, this);
  }
}
