import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Binary,
  type Collection,
  type Db,
  Decimal128,
  type Document,
  Double,
  Long,
  MongoClient,
  ObjectId,
} from 'mongodb';
import mongoose from 'mongoose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EmbeddedMongo, startEmbeddedMongo } from './index.ts';

interface Item extends Document {
  _id: string | number | ObjectId;
}

/** What must hold on any MongoDB; runs on the embedded engine, or on the server that TEST_MONGODB_URI names. */

const given = process.env.TEST_MONGODB_URI;
let engine: EmbeddedMongo | undefined;
let folder: string | undefined;
let client: MongoClient;
let database: Db;
let items: Collection<Item>;
let uri: string;
let counter = 0;

beforeAll(async () => {
  if (given) uri = given;
  else {
    folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-'));
    engine = await startEmbeddedMongo({ dataDir: folder });
    uri = engine.uri;
  }
  client = await MongoClient.connect(uri, {
    retryWrites: false,
    writeConcern: { w: 'majority', journal: true },
  });
  database = client.db(`conformance_${randomBytes(6).toString('hex')}`);
});

afterAll(async () => {
  await database.dropDatabase();
  await client.close();
  await engine?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  items = database.collection(`items${++counter}`);
});

const ids = async (filter: Document, sort: Document = { _id: 1 }): Promise<unknown[]> =>
  (
    await items
      .find(filter)
      .sort(sort as never)
      .toArray()
  ).map((doc) => doc._id);

const fails = async (work: Promise<unknown>): Promise<{ code: unknown }> =>
  work.then(
    () => ({ code: 'did not fail' }),
    (error: { code: unknown }) => ({ code: error.code }),
  );

describe('inserting and finding', () => {
  test('documents come back as they went in', async () => {
    const doc = {
      _id: 1,
      text: 'ü\u{1f600}',
      date: new Date(5),
      none: null,
      yes: true,
      nested: { list: [1, 'a', { b: [] }] },
      id: new ObjectId(),
      data: randomBytes(5),
    };
    await items.insertOne(doc);
    const found = await items.findOne({ _id: 1 });
    const data = found?.data as Binary | undefined;
    expect({ ...found, data: data && Buffer.from(data.value()) }).toEqual(doc);
  });

  test('a driver-made _id is found again', async () => {
    const { insertedId } = await items.insertOne({ a: 1 } as never);
    expect(await items.findOne({ _id: insertedId })).toMatchObject({ a: 1 });
  });

  test('a duplicate _id is refused with its key', async () => {
    await items.insertOne({ _id: 1 });
    await expect(items.insertOne({ _id: 1 })).rejects.toMatchObject({
      code: 11000,
      keyPattern: { _id: 1 },
      keyValue: { _id: 1 },
    });
  });

  test('an ordered batch stops at its first error, an unordered one goes on', async () => {
    const batch = [{ _id: 1 }, { _id: 1 }, { _id: 2 }];
    await expect(items.insertMany(batch)).rejects.toMatchObject({
      code: 11000,
      result: { insertedCount: 1 },
    });
    expect(await ids({})).toEqual([1]);
    await expect(items.insertMany(batch, { ordered: false })).rejects.toMatchObject({ code: 11000 });
    expect(await ids({})).toEqual([1, 2]);
  });

  const values = [
    { _id: 1, v: 1 },
    { _id: 2, v: 2.5 },
    { _id: 3, v: 'a' },
    { _id: 4, v: [1, 5] },
    { _id: 5, v: null },
    { _id: 6 },
    { _id: 7, v: { x: 1, y: [{ z: 1 }, { z: 2 }] } },
    { _id: 8, v: new Date(1000) },
    { _id: 9, v: Long.fromNumber(2 ** 40) },
    { _id: 10, v: true },
    { _id: 11, v: [] },
  ];
  const filters: [Document, unknown[]][] = [
    [{ v: 1 }, [1, 4]],
    [{ v: { $gt: 1 } }, [2, 4, 9]],
    [{ v: { $gte: 1, $lt: 3 } }, [1, 2, 4]],
    [{ v: { $in: [1, 'a'] } }, [1, 3, 4]],
    [{ v: { $nin: [1, 'a', null] } }, [2, 7, 8, 9, 10, 11]],
    [{ v: null }, [5, 6]],
    [{ v: { $ne: null } }, [1, 2, 3, 4, 7, 8, 9, 10, 11]],
    [{ v: { $exists: false } }, [6]],
    [{ v: { $type: 'array' } }, [4, 11]],
    [{ v: { $type: 'number' } }, [1, 2, 4, 9]],
    [{ v: { $type: 'long' } }, [9]],
    [{ v: [1, 5] }, [4]],
    [{ v: { $size: 0 } }, [11]],
    [{ v: { $all: [1, 5] } }, [4]],
    [{ v: { $elemMatch: { $gt: 4, $lt: 6 } } }, [4]],
    [{ 'v.y.z': 2 }, [7]],
    [{ 'v.y.1.z': 2 }, [7]],
    [{ 'v.y': { $elemMatch: { z: 1 } } }, [7]],
    [{ v: { $regex: '^A', $options: 'i' } }, [3]],
    [{ v: { $not: { $gt: 1 } } }, [1, 3, 5, 6, 7, 8, 10, 11]],
    [{ v: { $lte: new Date(1000) } }, [8]],
    [{ $or: [{ v: 'a' }, { _id: { $lt: 2 } }] }, [1, 3]],
    [{ $nor: [{ v: { $exists: true } }] }, [6]],
    [{ v: { $mod: [2, 1] } }, [1, 4]],
    [{ $expr: { $eq: ['$v', 'a'] } }, [3]],
    [{ v: true }, [10]],
    [{ v: 2 ** 40 }, [9]],
  ];

  test.each(filters)('%j finds the same with and without an index', async (filter, expected) => {
    await items.insertMany(values);
    expect(await ids(filter)).toEqual(expected);
    await items.createIndex({ v: 1 });
    expect(await ids(filter)).toEqual(expected);
  });

  test('sorting puts the types in order, in both directions, with and without an index', async () => {
    await items.insertMany([
      { _id: 1, v: 'b' },
      { _id: 2, v: 3 },
      { _id: 3 },
      { _id: 4, v: 'a' },
      { _id: 5, v: new Date(1) },
      { _id: 6, v: Long.fromNumber(2) },
      { _id: 7, v: false },
    ]);
    const ascending = [3, 6, 2, 4, 1, 7, 5];
    expect(await ids({}, { v: 1 })).toEqual(ascending);
    expect(await ids({}, { v: -1 })).toEqual([...ascending].reverse());
    await items.createIndex({ v: 1 });
    expect(await ids({}, { v: 1 })).toEqual(ascending);
    expect(await ids({}, { v: -1 })).toEqual([...ascending].reverse());
  });

  test('a compound index serves its prefix, and a sort', async () => {
    await items.insertMany(Array.from({ length: 60 }, (_, i) => ({ _id: i, a: i % 3, b: i % 7, c: i })));
    const query = () =>
      items
        .find({ a: 1, b: { $gte: 2, $lt: 5 } })
        .sort({ b: -1, c: 1 })
        .skip(2)
        .limit(7)
        .toArray();
    const without = await query();
    await items.createIndex({ a: 1, b: -1, c: 1 });
    expect(await query()).toEqual(without);
    expect(without).toHaveLength(7);
  });

  test('cursors go on over batches', async () => {
    await items.insertMany(Array.from({ length: 250 }, (_, i) => ({ _id: i })));
    expect((await items.find().sort({ _id: 1 }).batchSize(7).toArray()).map((doc) => doc._id)).toEqual(
      Array.from({ length: 250 }, (_, i) => i),
    );
    const cursor = items.find().batchSize(2);
    await cursor.next();
    await cursor.close();
    expect(await items.find().sort({ _id: -1 }).skip(240).toArray()).toHaveLength(10);
  });

  test('projections include, exclude, slice and compute', async () => {
    await items.insertOne({
      _id: 1,
      a: { b: 1, c: 2 },
      list: [1, 2, 3],
      sub: [
        { x: 1, y: 1 },
        { x: 2, y: 2 },
      ],
    });
    const project = (projection: Document) => items.findOne({ _id: 1 }, { projection });
    expect(await project({ 'a.b': 1 })).toEqual({ _id: 1, a: { b: 1 } });
    expect(await project({ list: 1, _id: 0 })).toEqual({ list: [1, 2, 3] });
    expect(await project({ a: 0, sub: 0 })).toEqual({ _id: 1, list: [1, 2, 3] });
    expect(await project({ 'sub.x': 1 })).toEqual({ _id: 1, sub: [{ x: 1 }, { x: 2 }] });
    expect(await project({ list: { $slice: -2 }, a: 1 })).toEqual({
      _id: 1,
      a: { b: 1, c: 2 },
      list: [2, 3],
    });
    expect(await project({ sub: { $elemMatch: { x: 2 } } })).toEqual({ _id: 1, sub: [{ x: 2, y: 2 }] });
    expect(await project({ total: { $sum: '$list' } })).toEqual({ _id: 1, total: 6 });
    expect(await items.findOne({ 'sub.x': 2 }, { projection: { 'sub.$': 1 } })).toEqual({
      _id: 1,
      sub: [{ x: 2, y: 2 }],
    });
    expect((await fails(project({ a: 1, list: 0 }))).code).toBe(31254);
  });

  test('counting and distinct values', async () => {
    await items.insertMany([
      { _id: 1, a: [1, 2] },
      { _id: 2, a: 2 },
      { _id: 3, a: 'x' },
    ]);
    expect(await items.countDocuments({ a: 2 })).toBe(2);
    expect(await items.countDocuments({}, { skip: 1, limit: 1 })).toBe(1);
    expect(await items.estimatedDocumentCount()).toBe(3);
    expect((await items.distinct('a')).sort()).toEqual([1, 2, 'x']);
  });
});

describe('updating', () => {
  const cases: [string, Document, Document, Document][] = [
    ['$set and dotted paths', { a: 1 }, { $set: { 'b.c': 2, a: 3 } }, { a: 3, b: { c: 2 } }],
    ['$unset', { a: 1, b: { c: 1, d: 2 } }, { $unset: { a: '', 'b.c': '' } }, { b: { d: 2 } }],
    [
      '$inc and $mul',
      { a: 1, b: 3 },
      { $inc: { a: 2, n: 5 }, $mul: { b: 2, m: 3 } },
      { a: 3, b: 6, n: 5, m: 0 },
    ],
    [
      '$min and $max',
      { a: 5, b: 5 },
      { $min: { a: 3, c: 1 }, $max: { b: 3, d: 2 } },
      { a: 3, b: 5, c: 1, d: 2 },
    ],
    [
      '$push with modifiers',
      { l: [3, 1] },
      { $push: { l: { $each: [2, 5], $sort: 1, $slice: -3 } } },
      { l: [2, 3, 5] },
    ],
    [
      '$push at a position',
      { l: [1, 4] },
      { $push: { l: { $each: [2, 3], $position: 1 } } },
      { l: [1, 2, 3, 4] },
    ],
    [
      '$push of documents, sorted',
      { l: [{ n: 2 }] },
      { $push: { l: { $each: [{ n: 1 }, { n: 3 }], $sort: { n: -1 } } } },
      { l: [{ n: 3 }, { n: 2 }, { n: 1 }] },
    ],
    ['$addToSet', { l: [1] }, { $addToSet: { l: { $each: [1, 2, 2] } } }, { l: [1, 2] }],
    [
      '$pull',
      {
        l: [1, 5, 8],
        d: [
          { x: 1, y: 1 },
          { x: 2, y: 1 },
        ],
      },
      { $pull: { l: { $gte: 5 }, d: { x: 1 } } },
      { l: [1], d: [{ x: 2, y: 1 }] },
    ],
    [
      '$pullAll and $pop',
      { l: [1, 2, 1, 3], m: [1, 2] },
      { $pullAll: { l: [1] }, $pop: { m: -1 } },
      { l: [2, 3], m: [2] },
    ],
    ['$rename', { a: 1, b: { c: 2 } }, { $rename: { a: 'z', 'b.c': 'd' } }, { b: {}, d: 2, z: 1 }],
    ['$bit', { a: 13 }, { $bit: { a: { and: 10 } } }, { a: 8 }],
    [
      'all positions',
      { l: [1, 2], d: [{ x: 1 }, { x: 2 }] },
      { $inc: { 'l.$[]': 1, 'd.$[].x': 1 } },
      { l: [2, 3], d: [{ x: 2 }, { x: 3 }] },
    ],
  ];

  test.each(cases)('%s', async (_name, before, change, after) => {
    await items.insertOne({ _id: 1, ...before });
    await items.updateOne({ _id: 1 }, change);
    expect(await items.findOne({ _id: 1 })).toEqual({ _id: 1, ...after });
  });

  test('the positional operator and array filters', async () => {
    await items.insertOne({
      _id: 1,
      l: [
        { k: 'a', n: 1 },
        { k: 'b', n: 2 },
        { k: 'c', n: 3 },
      ],
    });
    await items.updateOne({ 'l.k': 'b' }, { $set: { 'l.$.n': 20 } });
    await items.updateOne(
      { _id: 1 },
      { $inc: { 'l.$[big].n': 100 } },
      { arrayFilters: [{ 'big.n': { $gte: 3 } }] },
    );
    expect((await items.findOne({ _id: 1 }))?.l).toEqual([
      { k: 'a', n: 1 },
      { k: 'b', n: 120 },
      { k: 'c', n: 103 },
    ]);
  });

  test('counts tell matched from modified', async () => {
    await items.insertMany([
      { _id: 1, a: 1 },
      { _id: 2, a: 1 },
      { _id: 3, a: 2 },
    ]);
    expect(await items.updateMany({}, { $set: { a: 1 } })).toMatchObject({
      matchedCount: 3,
      modifiedCount: 1,
    });
    expect(await items.updateOne({ _id: 9 }, { $set: { a: 1 } })).toMatchObject({
      matchedCount: 0,
      modifiedCount: 0,
    });
  });

  test('an upsert takes the equalities of its filter', async () => {
    const first = await items.updateOne(
      { a: 1, 'b.c': 2, d: { $gt: 5 } },
      { $set: { e: 1 }, $setOnInsert: { f: 1 } },
      { upsert: true },
    );
    expect(first).toMatchObject({ matchedCount: 0, upsertedCount: 1 });
    expect(await items.findOne({ _id: first.upsertedId as ObjectId })).toEqual({
      _id: first.upsertedId,
      a: 1,
      b: { c: 2 },
      e: 1,
      f: 1,
    });
    expect(await items.updateOne({ a: 1 }, { $setOnInsert: { f: 2 } }, { upsert: true })).toMatchObject({
      matchedCount: 1,
      upsertedCount: 0,
    });
    expect(await items.replaceOne({ _id: 7 }, { z: 1 }, { upsert: true })).toMatchObject({ upsertedId: 7 });
  });

  test('what nobody touches keeps its type', async () => {
    await items.insertOne({
      _id: 1,
      long: Long.fromNumber(5),
      double: new Double(5),
      decimal: Decimal128.fromString('5'),
      n: 0,
    });
    await items.updateOne({ _id: 1 }, { $inc: { n: 1 } });
    await items.updateOne({ _id: 1 }, [{ $set: { n: { $add: ['$n', 1] } } }]);
    expect(
      await ids({
        long: { $type: 'long' },
        double: { $type: 'double' },
        decimal: { $type: 'decimal' },
        n: { $type: 'int' },
      }),
    ).toEqual([1]);
  });

  test('an int that overflows becomes a long', async () => {
    await items.insertOne({ _id: 1, n: 2 ** 31 - 1 });
    await items.updateOne({ _id: 1 }, { $inc: { n: 1 } });
    expect(await ids({ n: { $type: 'long', $eq: 2 ** 31 } })).toEqual([1]);
  });

  test('pipelines compute from the document, with one instant of now', async () => {
    await items.insertOne({ _id: 1, hits: [1, 2, 3], n: 4 });
    const after = await items.findOneAndUpdate(
      { _id: 1 },
      [
        { $set: { hits: { $concatArrays: [{ $slice: ['$hits', -2] }, ['$n']] }, at: '$$NOW' } },
        {
          $set: {
            size: { $size: '$hits' },
            last: { $arrayElemAt: ['$hits', -1] },
            big: { $cond: [{ $gt: ['$n', 3] }, 'yes', 'no'] },
            age: { $subtract: ['$$NOW', '$at'] },
          },
        },
        { $unset: 'n' },
      ],
      { returnDocument: 'after', projection: { at: 0 } },
    );
    expect(after).toEqual({ _id: 1, hits: [2, 3, 4], size: 3, last: 4, big: 'yes', age: 0 });
  });

  test('find-and-modify returns what it says', async () => {
    await items.insertMany([
      { _id: 1, n: 1 },
      { _id: 2, n: 2 },
    ]);
    expect(await items.findOneAndUpdate({}, { $inc: { n: 10 } }, { sort: { n: -1 } })).toEqual({
      _id: 2,
      n: 2,
    });
    expect(await items.findOneAndReplace({ _id: 1 }, { m: 1 }, { returnDocument: 'after' })).toEqual({
      _id: 1,
      m: 1,
    });
    expect(await items.findOneAndDelete({ _id: 1 })).toEqual({ _id: 1, m: 1 });
    expect(await items.findOneAndDelete({ _id: 1 })).toBeNull();
    expect(
      await items.findOneAndUpdate({ _id: 5 }, { $set: { n: 1 } }, { upsert: true, returnDocument: 'after' }),
    ).toEqual({ _id: 5, n: 1 });
  });

  test('of many writers that want the same step, one gets it', async () => {
    await items.insertOne({ _id: 1, slot: 0, n: 0 });
    const won = await Promise.all(
      Array.from({ length: 20 }, () => items.updateOne({ _id: 1, slot: 0 }, { $set: { slot: 1 } })),
    );
    expect(won.filter((result) => result.modifiedCount === 1)).toHaveLength(1);
    await Promise.all(Array.from({ length: 30 }, () => items.updateOne({ _id: 1 }, { $inc: { n: 1 } })));
    expect((await items.findOne({ _id: 1 }))?.n).toBe(30);
  });

  test('a bulk write mixes operations', async () => {
    const result = await items.bulkWrite([
      { insertOne: { document: { _id: 1, n: 1 } } },
      { updateOne: { filter: { _id: 2 }, update: { $inc: { n: 5 } }, upsert: true } },
      { updateMany: { filter: {}, update: { $inc: { n: 1 } } } },
      { deleteOne: { filter: { _id: 1 } } },
    ]);
    expect(result).toMatchObject({ insertedCount: 1, upsertedCount: 1, deletedCount: 1, modifiedCount: 2 });
    expect(await items.find().toArray()).toEqual([{ _id: 2, n: 6 }]);
  });

  test('unacknowledged writes are carried out in order', async () => {
    await items.insertOne({ _id: 1, n: 0 }, { writeConcern: { w: 1, journal: false } });
    await items.bulkWrite([{ updateOne: { filter: { _id: 1 }, update: { $inc: { n: 1 } } } }], {
      writeConcern: { w: 1, journal: false },
    });
    expect((await items.findOne({ _id: 1 }))?.n).toBe(1);
  });

  test('what is wrong is refused with its code', async () => {
    await items.insertOne({ _id: 1, a: 1, l: [1], s: 'x' });
    const update = (change: Document) => fails(items.updateOne({ _id: 1 }, change));
    expect((await update({ $set: { _id: 2 } })).code).toBe(66);
    expect((await update({ $nope: { a: 1 } })).code).toBe(9);
    expect((await update({ $set: { a: 1 }, $inc: { a: 1 } })).code).toBe(40);
    expect((await update({ $inc: { s: 1 } })).code).toBe(14);
    expect((await update({ $push: { a: 1 } })).code).toBe(2);
    expect((await update({ $set: { 'a.b': 1 } })).code).toBe(28);
  });
});

describe('indexes', () => {
  test('a unique index refuses, also in a race, and counts missing as null', async () => {
    await items.createIndex({ a: 1 }, { unique: true });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => items.insertOne({ _id: i, a: 'same' })),
    );
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    await items.insertOne({ _id: 'none' });
    expect((await fails(items.insertOne({ _id: 'also none' }))).code).toBe(11000);
    await items.insertOne({ _id: 'other', a: 'other' });
    expect((await fails(items.updateOne({ _id: 'other' }, { $set: { a: 'same' } }))).code).toBe(11000);
    expect(await items.findOne({ _id: 'other' })).toEqual({ _id: 'other', a: 'other' });
  });

  test('a partial unique index holds among the documents that it takes', async () => {
    await items.createIndex(
      { account: 1, slot: 1 },
      { unique: true, partialFilterExpression: { status: 'active' } },
    );
    await items.insertMany([
      { _id: 1, account: 1, slot: 0, status: 'active' },
      { _id: 2, account: 1, slot: 0, status: 'revoked' },
    ]);
    expect((await fails(items.insertOne({ _id: 3, account: 1, slot: 0, status: 'active' }))).code).toBe(
      11000,
    );
    await items.updateOne({ _id: 1 }, { $set: { status: 'revoked' } });
    await items.insertOne({ _id: 3, account: 1, slot: 0, status: 'active' });
    expect((await fails(items.updateOne({ _id: 2 }, { $set: { status: 'active' } }))).code).toBe(11000);
    expect(await ids({ account: 1, slot: 0 })).toEqual([1, 2, 3]);
    expect(await ids({ account: 1, slot: 0, status: 'active' })).toEqual([3]);
  });

  test('a sparse unique index leaves out what has no field', async () => {
    await items.createIndex({ a: 1 }, { unique: true, sparse: true });
    await items.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3, a: 1 }]);
    expect((await fails(items.insertOne({ _id: 4, a: 1 }))).code).toBe(11000);
    expect(await ids({})).toEqual([1, 2, 3]);
    expect(await ids({}, { a: 1, _id: 1 })).toEqual([1, 2, 3]);
  });

  test('an index over arrays finds each element, once', async () => {
    await items.createIndex({ tags: 1 });
    await items.insertMany([
      { _id: 1, tags: ['a', 'b'] },
      { _id: 2, tags: ['b', 'c', 'b'] },
      { _id: 3, tags: 'b' },
    ]);
    expect(await ids({ tags: 'b' })).toEqual([1, 2, 3]);
    expect(await ids({ tags: { $in: ['a', 'b', 'c'] } })).toEqual([1, 2, 3]);
    expect(await ids({ tags: { $gte: 'b' } })).toEqual([1, 2, 3]);
    await items.updateOne({ _id: 2 }, { $pull: { tags: 'b' } } as Document);
    expect(await ids({ tags: 'b' })).toEqual([1, 3]);
  });

  test('values longer than a key are told apart', async () => {
    await items.createIndex({ a: 1 }, { unique: true });
    const long = 'x'.repeat(900);
    await items.insertMany([
      { _id: 1, a: `${long}a` },
      { _id: 2, a: `${long}b` },
    ]);
    expect((await fails(items.insertOne({ _id: 3, a: `${long}a` }))).code).toBe(11000);
    expect(await ids({ a: `${long}b` })).toEqual([2]);
    expect(await ids({ a: { $gt: `${long}a` } })).toEqual([2]);
  });

  test('making an index over duplicates fails, and leaves none', async () => {
    await items.insertMany([
      { _id: 1, a: 1 },
      { _id: 2, a: 1 },
    ]);
    expect((await fails(items.createIndex({ a: 1 }, { unique: true }))).code).toBe(11000);
    expect((await items.indexes()).map((index) => index.name)).toEqual(['_id_']);
  });

  test('indexes are listed, made twice without harm, and dropped', async () => {
    expect(await items.createIndex({ a: 1, b: -1 })).toBe('a_1_b_-1');
    expect(await items.createIndex({ a: 1, b: -1 })).toBe('a_1_b_-1');
    expect((await fails(items.createIndex({ a: 1 }, { name: 'a_1_b_-1' }))).code).toBe(86);
    expect((await items.indexes()).map((index) => index.key)).toEqual([{ _id: 1 }, { a: 1, b: -1 }]);
    await items.dropIndex('a_1_b_-1');
    expect((await fails(items.dropIndex('a_1_b_-1'))).code).toBe(27);
  });
});

describe('aggregation', () => {
  test('matches, groups, sorts and joins', async () => {
    await items.insertMany([
      { _id: 1, k: 'a', n: 1 },
      { _id: 2, k: 'b', n: 2 },
      { _id: 3, k: 'a', n: 3 },
    ]);
    const others = database.collection<Item>(`${items.collectionName}_others`);
    await others.insertMany([{ _id: 'a', title: 'A' }]);
    const grouped = await items
      .aggregate([
        { $match: { n: { $gt: 0 } } },
        { $group: { _id: '$k', total: { $sum: '$n' }, all: { $push: '$n' }, most: { $max: '$n' } } },
        { $sort: { _id: 1 } },
      ])
      .toArray();
    expect(grouped).toEqual([
      { _id: 'a', total: 4, all: [1, 3], most: 3 },
      { _id: 'b', total: 2, all: [2], most: 2 },
    ]);
    const joined = await items
      .aggregate([
        { $sort: { _id: 1 } },
        { $limit: 2 },
        { $lookup: { from: others.collectionName, localField: 'k', foreignField: '_id', as: 'other' } },
        { $project: { titles: '$other.title' } },
      ])
      .toArray();
    expect(joined).toEqual([
      { _id: 1, titles: ['A'] },
      { _id: 2, titles: [] },
    ]);
  });

  test('unwinds, adds, replaces and counts', async () => {
    await items.insertMany([
      { _id: 1, l: [1, 2, 3] },
      { _id: 2, l: [] },
    ]);
    expect(
      await items
        .aggregate([
          { $unwind: '$l' },
          { $set: { twice: { $multiply: ['$l', 2] } } },
          { $sort: { l: -1 } },
          { $skip: 1 },
          { $limit: 1 },
        ])
        .toArray(),
    ).toEqual([{ _id: 1, l: 2, twice: 4 }]);
    expect(await items.aggregate([{ $count: 'n' }]).toArray()).toEqual([{ n: 2 }]);
    expect(
      await items.aggregate([{ $match: { _id: 1 } }, { $replaceWith: { sum: { $sum: '$l' } } }]).toArray(),
    ).toEqual([{ sum: 6 }]);
  });
});

describe('refusals', () => {
  test('unknown commands, operators and stages', async () => {
    expect((await fails(database.command({ noSuchCommand: 1 }))).code).toBe(59);
    expect((await fails(items.find({ a: { $nope: 1 } }).toArray())).code).toBe(2);
    await items.insertOne({ _id: 1 });
    expect((await fails(items.aggregate([{ $nope: {} }]).toArray())).code).toBe(40324);
    expect((await fails(items.find({}, { hint: 'nope' }).toArray())).code).toBe(2);
  });
});

describe('mongoose', () => {
  test('builds its indexes, saves, versions, and reports duplicates', async () => {
    const connection = await mongoose
      .createConnection(uri, { dbName: database.databaseName, retryWrites: false })
      .asPromise();
    try {
      const schema = new mongoose.Schema(
        { email: { type: String, unique: true }, tags: [String], nested: { at: Date } },
        { timestamps: true, optimisticConcurrency: true },
      );
      const Person = connection.model(`Person${counter}`, schema);
      await Person.init();
      const person = await Person.create({ email: 'a@b.test', tags: ['x'], nested: { at: new Date(1) } });
      await expect(Person.create({ email: 'a@b.test' })).rejects.toMatchObject({ code: 11000 });
      person.tags.push('y');
      await person.save();
      expect((await Person.findById(person._id).lean())?.tags).toEqual(['x', 'y']);
      expect(await Person.countDocuments({ tags: 'y' })).toBe(1);
      expect(await Person.exists({ email: 'a@b.test' })).toMatchObject({ _id: person._id });
      await Person.syncIndexes();
      await Person.deleteOne({ _id: person._id });
      expect(await Person.find()).toEqual([]);
    } finally {
      await connection.close();
    }
  });
});
