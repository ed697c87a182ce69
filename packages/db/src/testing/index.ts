import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { connect, type Database } from '../connect.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the server that the tests run on; each test file takes a database of its own there. */
    mongodbUri: string;
  }
}

export type TestDatabase = Database & AsyncDisposable & { readonly uri: string; readonly name: string };

/** A database of its own on the server that the run tests on, with all indexes; gone when it is disposed of. */
export const openTestDatabase = async (): Promise<TestDatabase> => {
  const uri = inject('mongodbUri');
  const name = `kaana_test_${process.pid}_${randomBytes(6).toString('hex')}`;
  const database = await connect(uri, { databaseName: name, serverSelectionTimeoutMs: 10_000 });
  await database.prepare();
  return {
    ...database,
    uri,
    name,
    [Symbol.asyncDispose]: async () => {
      await database.drop();
      await database.close();
    },
  };
};
