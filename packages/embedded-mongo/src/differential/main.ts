import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { startEmbeddedMongo } from '../index.ts';
import { checkInvariants, compareServers, type Figures } from './run.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    /** How many seeds, one after another, with `runs` sequences each: a difference ends its own seed alone. */
    seeds: { type: 'string', default: '1' },
  },
});
const runs = Number(values.runs);
const first = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => first + index);
const uri = process.env.TEST_DIFFERENTIAL_URI || process.env.TEST_MONGODB_URI || undefined;

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-'));
const engine = await startEmbeddedMongo({ dataDir: folder });
const ours = await MongoClient.connect(engine.uri);
const theirs = uri ? await MongoClient.connect(uri) : undefined;
const total: Figures = { runs: 0, commands: 0, known: new Map() };
try {
  if (!theirs)
    console.log('TEST_DIFFERENTIAL_URI names no second server: only what holds on one server is checked.');
  for (const seed of seeds) {
    try {
      const figures = theirs
        ? await compareServers(ours, theirs, runs, seed)
        : await checkInvariants(ours, runs, seed);
      console.log(
        `seed ${seed}: ${figures.runs} sequences, ${figures.commands} commands, no unknown difference`,
      );
      total.runs += figures.runs;
      total.commands += figures.commands;
      for (const [name, times] of figures.known) total.known.set(name, (total.known.get(name) ?? 0) + times);
    } catch (error) {
      console.error(`seed ${seed}: ${error instanceof Error ? error.message : error}`);
      if (error instanceof Error && error.cause) console.error(error.cause);
      process.exitCode = 1;
    }
  }
  console.log(`${total.runs} sequences, ${total.commands} commands without an unknown difference`);
  for (const [name, times] of [...total.known].sort(([, a], [, b]) => b - a))
    console.log(`  ${times} x ${name}`);
} finally {
  await Promise.all([ours.close(), theirs?.close()]);
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
}
