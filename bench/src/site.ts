import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatePepper, parsePeppers } from '@kaana/api-key/digest';
import { connect } from '@kaana/db';
import { findRunningEngine } from '@kaana/embedded-mongo';
import { createMongodbDatabase, type Engine } from './database.ts';
import { type Environment, run, startServerProcess, temporary } from './process.ts';
import { type Population, seedAccounts, seedKey } from './seed.ts';
import type { Server } from './servers.ts';

const programOf = (name: string) => fileURLToPath(new URL(`../../apps/server/dist/${name}`, import.meta.url));
const SERVER = programOf('main.js');
const COMMAND = programOf('kaana.js');

/** Of the demo data: whose limit is put out of the way, and who has the small one of the standard plan. */
const UNLIMITED_ORGANIZATION = 'Globex';
const LIMITED_EMAIL = 'ada@acme.test';
const NO_LIMIT = '1000000000';

/** A seeded database of the product, on which its servers are started one after the other. */
export type Site = {
  /** Account by account, `KEYS_PER_ACCOUNT` each. */
  readonly tokens: readonly string[];
  /** Of an account with a small limit. */
  readonly limitedToken: string;
  start(nodeOptions: readonly string[], environment: Environment): Promise<Server>;
  dispose(): Promise<void>;
};

export const createSite = async (engine: Engine, population: Population): Promise<Site> => {
  const dataDir = mkdtempSync(join(temporary, 'site-'));
  const database = engine === 'mongodb' ? await createMongodbDatabase() : null;
  const pepper = generatePepper('bench');
  const ours: Environment = {
    DATA_DIR: dataDir,
    KEY_PEPPER: pepper,
    DEMO: '1',
    LOG_LEVEL: 'silent',
    PORT: '0',
    ...(database && { MONGODB_URI: database.uri }),
  };

  const findDatabase = async () => {
    const found = database ?? (await findRunningEngine(dataDir));
    if (!found) throw new Error(`No engine runs on ${dataDir}.`);
    return found;
  };
  const start: Site['start'] = async (nodeOptions, environment) => {
    const server = await startServerProcess(SERVER, { ...ours, ...environment }, nodeOptions);
    return { ...server, databasePid: (await findDatabase()).pid };
  };

  const seed = async () => {
    const { stores, ...connection } = await connect((await findDatabase()).uri);
    const peppers = parsePeppers(pepper);
    const organization = await stores.organizations.findByName(UNLIMITED_ORGANIZATION);
    const limited = await stores.accounts.findByEmail(LIMITED_EMAIL);
    if (!organization || !limited) throw new Error('The server has not made its demo data.');
    const report = (keys: number) => {
      if (keys % 50_000 === 0) console.error(`  ${keys} keys are stored`);
    };
    const tokens = await seedAccounts(connection, peppers, organization.id, population, report);
    const limitedToken = await seedKey(connection, peppers, limited);
    await connection.close();
    return { tokens, limitedToken };
  };

  console.error(`Preparing a database of ${population.storedKeys} keys (${engine})`);
  // A server makes the indexes and the demo data, and runs the engine meanwhile.
  const server = await start([], {});
  const seeded = await seed();
  const limit = ['--plan', 'enterprise', '--requests-per-minute', NO_LIMIT];
  await run(COMMAND, ['organization', 'set', UNLIMITED_ORGANIZATION, ...limit], ours);
  await server.stop();
  return { ...seeded, start, dispose: async () => database?.drop() };
};
