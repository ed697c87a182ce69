import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { afterPrefix } from '../indexes/key.ts';
import type { IndexSpec } from '../indexes/spec.ts';
import { run, type Task } from '../task.ts';
import { decode, encode } from '../values/codec.ts';
import { type Doc, Int32 } from '../values/types.ts';
import { Catalog } from './catalog.ts';
import type { Collection } from './collection.ts';
import { Store } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-collection-'));
let store: Store;
let catalog: Catalog;

function open(): void {
  store = new Store(folder, (error) => {
    throw error;
  });
  catalog = new Catalog(store);
}

beforeAll(open);

afterAll(async () => {
  catalog.leftovers.stop();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function indexOn(path: string, unique: boolean): IndexSpec {
  return {
    name: `${path}_1`,
    fields: [{ path, parts: path.split('.'), descending: false }],
    keyPattern: { [path]: new Int32(1) },
    unique,
    sparse: false,
    partialFilterExpression: undefined,
    expireAfterSeconds: undefined,
    ident: catalog.newIdent(),
    multikey: false,
    hasLongKeys: false,
  };
}

function insert(collection: Collection, doc: Doc): void {
  collection.insert(doc, encode(doc));
}

function rows(collection: Collection): { id: string; bytes: Buffer; doc: Doc }[] {
  return [...collection.scanAll(false)].flatMap((row) => (row ? [{ ...row, doc: decode(row.bytes) }] : []));
}

function change(collection: Collection, at: number, fields: Doc | undefined): void {
  const row = rows(collection)[at];
  if (!row) return;
  if (!fields) collection.remove(row, row.doc);
  else {
    const after = { ...row.doc, ...fields };
    collection.update(row, row.doc, after, encode(after));
  }
}

async function finish<T>(task: Task<T>): Promise<T> {
  return run(task);
}

function entries(ident: string): number {
  let count = 0;
  let low: string | undefined = ident;
  while (low !== undefined) {
    const chunk = store.range(low, afterPrefix(ident), false, 100);
    count += chunk.entries.length;
    low = chunk.next;
  }
  return count;
}

describe('an index that is built while others write', () => {
  test('agrees with the documents, wherever in its way they were written', async () => {
    const collection = catalog.create('test.build');
    for (let n = 0; n < 500; n++) insert(collection, { _id: new Int32(n), tags: [`a${n}`, `b${n % 7}`] });
    const task = collection.buildIndex(indexOn('tags', false));
    let turn = 0;
    for (let step = task.next(); !step.done; step = task.next()) {
      // In what has been dealt with, in what has not, and behind it all.
      change(collection, turn, { tags: [`changed${turn}`] });
      change(collection, 480 - turn, { tags: ['late', `late${turn}`] });
      change(collection, turn + 3, undefined);
      change(collection, 450, undefined);
      insert(collection, { _id: new Int32(1000 + turn), tags: `new${turn}` });
      turn++;
    }
    expect(turn).toBeGreaterThan(3);
    expect(collection.indexes.map((index) => index.name)).toEqual(['_id_', 'tags_1']);
    expect((await finish(collection.validate())).problems).toEqual([]);
  });

  test('is given up, leaving nothing, when two documents have one key', async () => {
    const collection = catalog.create('test.refused');
    for (let n = 0; n < 200; n++) insert(collection, { _id: new Int32(n), n: new Int32(n) });
    const index = indexOn('n', true);
    const task = collection.buildIndex(index);
    task.next();
    insert(collection, { _id: new Int32(1000), n: new Int32(3) });
    await expect(finish(task)).rejects.toMatchObject({ code: 11000 });
    expect(collection.indexes.map((one) => one.name)).toEqual(['_id_']);
    insert(collection, { _id: new Int32(1001), n: new Int32(3) });
    await expect.poll(() => entries(index.ident)).toBe(0);
  });

  test('takes no duplicate of what it has dealt with', async () => {
    const collection = catalog.create('test.unique');
    for (let n = 0; n < 200; n++) insert(collection, { _id: new Int32(n), n: new Int32(n) });
    const task = collection.buildIndex(indexOn('n', true));
    task.next();
    expect(() => change(collection, 1, { n: new Int32(2) })).toThrow(/E11000/);
    await finish(task);
    expect((await finish(collection.validate())).problems).toEqual([]);
  });

  test('takes the place of another one in one step', async () => {
    const collection = catalog.create('test.replaced');
    for (let n = 0; n < 200; n++) insert(collection, { _id: new Int32(n), n: new Int32(n) });
    const old = indexOn('n', false);
    await finish(collection.buildIndex(old));
    const task = collection.buildIndex(indexOn('n', true), old);
    for (let step = task.next(); !step.done; step = task.next()) expect(collection.indexes).toContain(old);
    expect(collection.indexes.map((index) => index.unique)).toEqual([true, true]);
    expect((await finish(collection.validate())).problems).toEqual([]);
    await expect.poll(() => entries(old.ident)).toBe(0);
  });
});

describe('a count', () => {
  test('is right although others write while it goes on', async () => {
    const collection = catalog.create('test.count');
    for (let n = 0; n < 5000; n++) insert(collection, { _id: new Int32(n) });
    const task = collection.count();
    let turn = 0;
    let step = task.next();
    for (; !step.done; step = task.next()) {
      change(collection, 0, undefined);
      change(collection, 4900 - turn, undefined);
      insert(collection, { _id: new Int32(10_000 + turn++) });
    }
    expect(turn).toBeGreaterThan(2);
    expect(step.value).toBe(rows(collection).length);
  });
});

describe('a check', () => {
  test('finds a missing entry, a wrong one, one too many, and a document that is none', async () => {
    const collection = catalog.create('test.damaged');
    const index = indexOn('n', false);
    await finish(collection.buildIndex(index));
    for (let n = 0; n < 10; n++) insert(collection, { _id: new Int32(n), n: new Int32(n) });
    const problems = async (): Promise<string> => (await finish(collection.validate())).problems.join('\n');
    expect(await problems()).toBe('');
    const [entry] = store.range(index.ident, afterPrefix(index.ident), false, 1).entries;
    if (!entry) throw new Error('the index has no entry');
    store.remove(entry.key);
    expect(await problems()).toContain('misses an entry for _id');
    store.put(entry.key, entry.value);
    expect(await problems()).toBe('');
    store.put(`${entry.key.slice(0, -6)}\0\0\0\0\xff\xff`, entry.value);
    expect(await problems()).toContain('a document that is not there');
    store.remove(`${entry.key.slice(0, -6)}\0\0\0\0\xff\xff`);
    const last = rows(collection).at(-1);
    store.put(entry.key.slice(0, -6) + last?.id, entry.value);
    expect(await problems()).toContain('that its document has no key for');
    store.remove(entry.key.slice(0, -6) + last?.id);
    expect(await problems()).toBe('');
    store.put(collection.ident + last?.id, Buffer.from('no document'));
    expect(await problems()).toContain('cannot be read');
  });

  test('does not take for a mistake what is written meanwhile', async () => {
    const collection = catalog.create('test.busy');
    await finish(collection.buildIndex(indexOn('n', false)));
    for (let n = 0; n < 500; n++) insert(collection, { _id: new Int32(n), n: new Int32(n) });
    const task = collection.validate();
    let step = task.next();
    for (let turn = 0; !step.done; step = task.next()) {
      change(collection, turn++, { n: new Int32(-turn) });
      change(collection, 100, undefined);
      insert(collection, { _id: new Int32(1000 + turn), n: new Int32(turn) });
    }
    expect(step.value.problems).toEqual([]);
  });
});

describe('what is dropped', () => {
  test('is gone at once, and its entries go little by little, also over a restart', async () => {
    const collection = catalog.create('test.dropped');
    for (let n = 0; n < 1000; n++) insert(collection, { _id: new Int32(n) });
    await store.durable();
    catalog.forget(collection);
    expect(catalog.find('test.dropped')).toBeUndefined();
    catalog.leftovers.stop();
    await store.close();
    open();
    expect(catalog.find('test.dropped')).toBeUndefined();
    const idents = [collection, ...collection.indexes].map((one) => one.ident);
    await expect.poll(() => idents.map(entries)).toEqual([0, 0]);
  });
});

describe('indexes whose keys were made in another way', () => {
  test('are built again, in their order, also where a start dies in between', async () => {
    const collection = catalog.create('test.upgraded');
    for (const [path, unique] of [
      ['n', false],
      ['tags', false],
      ['u', true],
    ] as const)
      await finish(collection.buildIndex(indexOn(path, unique)));
    for (let n = 0; n < 300; n++)
      insert(collection, { _id: new Int32(n), n: new Int32(n % 7), tags: ['a', `${n}`], u: new Int32(-n) });
    const names = collection.indexes.map(({ name }) => name);
    // As they would lie there: under other keys, of which nobody has heard.
    for (const { ident } of collection.indexes) {
      for (const { key, value } of store.range(ident, afterPrefix(ident), false, 10_000).entries) {
        store.remove(key);
        store.put(`${ident}~${key.slice(ident.length)}`, value);
      }
    }
    collection.keyFormat = 1;
    catalog.save(collection);
    const reopen = async (): Promise<Collection> => {
      catalog.leftovers.stop();
      await store.close();
      open();
      const found = catalog.find('test.upgraded');
      if (!found) throw new Error('the collection is gone');
      return found;
    };
    const before = await reopen();
    expect((await finish(before.validate())).problems).not.toEqual([]);
    const upgrade = catalog.upgrade();
    // Over the first index, and into the second one.
    while (before.indexes[0]?.ident === collection.indexes[0]?.ident) upgrade.next();
    upgrade.next();

    const between = await reopen();
    expect(between.keyFormat).toBe(1);
    await finish(catalog.upgrade());
    expect((await finish(between.validate())).problems).toEqual([]);
    const after = await reopen();
    expect(after.keyFormat).toBe(between.keyFormat);
    expect(after.keyFormat).not.toBe(1);
    expect(after.indexes.map(({ name, multikey }) => [name, multikey])).toEqual(
      names.map((name) => [name, name === 'tags_1']),
    );
    expect((await finish(after.validate())).problems).toEqual([]);
    expect([...catalog.upgrade()]).toEqual([]);
  });
});

describe('work that goes on when the store closes', () => {
  test('is ended', async () => {
    const collection = catalog.create('test.ended');
    for (let n = 0; n < 1000; n++) insert(collection, { _id: new Int32(n), n: new Int32(n) });
    const scan = collection.scanAll(false);
    const build = collection.buildIndex(indexOn('n', false));
    for (const task of [scan, build]) task.next();
    catalog.leftovers.stop();
    await store.close();
    for (const task of [scan, build])
      expect(() => {
        for (let step = task.next(); !step.done; step = task.next());
      }).toThrow('the engine is stopping');
    open();
    const again = catalog.find('test.ended');
    expect(again?.indexes.map((index) => index.name)).toEqual(['_id_']);
    expect(again && (await finish(again.validate())).problems).toEqual([]);
  });
});
