#!/usr/bin/env node
// The command line, as `npx kaana` finds it in a clone: builds what is missing, once, and runs it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const setup = fileURLToPath(new URL('setup.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [setup, '--quiet'], { stdio: ['ignore', 2, 2] });
// Not 1, by which `scan` says that it has found something.
if (status !== 0) process.exit(2);
await import(new URL('../apps/server/dist/kaana.js', import.meta.url).href);
