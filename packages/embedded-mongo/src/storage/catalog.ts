import { KEY_FORMAT } from '../indexes/key.ts';
import type { IndexSpec } from '../indexes/spec.ts';
import type { Task } from '../task.ts';
import { decode, encode } from '../values/codec.ts';
import { type Doc, Int32, isDoc, toNumber } from '../values/types.ts';
import { Collection } from './collection.ts';
import { DamagedDataError } from './data-file.ts';
import { Leftovers } from './leftovers.ts';
import type { Store } from './store.ts';

/** The catalog's own entries live under this prefix; collections and indexes get the following ones. */
const CATALOG_IDENT = '\0\0\0\0';
const NEXT_IDENT = `${CATALOG_IDENT}\x01next`;
const ENTRY = `${CATALOG_IDENT}\x02`;
const LEFTOVER = `${CATALOG_IDENT}\x04`;

function identText(ident: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(ident);
  return bytes.toString('latin1');
}

/** A namespace as a key: UTF-8 bytes as latin1 characters. */
function namespaceKey(namespace: string): string {
  return ENTRY + Buffer.from(namespace, 'utf8').toString('latin1');
}

/** Which collections and indexes there are. Held in memory, written through to the store. */
export class Catalog {
  readonly #store: Store;
  readonly #collections = new Map<string, Collection>();
  readonly leftovers: Leftovers;
  #nextIdent: number;

  constructor(store: Store) {
    this.#store = store;
    this.leftovers = new Leftovers(store, LEFTOVER);
    this.#nextIdent = store.get(NEXT_IDENT)?.readUInt32BE(0) ?? 1;
    let low: string | undefined = ENTRY;
    while (low !== undefined) {
      const chunk = store.range(low, `${CATALOG_IDENT}\x03`, false, 256);
      for (const { value } of chunk.entries) {
        const collection = this.#load(readEntry(value));
        this.#collections.set(collection.namespace, collection);
      }
      low = chunk.next;
    }
  }

  #load(entry: Doc): Collection {
    const indexes = (entry.indexes as Doc[]).map(loadIndex);
    const collection = new Collection(
      this.#store,
      this,
      String(entry.ns),
      String(entry.ident),
      entry.options as Doc,
      String(entry.uuid),
      indexes,
    );
    // The first format was not written down.
    collection.keyFormat = toNumber(entry.keyFormat) ?? 1;
    return collection;
  }

  /** Builds again what an earlier version has built in another way; nobody may look for anything before. */
  *upgrade(): Task<void> {
    for (const collection of this.#collections.values())
      if (collection.keyFormat !== KEY_FORMAT) yield* collection.rebuildIndexes();
  }

  newIdent(): string {
    const ident = this.#nextIdent++;
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32BE(this.#nextIdent);
    this.#store.put(NEXT_IDENT, bytes);
    return identText(ident);
  }

  find(namespace: string): Collection | undefined {
    return this.#collections.get(namespace);
  }

  create(namespace: string, options: Doc = {}): Collection {
    const id: IndexSpec = {
      name: '_id_',
      fields: [{ path: '_id', parts: ['_id'], descending: false }],
      keyPattern: { _id: new Int32(1) },
      unique: true,
      sparse: false,
      partialFilterExpression: undefined,
      expireAfterSeconds: undefined,
      ident: this.newIdent(),
      multikey: false,
      hasLongKeys: false,
    };
    const collection = new Collection(
      this.#store,
      this,
      namespace,
      this.newIdent(),
      options,
      crypto.randomUUID(),
      [id],
    );
    this.#collections.set(namespace, collection);
    this.save(collection);
    return collection;
  }

  save(collection: Collection): void {
    const indexes = collection.indexes.map((index) => ({
      name: index.name,
      key: index.keyPattern,
      unique: index.unique,
      sparse: index.sparse,
      partialFilterExpression: index.partialFilterExpression,
      expireAfterSeconds: index.expireAfterSeconds,
      hidden: index.hidden,
      prepareUnique: index.prepareUnique,
      ident: index.ident,
      multikey: index.multikey,
      hasLongKeys: index.hasLongKeys,
    }));
    const entry = {
      ns: collection.namespace,
      ident: collection.ident,
      options: collection.options,
      uuid: collection.uuid,
      keyFormat: new Int32(collection.keyFormat),
      indexes,
    };
    this.#store.put(namespaceKey(collection.namespace), encode(entry));
  }

  /** Forgets the collection at once; its entries are removed little by little. */
  forget(collection: Collection): void {
    this.#collections.delete(collection.namespace);
    this.#store.remove(namespaceKey(collection.namespace));
    collection.dropped = true;
    for (const { ident } of [collection, ...collection.indexes]) this.leftovers.discard(ident);
  }

  rename(collection: Collection, namespace: string): void {
    this.#collections.delete(collection.namespace);
    this.#store.remove(namespaceKey(collection.namespace));
    collection.namespace = namespace;
    this.#collections.set(namespace, collection);
    this.save(collection);
  }

  inDatabase(database: string): Collection[] {
    const prefix = `${database}.`;
    return [...this.#collections.values()]
      .filter((collection) => collection.namespace.startsWith(prefix))
      .sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
  }

  all(): Iterable<Collection> {
    return this.#collections.values();
  }

  databases(): string[] {
    const names = new Set(
      [...this.#collections.keys()].map((namespace) => namespace.slice(0, namespace.indexOf('.'))),
    );
    return [...names].sort();
  }
}

function readEntry(bytes: Buffer): Doc {
  try {
    return decode(bytes);
  } catch (error) {
    throw new DamagedDataError(`the list of collections is damaged: ${String(error)}`);
  }
}

function loadIndex(entry: Doc): IndexSpec {
  const key = entry.key as Doc;
  return {
    name: String(entry.name),
    fields: Object.keys(key).map((path) => ({
      path,
      parts: path.split('.'),
      descending: (toNumber(key[path]) ?? 1) < 0,
    })),
    keyPattern: key,
    unique: entry.unique === true,
    sparse: entry.sparse === true,
    partialFilterExpression: isDoc(entry.partialFilterExpression) ? entry.partialFilterExpression : undefined,
    expireAfterSeconds: toNumber(entry.expireAfterSeconds),
    hidden: entry.hidden === true,
    prepareUnique: entry.prepareUnique === true,
    ident: String(entry.ident),
    multikey: entry.multikey === true,
    hasLongKeys: entry.hasLongKeys === true,
  };
}
