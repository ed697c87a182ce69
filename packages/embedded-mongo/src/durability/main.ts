import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Figures, killOften } from './harness.ts';

const USAGE = `Usage: npm run kill-harness -w @kaana/embedded-mongo -- [--kills N]

Kills the engine (kill -9) N times, 200 if not said otherwise, at random moments while it is written to, and compares
what is there after each restart with what was acknowledged.`;

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, help: { type: 'boolean' } },
});

function show(figures: Figures): string {
  const times = [...figures.restartMs].sort((a, b) => a - b);
  const at = (part: number): string => `${Math.round(times[Math.floor((times.length - 1) * part)] ?? 0)} ms`;
  const total = Object.values(figures.acknowledged).reduce((sum, one) => sum + one, 0);
  const kinds = Object.entries(figures.acknowledged).map(([kind, count]) => `${count} ${kind}`);
  return [
    '| | |',
    '| --- | --- |',
    `| kills | ${figures.kills} |`,
    `| acknowledged requests | ${total} |`,
    `| of these | ${kinds.join(', ')} |`,
    `| acknowledged without the disk | ${figures.relaxed} |`,
    `| documents with a change under way when the engine died | ${figures.underWay} |`,
    `| collections validated | ${figures.validated} |`,
    `| restart | median ${at(0.5)}, 95% ${at(0.95)}, longest ${at(1)} |`,
    `| lost, torn, or never written | ${figures.problems.length} |`,
  ].join('\n');
}

if (values.help) console.log(USAGE);
else {
  // The engine as it is installed: built. From source its start would be that of a compiler.
  const built = new URL('../../dist/index.js', import.meta.url).href;
  const { startEmbeddedMongo } = (await import(built)) as typeof import('../index.ts');
  const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-kill-'));
  const figures = await killOften(
    () => startEmbeddedMongo({ dataDir: folder }),
    Number(values.kills),
    (done) => {
      if (done % 20 === 0) console.error(`${done} kills`);
    },
  );
  console.log(show(figures));
  for (const problem of figures.problems) console.log(problem);
  if (figures.problems.length > 0) {
    process.exitCode = 1;
    console.log(`the data is kept in ${folder}`);
  } else rmSync(folder, { recursive: true, force: true });
}
