import { fileURLToPath } from 'node:url';
import { createEmbeddedDatabase, createMongodbDatabase, type Engine } from './database.ts';
import { type ServerProcess, startServerProcess } from './process.ts';

/** A server to be put under load. */
export type Server = ServerProcess & {
  /** Of its database's process, where there is one that can be seen. */
  readonly databasePid: number | null;
};

const entryOf = (name: string) => fileURLToPath(new URL(`./servers/${name}.js`, import.meta.url));

export type Floor = 'node' | 'fastify' | 'trpc';

export const startFloor = async (floor: Floor, nodeOptions: readonly string[]): Promise<Server> => ({
  ...(await startServerProcess(entryOf(floor), {}, nodeOptions)),
  databasePid: null,
});

const createDatabase = { embedded: createEmbeddedDatabase, mongodb: createMongodbDatabase };

/** better-auth, which accepts the one `token`. */
export const startBetterAuth = async (
  store: 'memory' | Engine,
  token: string,
  nodeOptions: readonly string[],
): Promise<Server> => {
  const database = store === 'memory' ? null : await createDatabase[store]();
  const environment = { API_KEY: token, ...(database && { MONGODB_URI: database.uri }) };
  const server = await startServerProcess(entryOf('better-auth'), environment, nodeOptions);
  return {
    ...server,
    databasePid: database?.pid ?? null,
    stop: async () => {
      await server.stop();
      await database?.drop();
    },
  };
};
