import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Collection, type Db, type Document, Long, MongoClient } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Engine } from './engine.ts';
import { type EmbeddedMongo, startEmbeddedMongo } from './index.ts';
import { KEY_FORMAT } from './indexes/key.ts';

/** What only the embedded engine promises: its plans, its refusals, its housekeeping. */

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-'));
let engine: EmbeddedMongo;
let client: MongoClient;
let database: Db;
let items: Collection<Document & { _id: unknown }>;
let counter = 0;

beforeAll(async () => {
  engine = await startEmbeddedMongo({ dataDir: folder });
  client = await MongoClient.connect(engine.uri);
  database = client.db('test');
});

afterAll(async () => {
  await client.close();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  items = database.collection(`items${++counter}`);
});

interface Stage {
  stage: string;
  indexName?: string;
  inputStage?: Stage;
}

async function plan(filter: Document, sort: Document = {}): Promise<string> {
  const explained = await items
    .find(filter)
    .sort(sort as never)
    .explain('queryPlanner');
  const names: string[] = [];
  let stage: Stage | undefined = explained.queryPlanner.winningPlan as Stage;
  for (; stage; stage = stage.inputStage)
    names.push(stage.indexName ? `${stage.stage} ${stage.indexName}` : stage.stage);
  return names.join(' < ');
}

describe('plans', () => {
  test('use the index that fits, and say so', async () => {
    await items.createIndexes([
      { key: { digest: 1 }, unique: true },
      { key: { account: 1, createdAt: -1 } },
      { key: { slot: 1 }, partialFilterExpression: { status: 'active' } },
      { key: { email: 1 }, sparse: true },
    ]);
    expect(await plan({ _id: { $in: [1, 2] } })).toBe('FETCH < IXSCAN _id_');
    expect(await plan({ digest: { $in: ['a', 'b'] } })).toBe('FETCH < IXSCAN digest_1');
    expect(await plan({ account: 1 }, { createdAt: -1 })).toBe('FETCH < IXSCAN account_1_createdAt_-1');
    expect(await plan({ account: 1 }, { createdAt: 1 })).toBe('FETCH < IXSCAN account_1_createdAt_-1');
    expect(await plan({ account: { $gt: 1 } }, { createdAt: 1 })).toBe(
      'SORT < FETCH < IXSCAN account_1_createdAt_-1',
    );
    expect(await plan({ createdAt: 1 })).toBe('COLLSCAN');
    expect(await plan({ slot: 1 })).toBe('COLLSCAN');
    expect(await plan({ slot: 1, status: 'active' })).toBe('FETCH < IXSCAN slot_1');
    expect(await plan({ email: 'a' })).toBe('FETCH < IXSCAN email_1');
    expect(await plan({ email: null })).toBe('COLLSCAN');
    expect(await plan({ $or: [{ digest: 'a' }, { account: 1 }] })).toBe('FETCH < OR');
  });

  test('examine only what the bounds lead to', async () => {
    await items.createIndex({ n: 1 });
    await items.insertMany(Array.from({ length: 500 }, (_, i) => ({ _id: i, n: i })));
    const { executionStats } = await items.find({ n: { $gte: 10, $lt: 15 } }).explain('executionStats');
    expect(executionStats).toMatchObject({ nReturned: 5, totalKeysExamined: 5, totalDocsExamined: 5 });
  });

  test('give the same documents as a scan, for a table of random queries', async () => {
    const values = [null, 1, 2, 'a', 'b', [1, 'a'], [2, [1]], { x: 1 }, true, new Date(1)];
    const operators = ['$eq', '$gt', '$gte', '$lt', '$lte', '$ne'];
    // Two arrays in one document cannot share a compound index.
    const both = values.flatMap((a, i) => values.map((b, j) => ({ _id: i * 100 + j, a, b })));
    await items.insertMany(both.filter(({ a, b }) => !(Array.isArray(a) && Array.isArray(b))));
    const queries = operators.flatMap((x, i) =>
      operators.map((y, j) => ({
        a: { [x]: values[(i + j) % 10] },
        b: { [y]: values[(i * 3 + j * 7) % 10] },
      })),
    );
    const run = () =>
      Promise.all(
        queries.map(async (query) =>
          (await items.find(query).sort({ _id: 1 }).toArray()).map((doc) => doc._id),
        ),
      );
    const scanned = await run();
    await items.createIndex({ a: 1, b: -1 });
    await items.createIndex({ b: 1 });
    expect(await run()).toEqual(scanned);
    expect(await database.command({ validate: items.collectionName })).toMatchObject({
      valid: true,
      errors: [],
    });
  });
});

describe('housekeeping', () => {
  test('expired documents go away, others stay', async () => {
    await client.db('admin').command({ setParameter: 1, ttlMonitorSleepSecs: 0.05 });
    await items.createIndex({ at: 1 }, { expireAfterSeconds: 0 });
    await items.insertMany([
      { _id: 'past', at: new Date(Date.now() - 1000) },
      { _id: 'future', at: new Date(Date.now() + 3_600_000) },
      { _id: 'no date', at: 'never' },
    ]);
    await vi.waitUntil(async () => (await items.countDocuments({})) === 2, { timeout: 20_000 });
    expect((await items.distinct('_id')).sort()).toEqual(['future', 'no date']);
  });
});

describe('refusals', () => {
  const code = (work: Promise<unknown>) =>
    work.then(
      () => 0,
      (error: { code: unknown }) => error.code,
    );

  test('transactions, as a standalone server refuses them', async () => {
    // The driver itself refuses a transaction on a standalone server, so the command is sent by hand.
    const command = {
      insert: items.collectionName,
      documents: [{ _id: 1 }],
      txnNumber: Long.fromNumber(1),
      startTransaction: true,
      autocommit: false,
    };
    expect(await code(database.command(command))).toBe(20);
  });

  test('what is not there, by name', async () => {
    expect(await code(database.command({ find: items.collectionName, nope: 1 }))).toBe(40415);
    expect(await code(items.find({ $where: '1' }).toArray())).toBe(2);
    expect(await code(items.createIndex({ a: 'text' }))).toBe(67);
    expect(await code(items.aggregate([{ $set: { a: { $function: {} } } }]).toArray())).toBe(168);
  });
});

test('a start builds indexes again whose keys are of another format', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'embedded-mongo-upgrade-'));
  const failed = (error: Error): never => {
    throw error;
  };
  const startHere = () => Engine.start({ dataDir, port: 0, onFatal: failed });
  try {
    const first = await startHere();
    const old = first.catalog.create('test.old');
    old.keyFormat = 1;
    first.catalog.save(old);
    await first.stop();
    const second = await startHere();
    const found = second.catalog.find('test.old');
    expect(found?.keyFormat).toBe(KEY_FORMAT);
    expect(found?.indexes[0]?.ident).not.toBe(old.indexes[0]?.ident);
    await second.stop();
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
