import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Collection,
  type Db,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MongoClient,
} from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EmbeddedMongo, startEmbeddedMongo } from './index.ts';

interface Item extends Document {
  _id: string | number;
}

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-'));
let engine: EmbeddedMongo;
let client: MongoClient;
let database: Db;
let items: Collection<Item>;
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

const code = (work: Promise<unknown>) =>
  work.then(
    () => 0,
    (error: { code: unknown }) => error.code,
  );

/** The type of an expression's value, and the value as text. */
async function evaluated(expression: unknown): Promise<string> {
  const [found] = await database
    .aggregate([
      { $documents: [{ v: expression }] },
      { $project: { t: { $type: '$v' }, s: { $toString: '$v' } } },
    ])
    .toArray();
  return `${found?.t} ${found?.s}`;
}

describe('number types in expressions', () => {
  test.each([
    [{ $add: [new Int32(1), new Int32(2)] }, 'int 3'],
    [{ $add: [new Int32(2_147_483_647), new Int32(1)] }, 'long 2147483648'],
    [{ $add: [new Int32(1), Long.fromNumber(2)] }, 'long 3'],
    [{ $add: [Long.MAX_VALUE, new Int32(1)] }, 'double 9.223372036854776e+18'],
    [{ $multiply: [new Int32(2), new Double(1.5)] }, 'double 3'],
    [{ $add: [Decimal128.fromString('0.1'), Decimal128.fromString('0.2')] }, 'decimal 0.3'],
    [{ $divide: [new Int32(4), new Int32(2)] }, 'double 2'],
    [{ $sum: [new Int32(1), new Double(1)] }, 'double 2'],
    [{ $toLong: '9007199254740993' }, 'long 9007199254740993'],
  ])('%j', async (expression, expected) => {
    expect(await evaluated(expression)).toBe(expected);
  });
});

describe('$out and $merge', () => {
  test('$out replaces the documents, keeps the indexes and the types', async () => {
    const target = database.collection<Item>(`${items.collectionName}_out`);
    await target.createIndex({ v: 1 }, { unique: true });
    await target.insertOne({ _id: 'old', v: 0 });
    await items.insertMany([
      { _id: 1, v: new Double(2) },
      { _id: 2, v: new Int32(3) },
    ]);
    expect(await items.aggregate([{ $out: target.collectionName }]).toArray()).toEqual([]);
    expect(await target.find({ v: { $type: 'double' } }).toArray()).toEqual([{ _id: 1, v: 2 }]);
    expect((await target.indexes()).map((index) => index.name)).toEqual(['_id_', 'v_1']);
    expect(await code(items.aggregate([{ $set: { v: 1 } }, { $out: target.collectionName }]).toArray())).toBe(
      11000,
    );
    expect(await target.countDocuments({})).toBe(2);
    expect(await code(items.aggregate([{ $out: 'x' }, { $match: {} }]).toArray())).toBe(40601);
  });

  test('$merge does what whenMatched and whenNotMatched say', async () => {
    const into = `${items.collectionName}_merge`;
    const target = database.collection<Item>(into);
    const merge = (options: Document) => items.aggregate([{ $merge: { into, ...options } }]).toArray();
    const found = () => target.find().sort({ _id: 1 }).toArray();
    await items.insertMany([
      { _id: 1, a: 1 },
      { _id: 2, a: 2 },
    ]);
    await target.insertOne({ _id: 1, b: 1 });
    await merge({ whenNotMatched: 'discard' });
    expect(await found()).toEqual([{ _id: 1, b: 1, a: 1 }]);
    await merge({ whenMatched: 'replace' });
    expect(await found()).toEqual([
      { _id: 1, a: 1 },
      { _id: 2, a: 2 },
    ]);
    await merge({ whenMatched: [{ $set: { sum: { $add: ['$a', '$$new.a'] } } }] });
    expect(await found()).toMatchObject([{ sum: 2 }, { sum: 4 }]);
    expect(await code(merge({ whenMatched: 'fail' }))).toBe(11000);
    expect(await code(merge({ on: 'a' }))).toBe(51183);
    await target.deleteMany({});
    expect(await code(merge({ whenNotMatched: 'fail' }))).toBe(13113);
  });
});

describe('$lookup', () => {
  test.each([false, true])(
    'joins by values in arrays, and null by missing fields; index: %s',
    async (indexed) => {
      if (indexed) await items.createIndex({ k: 1 });
      await items.insertMany([{ _id: 1, k: 1 }, { _id: 2, k: [1, 2] }, { _id: 3 }, { _id: 4, k: null }]);
      const found = await items
        .aggregate([
          { $sort: { _id: 1 } },
          { $lookup: { from: items.collectionName, localField: 'k', foreignField: 'k', as: 'f' } },
          { $project: { f: { $sortArray: { input: '$f._id', sortBy: 1 } } } },
        ])
        .toArray();
      expect(found.map(({ f }) => f)).toEqual([
        [1, 2],
        [1, 2],
        [3, 4],
        [3, 4],
      ]);
    },
  );
});

describe('validators', () => {
  test('refuse with the reason, unless bypassed or moderate', async () => {
    const name = items.collectionName;
    const validator = {
      $jsonSchema: { required: ['a'], properties: { a: { bsonType: 'int', minimum: 1 } } },
    };
    await database.createCollection(name, { validator });
    await items.insertOne({ _id: 1, a: 1 });
    await expect(items.insertOne({ _id: 2 })).rejects.toMatchObject({
      code: 121,
      errInfo: {
        failingDocumentId: 2,
        details: { schemaRulesNotSatisfied: [{ operatorName: 'required', missingProperties: ['a'] }] },
      },
    });
    expect(await code(items.updateOne({ _id: 1 }, { $set: { a: 0 } }))).toBe(121);
    await items.insertOne({ _id: 3, a: 'x' }, { bypassDocumentValidation: true });
    expect(await code(items.updateOne({ _id: 3 }, { $set: { b: 1 } }))).toBe(121);
    await database.command({ collMod: name, validationLevel: 'moderate' });
    expect(await code(items.updateOne({ _id: 3 }, { $set: { b: 1 } }))).toBe(0);
    expect(await code(database.command({ collMod: name, validator: { $jsonSchema: { nope: 1 } } }))).toBe(9);
  });
});

describe('collMod', () => {
  test('hides an index, and makes one unique by way of prepareUnique', async () => {
    const name = items.collectionName;
    await items.createIndex({ x: 1 });
    await items.insertMany([
      { _id: 1, x: 1 },
      { _id: 2, x: 1 },
    ]);
    const change = (index: Document) =>
      database.command({ collMod: name, index: { keyPattern: { x: 1 }, ...index } });
    expect(await change({ hidden: true })).toMatchObject({ hidden_old: false, hidden_new: true });
    expect((await items.find({ x: 1 }).explain('queryPlanner')).queryPlanner.winningPlan.stage).toBe(
      'COLLSCAN',
    );
    await change({ hidden: false });
    expect(await code(change({ unique: true }))).toBe(72);
    await change({ prepareUnique: true });
    expect(await code(items.insertOne({ _id: 3, x: 1 }))).toBe(11000);
    await expect(change({ unique: true })).rejects.toMatchObject({
      code: 359,
      errorResponse: { violations: [{ ids: [1, 2] }] },
    });
    await items.deleteOne({ _id: 2 });
    expect(await change({ unique: true })).toMatchObject({ unique_new: true });
    expect(await code(items.insertOne({ _id: 3, x: 1 }))).toBe(11000);
    expect(await database.command({ validate: name })).toMatchObject({ valid: true });
  });
});

describe('what a differential run once found', () => {
  test.each<[Document[], Document, Document]>([
    [[{ _id: 1 }], { $set: { b: 1, a: 1 } }, { _id: 1, a: 1, b: 1 }],
    [[{ _id: 1, a: [[{ x: 1 }], { x: 2 }] }], [{ $set: { a: '$a.x' } }] as never, { _id: 1, a: [2] }],
  ])('%j updated by %j', async (documents, update, expected) => {
    await items.insertMany(documents as Item[]);
    await items.updateOne({ _id: 1 }, update);
    expect(JSON.stringify(await items.findOne({ _id: 1 }))).toBe(JSON.stringify(expected));
  });

  test.each<[Document, Document, number]>([
    [{ a: 1 }, { $pull: { 'a.x': 1 } }, 28],
    [{ a: null }, { $bit: { a: { and: new Int32(1) } } }, 2],
    [{ a: [1], b: 2 }, { $rename: { b: 'a.0' } }, 2],
    [{ b: [] }, { $inc: { 'b.x': 1 }, $set: { 'b.$[].x': 1 } }, 40],
  ])('%j refuses %j', async (document, update, expected) => {
    await items.insertOne({ _id: 1, ...document });
    expect(await code(items.updateOne({ _id: 1 }, update))).toBe(expected);
  });

  test('a list of conditions on one path seeds no upsert, but a replacement', async () => {
    const filter = { _id: 1, b: { $all: [1, 2] } };
    expect(await code(items.updateOne(filter, { $set: { a: 1 } }, { upsert: true }))).toBe(54);
    expect(await code(items.replaceOne(filter, { a: 1 }, { upsert: true }))).toBe(0);
  });

  test('a field below scalars in an array sorts as null does', async () => {
    await items.insertMany([{ _id: 1, b: ['x'] }, { _id: 2 }, { _id: 3, b: [] }, { _id: 4, b: { y: 0 } }]);
    const found = await items.find().sort({ 'b.y': 1, _id: 1 }).toArray();
    expect(found.map(({ _id }) => _id)).toEqual([1, 2, 3, 4]);
  });

  test('a computed field keeps one document for each element of an array', async () => {
    await items.insertOne({ _id: 1, a: [null, true] });
    expect(await items.aggregate([{ $project: { 'a.x': { $add: [1, 1] } } }]).toArray()).toEqual([
      { _id: 1, a: [{ x: 2 }, { x: 2 }] },
    ]);
  });
});
