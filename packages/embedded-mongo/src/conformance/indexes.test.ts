import type { Document } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { fails, useServer } from './server.ts';

const server = useServer();

describe('indexes', () => {
  test('a unique index refuses, also in a race, and counts missing as null', async () => {
    await server.items.createIndex({ a: 1 }, { unique: true });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => server.items.insertOne({ _id: i, a: 'same' })),
    );
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    await server.items.insertOne({ _id: 'none' });
    expect((await fails(server.items.insertOne({ _id: 'also none' }))).code).toBe(11000);
    await server.items.insertOne({ _id: 'other', a: 'other' });
    expect((await fails(server.items.updateOne({ _id: 'other' }, { $set: { a: 'same' } }))).code).toBe(11000);
    expect(await server.items.findOne({ _id: 'other' })).toEqual({ _id: 'other', a: 'other' });
  });

  test('a partial unique index holds among the documents that it takes', async () => {
    await server.items.createIndex(
      { account: 1, slot: 1 },
      { unique: true, partialFilterExpression: { status: 'active' } },
    );
    await server.items.insertMany([
      { _id: 1, account: 1, slot: 0, status: 'active' },
      { _id: 2, account: 1, slot: 0, status: 'revoked' },
    ]);
    expect(
      (await fails(server.items.insertOne({ _id: 3, account: 1, slot: 0, status: 'active' }))).code,
    ).toBe(11000);
    await server.items.updateOne({ _id: 1 }, { $set: { status: 'revoked' } });
    await server.items.insertOne({ _id: 3, account: 1, slot: 0, status: 'active' });
    expect((await fails(server.items.updateOne({ _id: 2 }, { $set: { status: 'active' } }))).code).toBe(
      11000,
    );
    expect(await server.ids({ account: 1, slot: 0 })).toEqual([1, 2, 3]);
    expect(await server.ids({ account: 1, slot: 0, status: 'active' })).toEqual([3]);
  });

  test('a sparse unique index leaves out what has no field', async () => {
    await server.items.createIndex({ a: 1 }, { unique: true, sparse: true });
    await server.items.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3, a: 1 }]);
    expect((await fails(server.items.insertOne({ _id: 4, a: 1 }))).code).toBe(11000);
    expect(await server.ids({})).toEqual([1, 2, 3]);
    expect(await server.ids({}, { a: 1, _id: 1 })).toEqual([1, 2, 3]);
  });

  test('an index over arrays finds each element, once', async () => {
    await server.items.createIndex({ tags: 1 });
    await server.items.insertMany([
      { _id: 1, tags: ['a', 'b'] },
      { _id: 2, tags: ['b', 'c', 'b'] },
      { _id: 3, tags: 'b' },
    ]);
    expect(await server.ids({ tags: 'b' })).toEqual([1, 2, 3]);
    expect(await server.ids({ tags: { $in: ['a', 'b', 'c'] } })).toEqual([1, 2, 3]);
    expect(await server.ids({ tags: { $gte: 'b' } })).toEqual([1, 2, 3]);
    await server.items.updateOne({ _id: 2 }, { $pull: { tags: 'b' } } as Document);
    expect(await server.ids({ tags: 'b' })).toEqual([1, 3]);
  });

  test('values longer than a key are told apart', async () => {
    await server.items.createIndex({ a: 1 }, { unique: true });
    const long = 'x'.repeat(900);
    await server.items.insertMany([
      { _id: 1, a: `${long}a` },
      { _id: 2, a: `${long}b` },
    ]);
    expect((await fails(server.items.insertOne({ _id: 3, a: `${long}a` }))).code).toBe(11000);
    expect(await server.ids({ a: `${long}b` })).toEqual([2]);
    expect(await server.ids({ a: { $gt: `${long}a` } })).toEqual([2]);
  });

  test('making an index over duplicates fails, and leaves none', async () => {
    await server.items.insertMany([
      { _id: 1, a: 1 },
      { _id: 2, a: 1 },
    ]);
    expect((await fails(server.items.createIndex({ a: 1 }, { unique: true }))).code).toBe(11000);
    expect((await server.items.indexes()).map((index) => index.name)).toEqual(['_id_']);
  });

  test('indexes are listed, made twice without harm, and dropped', async () => {
    expect(await server.items.createIndex({ a: 1, b: -1 })).toBe('a_1_b_-1');
    expect(await server.items.createIndex({ a: 1, b: -1 })).toBe('a_1_b_-1');
    expect((await fails(server.items.createIndex({ a: 1 }, { name: 'a_1_b_-1' }))).code).toBe(86);
    expect((await server.items.indexes()).map((index) => index.key)).toEqual([{ _id: 1 }, { a: 1, b: -1 }]);
    await server.items.dropIndex('a_1_b_-1');
    expect((await fails(server.items.dropIndex('a_1_b_-1'))).code).toBe(27);
  });
});
