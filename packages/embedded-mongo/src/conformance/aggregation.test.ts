import { describe, expect, test } from 'vitest';
import { fails, type Item, useServer } from './server.ts';

const server = useServer();

describe('aggregation', () => {
  test('matches, groups, sorts and joins', async () => {
    await server.items.insertMany([
      { _id: 1, k: 'a', n: 1 },
      { _id: 2, k: 'b', n: 2 },
      { _id: 3, k: 'a', n: 3 },
    ]);
    const others = server.database.collection<Item>(`${server.items.collectionName}_others`);
    await others.insertMany([{ _id: 'a', title: 'A' }]);
    const grouped = await server.items
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
    const joined = await server.items
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
    await server.items.insertMany([
      { _id: 1, l: [1, 2, 3] },
      { _id: 2, l: [] },
    ]);
    expect(
      await server.items
        .aggregate([
          { $unwind: '$l' },
          { $set: { twice: { $multiply: ['$l', 2] } } },
          { $sort: { l: -1 } },
          { $skip: 1 },
          { $limit: 1 },
        ])
        .toArray(),
    ).toEqual([{ _id: 1, l: 2, twice: 4 }]);
    expect(await server.items.aggregate([{ $count: 'n' }]).toArray()).toEqual([{ n: 2 }]);
    expect(
      await server.items
        .aggregate([{ $match: { _id: 1 } }, { $replaceWith: { sum: { $sum: '$l' } } }])
        .toArray(),
    ).toEqual([{ sum: 6 }]);
  });
});

describe('refusals', () => {
  test('unknown commands, operators and stages', async () => {
    expect((await fails(server.database.command({ noSuchCommand: 1 }))).code).toBe(59);
    expect((await fails(server.items.find({ a: { $nope: 1 } }).toArray())).code).toBe(2);
    await server.items.insertOne({ _id: 1 });
    expect((await fails(server.items.aggregate([{ $nope: {} }]).toArray())).code).toBe(40324);
    expect((await fails(server.items.find({}, { hint: 'nope' }).toArray())).code).toBe(2);
  });
});
