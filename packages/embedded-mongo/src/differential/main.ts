import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { startEmbeddedMongo } from '../index.ts';
import { checkInvariants, compareServers } from './run.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1000' }, seed: { type: 'string' } },
});
const runs = Number(values.runs);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const uri = process.env.TEST_DIFFERENTIAL_URI || process.env.TEST_MONGODB_URI || undefined;

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-'));
const engine = await startEmbeddedMongo({ dataDir: folder });
const ours = await MongoClient.connect(engine.uri);
const theirs = uri ? await MongoClient.connect(uri) : undefined;
try {
  if (!theirs)
    console.log('TEST_DIFFERENTIAL_URI names no second server: only what holds on one server is checked.');
  const figures = theirs
    ? await compareServers(ours, theirs, runs, seed)
    : await checkInvariants(ours, runs, seed);
  console.log(`seed ${seed}: ${figures.runs} sequences, ${figures.commands} commands, no unknown difference`);
  for (const [name, times] of [...figures.known].sort(([, a], [, b]) => b - a))
    console.log(`  ${times} x ${name}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error, error instanceof Error ? error.cause : '');
  process.exitCode = 1;
} finally {
  await Promise.all([ours.close(), theirs?.close()]);
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
}
