import mongoose from 'mongoose';
import { describe, expect, test } from 'vitest';
import { useServer } from './server.ts';

const server = useServer();

describe('mongoose', () => {
  test('builds its indexes, saves, versions, and reports duplicates', async () => {
    const connection = await mongoose
      .createConnection(server.uri, { dbName: server.database.databaseName, retryWrites: false })
      .asPromise();
    try {
      const schema = new mongoose.Schema(
        { email: { type: String, unique: true }, tags: [String], nested: { at: Date } },
        { timestamps: true, optimisticConcurrency: true },
      );
      const Person = connection.model(`Person${server.number}`, schema);
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
