#!/usr/bin/env node
// The command line, as `npx kaana` finds it in a clone: builds it where it was never built, and runs it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = new URL('../apps/server/dist/kaana.js', import.meta.url);
if (!existsSync(program)) {
  const setup = fileURLToPath(new URL('setup.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [setup, '--quiet'], { stdio: ['ignore', 2, 2] });
  // Not 1, by which `scan` says that it has found something.
  if (status !== 0) process.exit(2);
}
await import(program.href);
