import { type Document, Long } from 'mongodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { fails, useServer } from './server.ts';

const server = useServer();
const command = (body: Document, database = server.database) => database.command(body);
const admin = () => server.client.db('admin');

beforeEach(async () => {
  await server.items.insertMany([1, 2, 3, 4, 5].map((_id) => ({ _id, x: _id * 11 })));
});

const name = (): string => server.items.collectionName;

describe('arguments', () => {
  test.for<[string, (collection: string) => Document, number]>([
    ['a filter that is none', (find) => ({ find, filter: 'x' }), 14],
    ['a negative limit', (find) => ({ find, limit: -1 }), 51024],
    ['a hint at no index', (find) => ({ find, hint: 'nope' }), 2],
    [
      'an unknown stage of a version',
      (aggregate) => ({ aggregate, pipeline: [], cursor: {}, apiVersion: '2' }),
      322,
    ],
  ])('%s is refused', async ([_what, body, code], context) => {
    if (code === 322 || code === 51024) server.needs('arguments', context);
    expect(await fails(command(body(name())))).toEqual({ code });
  });

  test.for<[string, (collection: string) => Document, number]>([
    ['an unknown field', (find) => ({ find, foo: 1 }), 40415],
    ['an unknown read concern', (find) => ({ find, readConcern: { level: 'bogus' } }), 2],
    ['snapshot reads', (find) => ({ find, readConcern: { level: 'snapshot' } }), 123],
    ['a write concern of a read', (find) => ({ find, writeConcern: { w: 1 } }), 72],
    ['two replicas', (insert) => ({ insert, documents: [{}], writeConcern: { w: 2 } }), 2],
    [
      'a number of a transaction',
      (insert) => ({ insert, documents: [{}], txnNumber: Long.fromNumber(1) }),
      20,
    ],
    ['a time limit that is none', (find) => ({ find, maxTimeMS: -1 }), 2],
    ['no statements', (update) => ({ update, updates: [] }), 16],
    ['an update that is none', (update) => ({ update, updates: [{ q: {}, u: 'x' }] }), 9],
    ['a deletion of two', (remove) => ({ delete: remove, deletes: [{ q: {}, limit: 2 }] }), 9],
    ['awaiting without a tail', (find) => ({ find, awaitData: true }), 9],
    ['the tail of no capped collection', (find) => ({ find, tailable: true }), 2],
    [
      'a quorum',
      (createIndexes) => ({ createIndexes, indexes: [{ key: { x: 1 }, name: 'x' }], commitQuorum: 1 }),
      2,
    ],
    [
      'a strict stage',
      () => ({
        aggregate: 1,
        pipeline: [{ $listLocalSessions: {} }],
        cursor: {},
        apiVersion: '1',
        apiStrict: true,
      }),
      323,
    ],
    ['a strict command', (distinct) => ({ distinct, key: 'x', apiVersion: '1', apiStrict: true }), 323],
  ])('%s is refused', async ([_what, body, code], context) => {
    server.needs('arguments', context);
    expect(await fails(command(body(name())))).toEqual({ code });
  });
});

describe('cursors', () => {
  test('go on in batches of the asked size', async () => {
    const { cursor } = await server.database.command({ find: name(), batchSize: 2 }, { useBigInt64: true });
    expect(cursor.firstBatch).toHaveLength(2);
    const next = await command({ getMore: cursor.id, collection: name(), batchSize: 1 });
    expect(next.cursor.nextBatch).toHaveLength(1);
  });

  test('have no time limit of their own, unless they wait', async (context) => {
    server.needs('arguments', context);
    const { cursor } = await server.database.command({ find: name(), batchSize: 2 }, { useBigInt64: true });
    expect(await fails(command({ getMore: cursor.id, collection: name(), maxTimeMS: 5 }))).toEqual({
      code: 2,
    });
  });
});

describe('capped collections', () => {
  test('keep the newest documents, which a tailable cursor follows', async (context) => {
    server.needs('commands', context);
    const capped = await server.database.createCollection<{ _id: number }>(`${name()}_capped`, {
      capped: true,
      size: 4096,
      max: 3,
    });
    await capped.insertMany([1, 2, 3, 4].map((_id) => ({ _id })));
    const cursor = capped.find({}, { tailable: true, awaitData: true, maxAwaitTimeMS: 2000 });
    const seen = [await cursor.next(), await cursor.next(), await cursor.next()];
    const following = cursor.next();
    await capped.insertOne({ _id: 5 });
    expect([...seen, await following].map((doc) => doc?._id)).toEqual([2, 3, 4, 5]);
    await cursor.close();
  });

  test('need a size', async (context) => {
    server.needs('commands', context);
    expect(await fails(command({ create: `${name()}_none`, capped: true }))).toEqual({ code: 72 });
  });
});

test('a clustered index is listed as it was made', async (context) => {
  server.needs('commands', context);
  const clusteredIndex = { key: { _id: 1 as const }, unique: true as const, name: 'by id' };
  const made = await server.database.createCollection(`${name()}_clustered`, { clusteredIndex });
  expect(await made.indexes()).toEqual([
    { v: 2, key: { _id: 1 }, name: 'by id', unique: true, clustered: true },
  ]);
});

describe('bulkWrite', () => {
  const bulk = (body: Document) =>
    command(
      { bulkWrite: 1, nsInfo: [{ ns: `${server.database.databaseName}.${name()}` }], ...body },
      admin(),
    );

  test('tells what became of each operation', async (context) => {
    server.needs('commands', context);
    const reply = await bulk({
      ops: [
        { insert: 0, document: { _id: 10 } },
        { insert: 0, document: { _id: 10 } },
        { update: 0, filter: { _id: 1 }, updateMods: [{ $set: { y: '$$v' } }], constants: { v: 3 } },
        { update: 0, filter: { _id: 20 }, updateMods: { $set: { y: 1 } }, upsert: true },
        { delete: 0, filter: { _id: 10 } },
      ],
      ordered: false,
      cursor: { batchSize: 3 },
    });
    expect(reply).toMatchObject({ nErrors: 1, nInserted: 1, nMatched: 1, nUpserted: 1, nDeleted: 1 });
    expect(reply.cursor.firstBatch.map(({ ok, code }: Document) => code ?? ok)).toEqual([1, 11000, 1]);
    expect(Number(reply.cursor.id)).not.toBe(0);
  });

  test('errorsOnly leaves out the rest', async (context) => {
    server.needs('commands', context);
    const ops = [
      { insert: 0, document: { _id: 10 } },
      { insert: 0, document: { _id: 10 } },
    ];
    expect((await bulk({ ops, errorsOnly: true })).cursor.firstBatch).toMatchObject([
      { idx: 1, code: 11000 },
    ]);
  });

  test.for<[Document, number]>([
    [{ ops: [] }, 16],
    [{ ops: [{ insert: 1, document: {} }] }, 2],
    [{ ops: [{ insert: 0, document: {}, foo: 1 }] }, 40415],
    [{ ops: [{ insert: 0, document: {} }], nsInfo: [{ ns: 'foo' }] }, 73],
  ])('%j: %i', async ([body, code], context) => {
    server.needs('commands', context);
    expect(await fails(bulk(body))).toEqual({ code });
  });
});

describe('collation', () => {
  beforeEach(async () => {
    await server.items.deleteMany({});
    await server.items.insertMany([
      { _id: 1, a: 'a' },
      { _id: 2, a: 'B' },
      { _id: 3, a: 'á' },
      { _id: 4, a: 'A' },
      { _id: 5, a: 'a10' },
      { _id: 6, a: 'a2' },
    ]);
  });

  test.each<[Document, unknown[]]>([
    [{ locale: 'en', strength: 1 }, [1, 3, 4]],
    [{ locale: 'en', strength: 2 }, [1, 4]],
    [{ locale: 'en', strength: 1, caseLevel: true }, [1, 3]],
    [{ locale: 'en' }, [1]],
  ])('%j decides what equals', async (collation, expected) => {
    const found = await server.items
      .find({ a: 'a' })
      .collation(collation as never)
      .sort({ _id: 1 })
      .toArray();
    expect(found.map(({ _id }) => _id)).toEqual(expected);
  });

  test('orders, numbers in texts too', async () => {
    const found = await server.items
      .find()
      .collation({ locale: 'en', numericOrdering: true })
      .sort({ a: 1 })
      .toArray();
    expect(found.map(({ a }) => a)).toEqual(['a', 'A', 'á', 'a2', 'a10', 'B']);
  });

  test.each<[Document, number]>([
    [{ locale: 'xx' }, 2],
    [{ locale: 'en', foo: 1 }, 40415],
    [{ strength: 2 }, 40414],
    [{ locale: 5 }, 14],
  ])('%j: %i', async (collation, code) => {
    expect(await fails(command({ find: name(), collation }))).toEqual({ code });
  });
});
