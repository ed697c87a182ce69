import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEmbeddedMongo } from '@kaana/embedded-mongo';
import { MongoClient } from 'mongodb';
import { temporary } from './process.ts';

/** Where data is: in the product's embedded engine, or in the MongoDB of TEST_MONGODB_URI. */
export type Engine = 'embedded' | 'mongodb';
export const ENGINES: readonly Engine[] = process.env.TEST_MONGODB_URI
  ? ['embedded', 'mongodb']
  : ['embedded'];

const newDatabaseOn = (server: string): string => {
  const url = new URL(server);
  url.pathname = `/kaana_bench_${randomBytes(6).toString('hex')}`;
  return url.href;
};

const withClient = async <Result>(uri: string, use: (client: MongoClient) => Promise<Result>) => {
  const client = await MongoClient.connect(uri);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
};

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** The process of a mongod on this machine; `null` for one elsewhere, and for whatever else speaks its protocol. */
const mongodPid = async (uri: string): Promise<number | null> => {
  if (!LOOPBACK.has(new URL(uri).hostname)) return null;
  const status = await withClient(uri, (client) => client.db('admin').command({ serverStatus: 1 }));
  const pid = Number(status.pid);
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'mongod' ? pid : null;
  } catch {
    return null;
  }
};

export type Database = {
  readonly uri: string;
  /** Of the process that holds it, where it can be seen. */
  readonly pid: number | null;
  /** It is gone afterwards. */
  drop(): Promise<void>;
};

/** A new database on the MongoDB of TEST_MONGODB_URI. */
export const createMongodbDatabase = async (): Promise<Database> => {
  const uri = newDatabaseOn(process.env.TEST_MONGODB_URI ?? '');
  const drop = () => withClient(uri, async (client) => void (await client.db().dropDatabase()));
  return { uri, pid: await mongodPid(uri), drop };
};

/** A new database on an embedded engine of its own. */
export const createEmbeddedDatabase = async (): Promise<Database> => {
  const engine = await startEmbeddedMongo({ dataDir: mkdtempSync(join(temporary, 'engine-')) });
  return { uri: newDatabaseOn(engine.uri), pid: engine.pid, drop: () => engine.stop() };
};
