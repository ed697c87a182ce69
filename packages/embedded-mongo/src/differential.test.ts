import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkInvariants, compareServers } from './differential/run.ts';
import { type EmbeddedMongo, startEmbeddedMongo } from './index.ts';

/** Random sequences of commands, on the engine and on a second server, must be answered alike. */

const SECOND_SERVER = process.env.TEST_DIFFERENTIAL_URI || process.env.TEST_MONGODB_URI || undefined;
const RUNS = 200;
/** Each takes that server a quarter of a second; thousands are for the command. */
const SECOND_RUNS = 60;
/** A fixed one, so that a failure here is the change's own; `npm run differential` takes others. */
const SEED = 20_261;

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-'));
let engine: EmbeddedMongo;
let ours: MongoClient;

beforeAll(async () => {
  engine = await startEmbeddedMongo({ dataDir: folder });
  ours = await MongoClient.connect(engine.uri);
});

afterAll(async () => {
  await ours.close();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('indexes change no answer, and agree with the documents', async () => {
  const figures = await checkInvariants(ours, RUNS, SEED);
  expect(figures.commands).toBeGreaterThan(RUNS);
});

test.skipIf(SECOND_SERVER === undefined)(
  'a second server answers alike (needs TEST_DIFFERENTIAL_URI)',
  async () => {
    const theirs = await MongoClient.connect(SECOND_SERVER ?? '');
    try {
      const figures = await compareServers(ours, theirs, SECOND_RUNS, SEED);
      expect(figures.commands).toBeGreaterThan(SECOND_RUNS);
    } finally {
      await theirs.close();
    }
  },
  120_000,
);
