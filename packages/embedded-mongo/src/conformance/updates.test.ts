import { Decimal128, type Document, Double, Long, type ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { fails, useServer } from './server.ts';

const server = useServer();

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
    await server.items.insertOne({ _id: 1, ...before });
    await server.items.updateOne({ _id: 1 }, change);
    expect(await server.items.findOne({ _id: 1 })).toEqual({ _id: 1, ...after });
  });

  test('the positional operator and array filters', async () => {
    await server.items.insertOne({
      _id: 1,
      l: [
        { k: 'a', n: 1 },
        { k: 'b', n: 2 },
        { k: 'c', n: 3 },
      ],
    });
    await server.items.updateOne({ 'l.k': 'b' }, { $set: { 'l.$.n': 20 } });
    await server.items.updateOne(
      { _id: 1 },
      { $inc: { 'l.$[big].n': 100 } },
      { arrayFilters: [{ 'big.n': { $gte: 3 } }] },
    );
    expect((await server.items.findOne({ _id: 1 }))?.l).toEqual([
      { k: 'a', n: 1 },
      { k: 'b', n: 120 },
      { k: 'c', n: 103 },
    ]);
  });

  test('counts tell matched from modified', async () => {
    await server.items.insertMany([
      { _id: 1, a: 1 },
      { _id: 2, a: 1 },
      { _id: 3, a: 2 },
    ]);
    expect(await server.items.updateMany({}, { $set: { a: 1 } })).toMatchObject({
      matchedCount: 3,
      modifiedCount: 1,
    });
    expect(await server.items.updateOne({ _id: 9 }, { $set: { a: 1 } })).toMatchObject({
      matchedCount: 0,
      modifiedCount: 0,
    });
  });

  test('an upsert takes the equalities of its filter', async () => {
    const first = await server.items.updateOne(
      { a: 1, 'b.c': 2, d: { $gt: 5 } },
      { $set: { e: 1 }, $setOnInsert: { f: 1 } },
      { upsert: true },
    );
    expect(first).toMatchObject({ matchedCount: 0, upsertedCount: 1 });
    expect(await server.items.findOne({ _id: first.upsertedId as ObjectId })).toEqual({
      _id: first.upsertedId,
      a: 1,
      b: { c: 2 },
      e: 1,
      f: 1,
    });
    expect(
      await server.items.updateOne({ a: 1 }, { $setOnInsert: { f: 2 } }, { upsert: true }),
    ).toMatchObject({
      matchedCount: 1,
      upsertedCount: 0,
    });
    expect(await server.items.replaceOne({ _id: 7 }, { z: 1 }, { upsert: true })).toMatchObject({
      upsertedId: 7,
    });
  });

  test('what nobody touches keeps its type', async () => {
    await server.items.insertOne({
      _id: 1,
      long: Long.fromNumber(5),
      double: new Double(5),
      decimal: Decimal128.fromString('5'),
      n: 0,
    });
    await server.items.updateOne({ _id: 1 }, { $inc: { n: 1 } });
    await server.items.updateOne({ _id: 1 }, [{ $set: { n: { $add: ['$n', 1] } } }]);
    expect(
      await server.ids({
        long: { $type: 'long' },
        double: { $type: 'double' },
        decimal: { $type: 'decimal' },
        n: { $type: 'int' },
      }),
    ).toEqual([1]);
  });

  test('an int that overflows becomes a long', async () => {
    await server.items.insertOne({ _id: 1, n: 2 ** 31 - 1 });
    await server.items.updateOne({ _id: 1 }, { $inc: { n: 1 } });
    expect(await server.ids({ n: { $type: 'long', $eq: 2 ** 31 } })).toEqual([1]);
  });

  test('pipelines compute from the document, with one instant of now', async () => {
    await server.items.insertOne({ _id: 1, hits: [1, 2, 3], n: 4 });
    const after = await server.items.findOneAndUpdate(
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
    await server.items.insertMany([
      { _id: 1, n: 1 },
      { _id: 2, n: 2 },
    ]);
    expect(await server.items.findOneAndUpdate({}, { $inc: { n: 10 } }, { sort: { n: -1 } })).toEqual({
      _id: 2,
      n: 2,
    });
    expect(await server.items.findOneAndReplace({ _id: 1 }, { m: 1 }, { returnDocument: 'after' })).toEqual({
      _id: 1,
      m: 1,
    });
    expect(await server.items.findOneAndDelete({ _id: 1 })).toEqual({ _id: 1, m: 1 });
    expect(await server.items.findOneAndDelete({ _id: 1 })).toBeNull();
    expect(
      await server.items.findOneAndUpdate(
        { _id: 5 },
        { $set: { n: 1 } },
        { upsert: true, returnDocument: 'after' },
      ),
    ).toEqual({ _id: 5, n: 1 });
  });

  test('of many writers that want the same step, one gets it', async () => {
    await server.items.insertOne({ _id: 1, slot: 0, n: 0 });
    const won = await Promise.all(
      Array.from({ length: 20 }, () => server.items.updateOne({ _id: 1, slot: 0 }, { $set: { slot: 1 } })),
    );
    expect(won.filter((result) => result.modifiedCount === 1)).toHaveLength(1);
    await Promise.all(
      Array.from({ length: 30 }, () => server.items.updateOne({ _id: 1 }, { $inc: { n: 1 } })),
    );
    expect((await server.items.findOne({ _id: 1 }))?.n).toBe(30);
  });

  test('a bulk write mixes operations', async () => {
    const result = await server.items.bulkWrite([
      { insertOne: { document: { _id: 1, n: 1 } } },
      { updateOne: { filter: { _id: 2 }, update: { $inc: { n: 5 } }, upsert: true } },
      { updateMany: { filter: {}, update: { $inc: { n: 1 } } } },
      { deleteOne: { filter: { _id: 1 } } },
    ]);
    expect(result).toMatchObject({ insertedCount: 1, upsertedCount: 1, deletedCount: 1, modifiedCount: 2 });
    expect(await server.items.find().toArray()).toEqual([{ _id: 2, n: 6 }]);
  });

  test('operators compare strings by the collation of the update', async (context) => {
    server.needs('commands', context);
    const collation = { locale: 'en', strength: 2 };
    await server.items.insertOne({
      _id: 1,
      low: 'b',
      high: 'b',
      set: ['A'],
      all: ['A', 'b'],
      one: ['A', 'b'],
      sorted: [],
    });
    await server.items.updateOne(
      { _id: 1 },
      {
        $min: { low: 'C' },
        $max: { high: 'C' },
        $addToSet: { set: 'a' },
        $pullAll: { all: ['a'] },
        $pull: { one: 'a' },
        $push: { sorted: { $each: ['B', 'a'], $sort: 1 } },
      } as Document,
      { collation },
    );
    expect(await server.items.findOne({ _id: 1 })).toEqual({
      _id: 1,
      low: 'b',
      high: 'C',
      set: ['A'],
      all: ['b'],
      one: ['b'],
      sorted: ['a', 'B'],
    });
  });

  test('an array may have more elements than a function takes arguments', async () => {
    const many = Array.from({ length: 200_000 }, (_, n) => n);
    await server.items.insertOne({ _id: 1, list: [-1, -2] });
    await server.items.updateOne({ _id: 1 }, { $push: { list: { $each: many, $position: 1 } } } as Document);
    const { list } = (await server.items.findOne({ _id: 1 })) as unknown as { list: number[] };
    expect([list.length, list[0], list[1], list.at(-2), list.at(-1)]).toEqual([200_002, -1, 0, 199_999, -2]);
  });

  test('unacknowledged writes are carried out in order', async () => {
    await server.items.insertOne({ _id: 1, n: 0 }, { writeConcern: { w: 1, journal: false } });
    await server.items.bulkWrite([{ updateOne: { filter: { _id: 1 }, update: { $inc: { n: 1 } } } }], {
      writeConcern: { w: 1, journal: false },
    });
    expect((await server.items.findOne({ _id: 1 }))?.n).toBe(1);
  });

  test('what is wrong is refused with its code', async () => {
    await server.items.insertOne({ _id: 1, a: 1, l: [1], s: 'x' });
    const update = (change: Document) => fails(server.items.updateOne({ _id: 1 }, change));
    expect((await update({ $set: { _id: 2 } })).code).toBe(66);
    expect((await update({ $nope: { a: 1 } })).code).toBe(9);
    expect((await update({ $set: { a: 1 }, $inc: { a: 1 } })).code).toBe(40);
    expect((await update({ $inc: { s: 1 } })).code).toBe(14);
    expect((await update({ $push: { a: 1 } })).code).toBe(2);
    expect((await update({ $set: { 'a.b': 1 } })).code).toBe(28);
  });
});
