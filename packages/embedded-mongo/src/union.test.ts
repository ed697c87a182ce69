import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Db, type Document, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmbeddedMongo, startEmbeddedMongo } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-'));
let engine: EmbeddedMongo;
let client: MongoClient;
let database: Db;

interface Named extends Document {
  _id: string;
}

beforeAll(async () => {
  engine = await startEmbeddedMongo({ dataDir: folder });
  client = await MongoClient.connect(engine.uri);
  database = client.db('test');
  for (const name of ['keys', 'owners', 'places']) {
    const documents = [1, 2, 3].map((n) => ({ _id: `${name}-${n}`, n, tags: [{ t: `${name}${n}` }] }));
    await database.collection<Named>(name).insertMany(documents);
  }
  await database.collection('keys').createIndex({ 'tags.t': 1 }, { unique: true });
});
afterAll(async () => {
  await client.close();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

const byId = (...ids: string[]) => [{ $match: { _id: { $in: ids } } }];
const run = async (collection: string, pipeline: Document[]) =>
  (await database.collection(collection).aggregate<Named>(pipeline).toArray()).map(({ _id }) => _id);

describe('$unionWith', () => {
  test('gives the documents of each collection, one after another, as they are stored', async () => {
    const pipeline = [
      { $match: { 'tags.t': { $in: ['keys1', 'keys3', 'nothing'] } } },
      { $unionWith: { coll: 'owners', pipeline: byId('owners-2') } },
      {
        $unionWith: {
          coll: 'places',
          pipeline: [{ $match: { n: { $gte: 2 } } }, { $sort: { n: -1 } }, { $limit: 1 }],
        },
      },
      { $unionWith: { coll: 'nothing', pipeline: byId('x') } },
    ];
    expect(await run('keys', pipeline)).toEqual(['keys-1', 'keys-3', 'owners-2', 'places-3']);
    // The same through stages that decode every document.
    expect(await run('keys', [...pipeline, { $set: { seen: true } }])).toEqual([
      'keys-1',
      'keys-3',
      'owners-2',
      'places-3',
    ]);
    expect(await run('nothing', [{ $unionWith: 'owners' }])).toEqual(['owners-1', 'owners-2', 'owners-3']);
  });

  test('unites inside unions, in pieces of a cursor, and with stages behind', async () => {
    const inner = { coll: 'owners', pipeline: [...byId('owners-1'), { $unionWith: 'places' }] };
    const cursor = database.collection<Named>('keys').aggregate([{ $unionWith: inner }], { batchSize: 2 });
    expect((await cursor.toArray()).map(({ _id }) => _id)).toEqual([
      'keys-1',
      'keys-2',
      'keys-3',
      'owners-1',
      'places-1',
      'places-2',
      'places-3',
    ]);
    expect(await run('keys', [{ $unionWith: inner }, { $match: { n: 3 } }])).toEqual(['keys-3', 'places-3']);
  });

  test('refuses what it cannot do before it answers anything', async () => {
    const refused = (pipeline: Document[]) =>
      expect(run('keys', pipeline)).rejects.toMatchObject({ code: expect.any(Number) });
    await refused([{ $unionWith: { coll: 'owners', pipeline: [{ $nonsense: 1 }] } }]);
    await refused([{ $unionWith: { coll: 'owners', pipeline: [{ $match: { n: { $nonsense: 1 } } }] } }]);
    await refused([{ $unionWith: { coll: 'owners', pipelines: [] } }]);
    await refused([{ $unionWith: { pipeline: [] } }]);
  });
});
