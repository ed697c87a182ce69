import {
  BSONRegExp,
  BSONSymbol,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
} from 'mongodb';
import { describe, expect, test } from 'vitest';
import { fails, useServer } from './server.ts';

const server = useServer();

describe('filters', () => {
  const documents = [
    { _id: 1, a: 5 },
    { _id: 2, a: [1, 5, 9] },
    { _id: 3, a: 'abc' },
    { _id: 4 },
    { _id: 5, a: null },
    { _id: 6, a: Decimal128.fromString('5.0') },
    { _id: 7, a: Long.fromString('9007199254740993') },
    { _id: 8, a: [] },
    { _id: 9, a: [[1]] },
    { _id: 10, a: { b: [{ c: 1 }, { c: [2, 3] }] } },
    { _id: 11, a: 'x\n' },
  ];

  test.each<[Document, unknown[]]>([
    [{ a: { $lt: Decimal128.fromString('5.00000001') } }, [1, 2, 6]],
    [{ a: { $gt: new Double(9007199254740992) } }, [7]],
    [{ a: Decimal128.fromString('9007199254740993') }, [7]],
    [{ a: { $mod: [new Double(2.9), 1] } }, [1, 2, 6, 7]],
    [{ a: { $bitsAllSet: [0, 2] } }, [1, 2, 6]],
    [{ a: { $bitsAnyClear: 2 } }, [1, 2, 6, 7]],
    [{ a: { $size: 1 } }, [9]],
    [{ a: { $type: ['string', 'array'] } }, [2, 3, 8, 9, 11]],
    [{ a: { $elemMatch: { $elemMatch: { $eq: 1 } } } }, [9]],
    [{ a: { $all: [[1]] } }, [9]],
    [{ a: { $in: [new BSONRegExp('^a'), 5] } }, [1, 2, 3, 6]],
    [{ a: { $not: new BSONRegExp('^a') } }, [1, 2, 4, 5, 6, 7, 8, 9, 10, 11]],
    [{ 'a.b.c': 3 }, [10]],
    [{ 'a.b.1.c': 2 }, [10]],
    [{ a: { $gt: new MinKey() } }, [1, 2, 3, 5, 6, 7, 8, 9, 10, 11]],
    [{ a: { $regex: 'x$' } }, [11]],
    [{ a: { $regex: '\\Ax\\z' } }, []],
    [{ a: { $regex: '[[:alpha:]]b c', $options: 'x' } }, [3]],
    [{ $sampleRate: 1 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  ])('%j', async (filter, expected) => {
    await server.items.insertMany(documents);
    expect(await server.ids(filter)).toEqual(expected);
    await server.items.createIndex({ a: 1 });
    expect(await server.ids(filter)).toEqual(expected);
  });

  test('a path that ends in an array element means the element', async (context) => {
    server.needs('nestedArrays', context);
    await server.items.insertMany(documents);
    expect(await server.ids({ 'a.0': 1 })).toEqual([2]);
    expect(await server.ids({ 'a.0': [1] })).toEqual([9]);
  });

  test('symbols are found as strings, and bits beyond all others are those of the sign', async (context) => {
    server.needs('arguments', context);
    await server.items.insertMany([
      { _id: 1, a: new BSONSymbol('abc') },
      { _id: 2, a: -1 },
      { _id: 3, a: 1 },
    ]);
    expect(await server.ids({ a: { $in: ['abc', 'x'] } })).toEqual([1]);
    expect(await server.ids({ a: { $in: ['abc', 5] } })).toEqual([1]);
    expect(await server.ids({ a: { $bitsAllSet: [0, 2_147_483_647] } })).toEqual([2]);
    expect(await server.ids({ a: { $bitsAllClear: [2_147_483_647] } })).toEqual([3]);
  });

  test('$eq with a regular expression finds the expression', async (context) => {
    server.needs('regexValues', context);
    await server.items.insertMany([...documents, { _id: 12, a: new BSONRegExp('^a') }]);
    expect(await server.ids({ a: { $eq: new BSONRegExp('^a') } })).toEqual([12]);
  });

  test.each<[Document, number]>([
    [{ a: { $not: 5 } }, 2],
    [{ a: { $not: {} } }, 2],
    [{ a: { $not: { b: 1 } } }, 2],
    [{ a: { $all: [5, { $gt: 1 }] } }, 2],
    [{ a: { $size: -1 } }, 2],
    [{ a: { $type: 'foo' } }, 2],
    [{ a: { $mod: [2] } }, 2],
    [{ a: { $mod: [0, 1] } }, 2],
    [{ a: { $bitsAllSet: -1 } }, 9],
    [{ a: { $bitsAllSet: [-1] } }, 2],
    [{ a: { $elemMatch: 5 } }, 2],
    [{ a: { $in: [{ $gt: 1 }] } }, 2],
    [{ a: { $gt: new BSONRegExp('a') } }, 2],
    [{ a: { $ne: new BSONRegExp('a') } }, 2],
    [{ $and: [] }, 2],
    [{ $or: [5] }, 2],
    [{ a: { $gt: 1, b: 2 } }, 2],
    [{ $sampleRate: 2 }, 2],
  ])('%j: %i', async (filter, code) => {
    await server.items.insertOne({ _id: 1 });
    expect(await fails(server.items.find(filter).toArray())).toEqual({ code });
  });
});

describe('sorts', () => {
  test('put every type in its place', async () => {
    await server.items.insertMany([
      { _id: 1, v: new MaxKey() },
      { _id: 2, v: new BSONRegExp('a') },
      { _id: 3, v: new Date(0) },
      { _id: 4, v: true },
      { _id: 5, v: { a: 1 } },
      { _id: 6, v: 'a' },
      { _id: 7, v: Decimal128.fromString('0.1') },
      { _id: 8, v: new Double(0.1) },
      { _id: 9, v: null },
      { _id: 10, v: new MinKey() },
      { _id: 11, v: Decimal128.fromString('1E+400') },
      { _id: 12, v: new Double(Number.POSITIVE_INFINITY) },
    ]);
    const order = [10, 9, 7, 8, 11, 12, 6, 5, 4, 3, 2, 1];
    expect(await server.ids({}, { v: 1 })).toEqual(order);
    await server.items.createIndex({ v: -1 });
    expect(await server.ids({}, { v: 1 })).toEqual(order);
    expect(await server.ids({ v: { $gt: Decimal128.fromString('0.1') } }, { v: 1 })).toEqual([8, 11, 12]);
  });

  test('take the fields of one array together, and refuse two arrays', async (context) => {
    server.needs('arraySort', context);
    await server.items.insertMany([
      {
        _id: 1,
        a: [
          { b: 1, c: 5 },
          { b: 5, c: 1 },
        ],
        d: [1],
      },
      { _id: 2, a: [{ b: 1, c: 4 }] },
    ]);
    expect(await server.ids({}, { 'a.b': 1, 'a.c': 1 })).toEqual([2, 1]);
    expect(await fails(server.ids({}, { 'a.b': 1, d: 1 }))).toEqual({ code: 2 });
  });
});

describe('projections', () => {
  const project = (projection: Document, filter: Document = {}) =>
    server.items.find(filter, { projection }).toArray();

  test.each<[Document, number]>([
    [{ a: 1, b: 0 }, 31254],
    [{ a: 1, 'a.b': 1 }, 31249],
    [{ 'a.b': 1, a: 1 }, 31250],
    [{ $a: 1 }, 16410],
  ])('%j: %i', async (projection, code) => {
    await server.items.insertOne({ _id: 1, a: 1, l: [1, 2] });
    expect(await fails(project(projection))).toEqual({ code });
  });

  test.for<[Document, number]>([
    [{ a: 0, b: 1 }, 31253],
    [{ 'l.$': 1, 'm.$': 1 }, 31276],
    [{ 'l.$': 0 }, 31395],
    [{ 'l.$.x': 1 }, 31394],
    [{ l: { $elemMatch: 5 } }, 31274],
    [{ 'a.l': { $elemMatch: { x: 1 } } }, 31275],
    [{ b: {} }, 51270],
    [{ '': 1 }, 40352],
    [{ 'a.': 1 }, 40353],
    [{ b: { $foo: 1 } }, 31325],
    [{ 'l.$': 1 }, 51246],
  ])('%j: %i', async ([projection, code], context) => {
    server.needs('codes', context);
    await server.items.insertOne({ _id: 1, a: 1, l: [1, 2] });
    expect(await fails(project(projection))).toEqual({ code });
  });

  test('a slice alone leaves the other fields', async () => {
    await server.items.insertOne({ _id: 1, a: 1, l: [1, 2, 3], s: [{ x: 1 }, { x: 2 }] });
    expect(await project({ l: { $slice: [1, 1] } })).toEqual([
      { _id: 1, a: 1, l: [2], s: [{ x: 1 }, { x: 2 }] },
    ]);
    expect(await project({ s: { $elemMatch: { x: 2 } } })).toEqual([{ _id: 1, s: [{ x: 2 }] }]);
  });
});

describe('updates', () => {
  test.each<[Document, number]>([
    [{ $set: { '': 1 } }, 56],
    [{ $set: 5 }, 9],
    [{ $set: { z: 1 }, b: 1 }, 9],
    [{ $set: { 'l.$[e]': 1 } }, 2],
    [{ $set: { '$[].a': 1 } }, 2],
    [{ $rename: { z: 'y.$[]' } }, 2],
    [{ $unset: { _id: 1 } }, 66],
  ])('%j: %i', async (update, code) => {
    await server.items.insertOne({ _id: 1, l: [1] });
    expect(await fails(server.items.updateOne({ _id: 1 }, update))).toEqual({ code });
  });

  test.for<[Document, number]>([
    [{ $inc: { z: 'a' } }, 14],
    [{ $pullAll: { z: 1 } }, 2],
    [{ $pop: { z: 2 } }, 9],
    [{ $bit: { z: { foo: 1 } } }, 2],
    [{ $currentDate: { z: 5 } }, 2],
    [{ $push: { z: { $each: 5 } } }, 2],
    [{ $push: { z: { $each: [1], $slice: 'a' } } }, 2],
    [{ $addToSet: { z: { $each: 5 } } }, 14],
    [{ $rename: { z: 'z' } }, 2],
    [{ $set: { $a: 1 } }, 52],
  ])('%j: %i, whether or not a document matches', async ([update, code], context) => {
    server.needs('parsing', context);
    expect(await fails(server.items.updateOne({ _id: 9 }, update))).toEqual({ code });
  });

  test('$pull looks into elements that are arrays', async () => {
    await server.items.insertOne({ _id: 1, l: [[1], [-1], 0, 2] });
    await server.items.updateOne({ _id: 1 }, { $pull: { l: { $gte: 1 } } } as Document);
    expect(await server.items.findOne({ _id: 1 })).toEqual({ _id: 1, l: [[-1], 0] });
  });

  test('array filters must have names, and be used', async () => {
    await server.items.insertOne({ _id: 1, l: [1] });
    const filtered = (arrayFilters: Document[]) =>
      fails(server.items.updateOne({}, { $set: { 'l.$[e]': 1 } }, { arrayFilters }));
    expect(await filtered([{ e: 1 }, { e: 2 }])).toEqual({ code: 9 });
    expect(await filtered([{ e: 1 }, { f: 2 }])).toEqual({ code: 9 });
    expect(await filtered([{}])).toEqual({ code: 9 });
  });

  test('an upsert takes what the filter says outright', async () => {
    await server.items.updateOne(
      { _id: 1, x: { $eq: 5 }, y: { $in: [3] }, z: { $all: [1] }, w: { $gt: 1 }, $and: [{ v: 2 }] },
      { $set: { k: new Int32(1) } },
      { upsert: true },
    );
    expect(await server.items.findOne({ _id: 1 })).toEqual({ _id: 1, x: 5, y: 3, z: 1, v: 2, k: 1 });
  });
});
