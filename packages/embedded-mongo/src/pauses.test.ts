import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Db, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmbeddedMongo, startEmbeddedMongo } from './index.ts';

const DOCUMENTS = 200_000;
const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-pauses-'));
let engine: EmbeddedMongo;
let client: MongoClient;
let database: Db;

beforeAll(async () => {
  engine = await startEmbeddedMongo({ dataDir: folder });
  client = await MongoClient.connect(engine.uri);
  database = client.db('test');
  for (let from = 0; from < DOCUMENTS; from += 20_000) {
    const documents = Array.from({ length: 20_000 }, (_, i) => ({ _id: from + i, n: from + i, mod: i % 10 }));
    await database.collection<{ _id: number }>('many').insertMany(documents);
  }
});

afterAll(async () => {
  await client?.close();
  await engine?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** How often others were answered while something went on. */
async function answeredDuring(work: Promise<unknown>, other: () => Promise<unknown>): Promise<number> {
  let done = false;
  const ended = work.finally(() => {
    done = true;
  });
  let answered = 0;
  while (!done) {
    await other();
    if (!done) answered++;
  }
  await ended;
  return answered;
}

const ping = (): Promise<unknown> => database.command({ ping: 1 });

/** Whatever takes long takes so many turns at least; one that held the thread would take one. */
const TURNS = 5;

describe('others are answered', () => {
  test('while a collection is scanned', async () => {
    const scan = database.collection('many').countDocuments({ text: 'nowhere' });
    expect(await answeredDuring(scan, ping)).toBeGreaterThan(TURNS);
  });

  test('while many documents are sorted', async () => {
    const sorted = database.collection('many').find().sort({ mod: 1, n: -1 }).limit(10).toArray();
    expect(await answeredDuring(sorted, ping)).toBeGreaterThan(TURNS);
    expect((await sorted).map((doc) => doc.mod)).toEqual(Array(10).fill(0));
  });

  test('while all is checked', async () => {
    const check = database.command({ validate: 'many' });
    expect(await answeredDuring(check, ping)).toBeGreaterThan(TURNS);
    expect((await check).valid).toBe(true);
  });

  test('while an index is built, and what they write is in it', async () => {
    const many = database.collection<{ _id: number; n: number }>('many');
    let written = 0;
    const write = async (): Promise<void> => {
      written++;
      await many.updateOne({ _id: written }, { $set: { n: -written } });
      await many.updateOne({ _id: DOCUMENTS - written }, { $set: { n: -DOCUMENTS - written } });
      await many.insertOne({ _id: DOCUMENTS + written, n: DOCUMENTS + written });
    };
    expect(await answeredDuring(many.createIndex({ n: 1 }), write)).toBeGreaterThan(TURNS);
    expect(await many.countDocuments({ n: { $lt: 0 } }, { hint: 'n_1' })).toBe(2 * written);
    expect(await many.countDocuments({ n: { $gt: DOCUMENTS } }, { hint: 'n_1' })).toBe(written);
    expect((await database.command({ validate: 'many' })).errors).toEqual([]);
  });

  test('while many documents are changed', async () => {
    const change = database.collection('many').updateMany({ mod: 3 }, { $set: { changed: true } });
    expect(await answeredDuring(change, ping)).toBeGreaterThan(TURNS);
  });

  test('while a collection goes away', async () => {
    await database.dropCollection('many');
    expect(await database.listCollections().toArray()).toEqual([]);
    for (let i = 0; i < TURNS; i++) await ping();
  });
});
