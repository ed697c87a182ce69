import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Collection, type Db, type Document, MongoClient, type ObjectId } from 'mongodb';
import { afterAll, beforeAll, beforeEach, type TestContext } from 'vitest';
import { type EmbeddedMongo, startEmbeddedMongo } from '../index.ts';
import { DEVIATIONS, type Deviation } from './deviations.ts';

export interface Item extends Document {
  _id: string | number | ObjectId;
}

/** The server under test: the embedded engine, or the one that TEST_MONGODB_URI names. */
export class Server {
  uri = '';
  #client: MongoClient | undefined;
  #engine: EmbeddedMongo | undefined;
  #folder: string | undefined;
  #database: Db | undefined;
  #items: Collection<Item> | undefined;
  #counter = 0;
  #deviates = false;

  async start(): Promise<void> {
    const given = process.env.TEST_MONGODB_URI;
    if (given) this.uri = given;
    else {
      this.#folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-'));
      this.#engine = await startEmbeddedMongo({ dataDir: this.#folder });
      this.uri = this.#engine.uri;
    }
    const writeConcern = { w: 'majority', journal: true } as const;
    this.#client = await MongoClient.connect(this.uri, { retryWrites: false, writeConcern });
    this.#database = this.#client.db(`conformance_${randomBytes(6).toString('hex')}`);
    const { modules = [], gitVersion = '' } = await this.#client.db('admin').command({ buildInfo: 1 });
    this.#deviates = /documentdb/i.test(`${modules} ${gitVersion}`);
  }

  async stop(): Promise<void> {
    await this.#database?.dropDatabase();
    await this.#client?.close();
    await this.#engine?.stop();
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A collection of its own for every test. */
  next(): void {
    this.#items = this.database.collection(`items${++this.#counter}`);
  }

  get client(): MongoClient {
    if (!this.#client) throw new Error('the server is not started');
    return this.#client;
  }

  get database(): Db {
    if (!this.#database) throw new Error('the server is not started');
    return this.#database;
  }

  get items(): Collection<Item> {
    if (!this.#items) throw new Error('the server is not started');
    return this.#items;
  }

  get number(): number {
    return this.#counter;
  }

  async ids(filter: Document, sort: Document = { _id: 1 }): Promise<unknown[]> {
    const found = await this.items
      .find(filter)
      .sort(sort as never)
      .toArray();
    return found.map(({ _id }) => _id);
  }

  /** Leaves out a case on a server that is known not to do here what MongoDB's manual says. */
  needs(manual: Deviation, context: Pick<TestContext, 'skip'>): void {
    if (this.#deviates) context.skip(DEVIATIONS[manual]);
  }
}

/** Starts the server before the tests of a file, and stops it after them. */
export function useServer(): Server {
  const server = new Server();
  beforeAll(() => server.start());
  beforeEach(() => server.next());
  afterAll(() => server.stop());
  return server;
}

/** What a refusal says, as far as it matters. */
export async function fails(work: Promise<unknown>): Promise<{ code: unknown }> {
  return work.then(
    () => ({ code: 'did not fail' }),
    (error: { code: unknown }) => ({ code: error.code }),
  );
}
