import { randomBytes } from 'node:crypto';
import { type Binary, type Document, Long, ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { fails, useServer } from './server.ts';

const server = useServer();

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
    await server.items.insertOne(doc);
    const found = await server.items.findOne({ _id: 1 });
    const data = found?.data as Binary | undefined;
    expect({ ...found, data: data && Buffer.from(data.value()) }).toEqual(doc);
  });

  test('a driver-made _id is found again', async () => {
    const { insertedId } = await server.items.insertOne({ a: 1 } as never);
    expect(await server.items.findOne({ _id: insertedId })).toMatchObject({ a: 1 });
  });

  test('a duplicate _id is refused with its key', async () => {
    await server.items.insertOne({ _id: 1 });
    await expect(server.items.insertOne({ _id: 1 })).rejects.toMatchObject({
      code: 11000,
      keyPattern: { _id: 1 },
      keyValue: { _id: 1 },
    });
  });

  test('a document may be nested 180 levels deep, however it comes about', async (context) => {
    server.needs('arguments', context);
    const nested = (levels: number): Document => {
      let doc: Document = { x: 1 };
      for (let level = 1; level < levels; level++) doc = level % 2 ? { a: doc } : { a: [doc.a ?? doc] };
      return doc;
    };
    const empty = (levels: number): Document => {
      let doc: Document = {};
      for (let level = 1; level < levels; level++) doc = { a: doc };
      return doc;
    };
    await server.items.insertOne({ _id: 1, v: empty(180) });
    await server.items.insertOne({ _id: 2, v: nested(100) });
    expect(await fails(server.items.insertOne({ _id: 3, v: empty(181) }))).toMatchObject({ code: 15 });
    expect(await fails(server.items.insertOne({ _id: 4, v: nested(2000) }))).toMatchObject({ code: 15 });
    expect(await fails(server.items.updateOne({ _id: 2 }, { $set: { v: empty(181) } }))).toMatchObject({
      code: 15,
    });
    expect(await server.items.countDocuments()).toBe(2);
    expect(await server.items.findOne({ _id: 1 })).toEqual({ _id: 1, v: empty(180) });
  });

  test('an ordered batch stops at its first error, an unordered one goes on', async () => {
    const batch = [{ _id: 1 }, { _id: 1 }, { _id: 2 }];
    await expect(server.items.insertMany(batch)).rejects.toMatchObject({
      code: 11000,
      result: { insertedCount: 1 },
    });
    expect(await server.ids({})).toEqual([1]);
    await expect(server.items.insertMany(batch, { ordered: false })).rejects.toMatchObject({ code: 11000 });
    expect(await server.ids({})).toEqual([1, 2]);
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
    await server.items.insertMany(values);
    expect(await server.ids(filter)).toEqual(expected);
    await server.items.createIndex({ v: 1 });
    expect(await server.ids(filter)).toEqual(expected);
  });

  test('sorting puts the types in order, in both directions, with and without an index', async () => {
    await server.items.insertMany([
      { _id: 1, v: 'b' },
      { _id: 2, v: 3 },
      { _id: 3 },
      { _id: 4, v: 'a' },
      { _id: 5, v: new Date(1) },
      { _id: 6, v: Long.fromNumber(2) },
      { _id: 7, v: false },
    ]);
    const ascending = [3, 6, 2, 4, 1, 7, 5];
    expect(await server.ids({}, { v: 1 })).toEqual(ascending);
    expect(await server.ids({}, { v: -1 })).toEqual([...ascending].reverse());
    await server.items.createIndex({ v: 1 });
    expect(await server.ids({}, { v: 1 })).toEqual(ascending);
    expect(await server.ids({}, { v: -1 })).toEqual([...ascending].reverse());
  });

  test('a compound index serves its prefix, and a sort', async () => {
    await server.items.insertMany(
      Array.from({ length: 60 }, (_, i) => ({ _id: i, a: i % 3, b: i % 7, c: i })),
    );
    const query = () =>
      server.items
        .find({ a: 1, b: { $gte: 2, $lt: 5 } })
        .sort({ b: -1, c: 1 })
        .skip(2)
        .limit(7)
        .toArray();
    const without = await query();
    await server.items.createIndex({ a: 1, b: -1, c: 1 });
    expect(await query()).toEqual(without);
    expect(without).toHaveLength(7);
  });

  test('cursors go on over batches', async () => {
    await server.items.insertMany(Array.from({ length: 250 }, (_, i) => ({ _id: i })));
    expect((await server.items.find().sort({ _id: 1 }).batchSize(7).toArray()).map((doc) => doc._id)).toEqual(
      Array.from({ length: 250 }, (_, i) => i),
    );
    const cursor = server.items.find().batchSize(2);
    await cursor.next();
    await cursor.close();
    expect(await server.items.find().sort({ _id: -1 }).skip(240).toArray()).toHaveLength(10);
  });

  test('projections include, exclude, slice and compute', async () => {
    await server.items.insertOne({
      _id: 1,
      a: { b: 1, c: 2 },
      list: [1, 2, 3],
      sub: [
        { x: 1, y: 1 },
        { x: 2, y: 2 },
      ],
    });
    const project = (projection: Document) => server.items.findOne({ _id: 1 }, { projection });
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
    expect(await server.items.findOne({ 'sub.x': 2 }, { projection: { 'sub.$': 1 } })).toEqual({
      _id: 1,
      sub: [{ x: 2, y: 2 }],
    });
    expect((await fails(project({ a: 1, list: 0 }))).code).toBe(31254);
  });

  test('counting and distinct values', async () => {
    await server.items.insertMany([
      { _id: 1, a: [1, 2] },
      { _id: 2, a: 2 },
      { _id: 3, a: 'x' },
    ]);
    expect(await server.items.countDocuments({ a: 2 })).toBe(2);
    expect(await server.items.countDocuments({}, { skip: 1, limit: 1 })).toBe(1);
    expect(await server.items.estimatedDocumentCount()).toBe(3);
    expect((await server.items.distinct('a')).sort()).toEqual([1, 2, 'x']);
  });
});
