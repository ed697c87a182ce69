// Everything that must hold, in the order in which it fails fastest: lint and format, types, then all tests.
// Arguments go to vitest, e.g. `npm test -- packages/core`.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => `${root}node_modules/${name}`;
const run = (...args) => {
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', TURBO_PRINT_VERSION_DISABLED: '1' },
  });
  if (status !== 0) process.exit(status ?? 1);
};

run(bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.');
run(bin('turbo/bin/turbo'), 'run', 'typecheck', '--output-logs=errors-only', '--ui=stream');
run(
  bin('vitest/vitest.mjs'),
  'run',
  '--project=unit',
  '--project=e2e',
  '--project=browser',
  ...process.argv.slice(2),
);
