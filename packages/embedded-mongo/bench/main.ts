import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { compare } from './compare.ts';
import { startBenchEngine } from './engine.ts';
import { growth } from './growth.ts';
import { syncsPerSecond } from './measure.ts';
import { table } from './table.ts';

const USAGE = `Usage: npm run bench -w @kaana/embedded-mongo -- [--against URI] [--rounds N] [--ms N] [--documents N]

Compares the engine with the server at URI (default: TEST_MONGODB_URI; none: the engine alone), and measures what a
large collection costs it. Prints a table and writes bench/results/results.json.`;

const { values } = parseArgs({
  options: {
    against: { type: 'string' },
    rounds: { type: 'string', default: '9' },
    ms: { type: 'string', default: '800' },
    documents: { type: 'string', default: '1000000' },
    help: { type: 'boolean' },
  },
});

if (values.help) {
  console.log(USAGE);
} else {
  const against = values.against ?? (process.env.TEST_MONGODB_URI || undefined);
  const rounds = Number(values.rounds);
  const milliseconds = Number(values.ms);
  const engine = await startBenchEngine();
  try {
    const syncs = syncsPerSecond(engine.folder, milliseconds);
    const comparisons = await compare(engine.uri, against, rounds, milliseconds);
    const grown = await growth(engine.uri, Number(values.documents), rounds, milliseconds / 2);
    console.log(table(comparisons, grown, syncs));
    const folder = new URL('./results/', import.meta.url);
    mkdirSync(folder, { recursive: true });
    const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version };
    writeFileSync(
      new URL('results.json', folder),
      JSON.stringify({ machine, against, rounds, milliseconds, syncs, comparisons, grown }, undefined, 2),
    );
  } finally {
    await engine.stop();
  }
}
