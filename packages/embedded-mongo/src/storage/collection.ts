import { ServerError } from '../errors.ts';
import { documentKeys } from '../indexes/entries.ts';
import { afterPrefix, storedKey } from '../indexes/key.ts';
import { dependsOn, type IndexSpec } from '../indexes/spec.ts';
import type { IndexScan, Plan, PointPlan } from '../planner.ts';
import { compileFilter, type Matcher } from '../query/filter.ts';
import { getPath } from '../query/path.ts';
import type { Task } from '../task.ts';
import { decode } from '../values/codec.ts';
import { type Doc, isDoc, typeName } from '../values/types.ts';
import type { Catalog } from './catalog.ts';
import type { Store } from './store.ts';

/** A stored document: where it lies and its BSON. */
export interface Row {
  id: string;
  bytes: Buffer;
}

const RECORD_BYTES = 6;
const NOTHING = Buffer.alloc(0);
/** Entries read from the store at a time; the first piece is small, as most queries want few documents. */
const FIRST_CHUNK = 8;
const CHUNK = 256;

function recordText(id: number): string {
  const bytes = Buffer.allocUnsafe(RECORD_BYTES);
  bytes.writeUIntBE(id, 0, RECORD_BYTES);
  return bytes.toString('latin1');
}

/**
 * Documents and their index entries. Records lie under the collection's prefix by a number that counts up, so
 * natural order is insertion order. A unique index maps key to record; any other has the record's number at the
 * end of the key. All methods but the scans are synchronous: whatever one checks still holds when it writes.
 */
export class Collection {
  readonly #store: Store;
  readonly #catalog: Catalog;
  readonly #partialMatchers = new Map<IndexSpec, Matcher>();
  #nextRecord: number;
  namespace: string;
  readonly ident: string;
  readonly options: Doc;
  readonly uuid: string;
  indexes: IndexSpec[];
  dropped = false;
  #count: number | undefined;

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
    this.#nextRecord = last ? Buffer.from(last.key, 'latin1').readUIntBE(4, RECORD_BYTES) + 1 : 1;
  }

  get database(): string {
    return this.namespace.slice(0, this.namespace.indexOf('.'));
  }

  get name(): string {
    return this.namespace.slice(this.namespace.indexOf('.') + 1);
  }

  read(id: string): Buffer | undefined {
    return this.#store.get(this.ident + id);
  }

  insert(doc: Doc, bytes: Buffer): void {
    const entries = this.indexes.map((index) => this.#keysOf(index, doc));
    for (let i = 0; i < entries.length; i++)
      this.#refuseDuplicates(this.indexes[i] as IndexSpec, entries[i] as string[], undefined, doc);
    const id = recordText(this.#nextRecord++);
    this.#store.put(this.ident + id, bytes);
    for (let i = 0; i < entries.length; i++) {
      for (const key of entries[i] as string[]) this.#addEntry(this.indexes[i] as IndexSpec, key, id);
    }
    if (this.#count !== undefined) this.#count++;
  }

  /** `touched`: the top-level fields that may differ; undefined if any may. */
  update(row: Row, before: Doc, after: Doc, bytes: Buffer, touched?: ReadonlySet<string>): void {
    const changes: { index: IndexSpec; added: string[]; removed: string[] }[] = [];
    for (const index of this.indexes) {
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
      for (const key of removed)
        this.#store.remove(index.unique ? index.ident + key : index.ident + key + row.id);
      for (const key of added) this.#addEntry(index, key, row.id);
    }
  }

  remove(row: Row, doc: Doc): void {
    for (const index of this.indexes) {
      for (const key of this.#keysOf(index, doc)) {
        this.#store.remove(index.unique ? index.ident + key : index.ident + key + row.id);
      }
    }
    this.#store.remove(this.ident + row.id);
    if (this.#count !== undefined) this.#count--;
  }

  #addEntry(index: IndexSpec, key: string, id: string): void {
    if (index.unique) this.#store.put(index.ident + key, Buffer.from(id, 'latin1'));
    else this.#store.put(index.ident + key + id, NOTHING);
  }

  #partialMatcher(index: IndexSpec): Matcher {
    let matcher = this.#partialMatchers.get(index);
    if (!matcher) {
      matcher = compileFilter(index.partialFilterExpression ?? {}, { now: new Date(0) });
      this.#partialMatchers.set(index, matcher);
    }
    return matcher;
  }

  #keysOf(index: IndexSpec, doc: Doc): string[] {
    const found = documentKeys(index, doc, (candidate) => this.#partialMatcher(index)(candidate));
    if ((found.multikey && !index.multikey) || (found.hasLongKeys && !index.hasLongKeys)) {
      index.multikey ||= found.multikey;
      index.hasLongKeys ||= found.hasLongKeys;
      if (this.indexes.includes(index)) this.#catalog.save(this);
    }
    return found.hasLongKeys ? found.keys.map(storedKey) : found.keys;
  }

  #refuseDuplicates(index: IndexSpec, keys: readonly string[], id: string | undefined, doc: Doc): void {
    if (!index.unique) return;
    for (const key of keys) {
      const holder = this.#store.getText(index.ident + key);
      if (holder !== undefined && holder !== id) throw this.#duplicate(index, key, doc);
    }
  }

  #duplicate(index: IndexSpec, key: string, doc: Doc): ServerError {
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
      `E11000 duplicate key error collection: ${this.namespace} index: ${index.name} dup key: { ${shown.join(', ')} }`,
      { keyPattern: index.keyPattern, keyValue },
    );
  }

  /** Builds an index over what is there; throws, having written nothing, if a document does not fit. */
  *buildIndex(index: IndexSpec): Task<void> {
    const pending: [string, string][] = [];
    const taken = new Set<string>();
    for (const piece of this.scanAll(false)) {
      if (!piece) continue;
      const doc = decode(piece.bytes);
      for (const key of this.#keysOf(index, doc)) {
        if (index.unique) {
          if (taken.has(key)) throw this.#duplicate(index, key, doc);
          taken.add(key);
        }
        pending.push([key, piece.id]);
      }
    }
    // No pause in here: a write in between would miss the new index.
    for (const [key, id] of pending) this.#addEntry(index, key, id);
    this.indexes.push(index);
    this.#catalog.save(this);
    yield;
  }

  dropIndex(index: IndexSpec): void {
    this.indexes = this.indexes.filter((other) => other !== index);
    this.#catalog.save(this);
    this.#clear(index.ident);
  }

  /** Removes everything that the collection and its indexes have in the store. */
  clear(): void {
    for (const ident of [this.ident, ...this.indexes.map((index) => index.ident)]) this.#clear(ident);
  }

  #clear(ident: string): void {
    let low: string | undefined = ident;
    const high = afterPrefix(ident);
    while (low !== undefined) {
      const chunk = this.#store.range(low, high, false, 1000);
      for (const { key } of chunk.entries) this.#store.remove(key);
      low = chunk.next;
    }
  }

  /** The number of documents; counted once, then kept up. */
  count(): number {
    if (this.#count === undefined) {
      let total = 0;
      let low: string | undefined = this.ident;
      const high = afterPrefix(this.ident);
      while (low !== undefined) {
        const chunk = this.#store.range(low, high, false, 4096);
        total += chunk.entries.length;
        low = chunk.next;
      }
      this.#count = total;
    }
    return this.#count;
  }

  /** The one document that a plan can lead to; undefined if there is none. Only for plans that `isPoint`. */
  at(plan: PointPlan): Row | undefined {
    const { index, bounds } = plan.scan;
    const id = this.#store.getText(index.ident + bounds[0].low);
    return id === undefined ? undefined : this.#row(id, undefined);
  }

  /** The documents that a plan leads to; now and then undefined, where the caller may pause. */
  scan(plan: Plan): Generator<Row | undefined, void, undefined> {
    if (plan.kind === 'collection') return this.scanAll(plan.reverse);
    if (plan.kind === 'or') return this.#scanIndexes(plan.scans);
    const { index, bounds } = plan.scan;
    // Several entries may lead to one document, but a single key of a unique index does not.
    const several = index.multikey && !(bounds.length === 1 && bounds[0]?.point);
    return this.#scanIndex(plan.scan, several ? new Set() : undefined);
  }

  *#scanIndexes(scans: IndexScan[]): Generator<Row | undefined, void, undefined> {
    const seen = new Set<string>();
    for (const scan of scans) yield* this.#scanIndex(scan, seen);
  }

  *scanAll(reverse: boolean): Generator<Row | undefined, void, undefined> {
    let low: string | undefined = this.ident;
    let high: string | undefined = afterPrefix(this.ident);
    let size = FIRST_CHUNK;
    while (low !== undefined && high !== undefined && !this.dropped) {
      const chunk = this.#store.range(low, high, reverse, size);
      for (const { key, value } of chunk.entries) yield { id: key.slice(4), bytes: value };
      if (reverse) high = chunk.next;
      else low = chunk.next;
      size = Math.min(size * 2, CHUNK);
      yield undefined;
    }
  }

  *#scanIndex(scan: IndexScan, seen: Set<string> | undefined): Generator<Row | undefined, void, undefined> {
    const { index, reverse } = scan;
    const bounds = reverse ? [...scan.bounds].reverse() : scan.bounds;
    let steps = 0;
    for (const bound of bounds) {
      if (bound.point) {
        const id = this.#store.getText(index.ident + bound.low);
        const row = id === undefined ? undefined : this.#row(id, seen);
        if (row) yield row;
        if (++steps % 64 === 0) yield undefined;
        continue;
      }
      let low: string | undefined = index.ident + bound.low;
      let high: string | undefined = index.ident + bound.high;
      if (bound.low === '') high = afterPrefix(index.ident);
      let size = FIRST_CHUNK;
      while (low !== undefined && high !== undefined && !this.dropped) {
        const chunk = this.#store.range(low, high, reverse, size);
        // The documents are read at once with the entries, so that a pause cannot part the two.
        const rows: Row[] = [];
        for (const { key, value } of chunk.entries) {
          const row = this.#row(index.unique ? value.toString('latin1') : key.slice(-RECORD_BYTES), seen);
          if (row) rows.push(row);
        }
        yield* rows;
        if (reverse) high = chunk.next;
        else low = chunk.next;
        size = Math.min(size * 2, CHUNK);
        yield undefined;
      }
    }
  }

  #row(id: string, seen: Set<string> | undefined): Row | undefined {
    if (seen) {
      if (seen.has(id)) return undefined;
      seen.add(id);
    }
    const bytes = this.read(id);
    return bytes ? { id, bytes } : undefined;
  }

  /** Compares every index with the documents; returns what is wrong, and how many entries each index has. */
  validate(): { problems: string[]; documents: number; keysPerIndex: Record<string, number> } {
    const problems: string[] = [];
    const expected = new Map<IndexSpec, number>(this.indexes.map((index) => [index, 0]));
    let documents = 0;
    for (const row of this.scanAll(false)) {
      if (!row) continue;
      documents++;
      const doc = decode(row.bytes);
      for (const index of this.indexes) {
        for (const key of this.#keysOf(index, doc)) {
          expected.set(index, (expected.get(index) ?? 0) + 1);
          const held = index.unique
            ? this.#store.getText(index.ident + key) === row.id
            : this.#store.get(index.ident + key + row.id) !== undefined;
          if (!held) problems.push(`index ${index.name} misses an entry for _id ${show(doc._id)}`);
        }
      }
    }
    const keysPerIndex: Record<string, number> = {};
    for (const index of this.indexes) {
      let entries = 0;
      let low: string | undefined = index.ident;
      while (low !== undefined) {
        const chunk = this.#store.range(low, afterPrefix(index.ident), false, 4096);
        entries += chunk.entries.length;
        low = chunk.next;
      }
      keysPerIndex[index.name] = entries;
      if (entries !== expected.get(index))
        problems.push(
          `index ${index.name} has ${entries} entries, the documents have ${expected.get(index)} keys`,
        );
    }
    return { problems, documents, keysPerIndex };
  }
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
