import { type Peppers, parsePeppers } from '@kaana/api-key/digest';
import type { Stores } from '@kaana/core';
import { connect } from '@kaana/db';
import { joinDatabaseServer } from '../database.ts';
import { readEnvironment } from '../environment.ts';
import { loadPepper } from '../secrets.ts';

/** The stores of the environment's database, for a command beside a server that may be running. */
export const withStores = async <Result>(
  work: (dependencies: { readonly stores: Stores; readonly peppers: Peppers }) => Promise<Result>,
): Promise<Result> => {
  const environment = readEnvironment(process.env);
  const server = await joinDatabaseServer(environment);
  try {
    const database = await connect(server.uri);
    try {
      // Beside an older server, or none, indexes of what is new may be missing.
      await database.prepare();
      const peppers = parsePeppers(environment.keyPepper ?? (await loadPepper(environment.dataDir)));
      return await work({ stores: database.stores, peppers });
    } finally {
      await database.close();
    }
  } finally {
    await server.stop();
  }
};
