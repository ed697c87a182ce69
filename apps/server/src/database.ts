import { KaanaError } from '@kaana/core';
import { connect, type Database } from '@kaana/db';
import { findRunningEngine, startEmbeddedMongo } from '@kaana/embedded-mongo';
import type { Environment } from './environment.ts';

export type DatabaseServer = { readonly uri: string; stop(): Promise<void> };

const RESTART_DELAY_MS = 200;

/**
 * The embedded engine of a data folder, started again on the same port should it die, so that the connections of every
 * process come back to it by themselves.
 */
const superviseEngine = async (dataDir: string, warn: (message: string) => void): Promise<DatabaseServer> => {
  let engine = await startEmbeddedMongo({ dataDir });
  const { uri } = engine;
  const port = Number(new URL(uri).port);
  let stopping = false;

  const watch = () => {
    void engine.exited.then(async () => {
      while (!stopping) {
        warn('The embedded database has stopped; starting it again.');
        try {
          engine = await startEmbeddedMongo({ dataDir, port });
          watch();
          return;
        } catch (error) {
          warn(`It did not start: ${error instanceof Error ? error.message : String(error)}`);
          await new Promise((resolve) => setTimeout(resolve, RESTART_DELAY_MS));
        }
      }
    });
  };
  watch();
  return {
    uri,
    stop: async () => {
      stopping = true;
      await engine.stop();
    },
  };
};

/** The MongoDB of the environment, or else the embedded engine, started as our child. */
export const openDatabaseServer = async (
  { mongodbUri, dataDir }: Environment,
  warn: (message: string) => void,
): Promise<DatabaseServer> =>
  mongodbUri === undefined ? superviseEngine(dataDir, warn) : { uri: mongodbUri, stop: async () => {} };

/** For a command beside a server that may be running: its engine if there is one, else one of our own. */
export const joinDatabaseServer = async (environment: Environment): Promise<DatabaseServer> => {
  const { mongodbUri, dataDir } = environment;
  const running = mongodbUri === undefined ? await findRunningEngine(dataDir) : { uri: mongodbUri };
  if (running) return { uri: running.uri, stop: async () => {} };
  const engine = await startEmbeddedMongo({ dataDir });
  return { uri: engine.uri, stop: () => engine.stop() };
};

const ATTEMPTS = 15;

/** Connects, waiting for a database that is still starting: about 30 seconds, then the error. */
export const connectPatiently = async (uri: string, warn: (message: string) => void): Promise<Database> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect(uri);
    } catch (error) {
      if (!(error instanceof KaanaError) || attempt === ATTEMPTS) throw error;
      if (attempt === 1) warn('Waiting for the database.');
    }
  }
};
