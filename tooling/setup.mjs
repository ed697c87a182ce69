// Installs what is missing and builds what has changed. Runs before `npm start` and `npm test`; needs Node alone.
//   --all      builds every package, not only what the server needs
//   --browser  also makes sure that there is a Chromium for the browser tests
//   --quiet    says nothing unless something is done
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findBrowser, installBrowser } from './browser.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const say = process.argv.includes('--quiet') ? () => {} : (text) => console.log(text);

const fail = (text) => {
  console.error(text);
  process.exit(1);
};

const run = (command, args, env = {}) => {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  });
  if (error || status !== 0) fail(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
};

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`This needs Node.js 20.19 or newer; you have ${process.versions.node}. See https://nodejs.org`);
}

// What is installed is what the lock file says: its hash is left beside what it led to.
const lock = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex');
const stamp = `${root}node_modules/.kaana-lock`;
const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;
if (!installed) {
  say('Installing dependencies (once; about half a minute)');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, lock);
}

// The tests need everything; the server and the commands beside it, only what they are made of.
const scope = process.argv.includes('--all') ? [] : ['--filter=@kaana/server...', '--filter=@kaana/admin'];
const turbo = `${root}node_modules/turbo/bin/turbo`;
const build = spawnSync(
  process.execPath,
  [turbo, 'run', 'build', ...scope, '--output-logs=new-only', '--ui=stream'],
  { cwd: root, encoding: 'utf8', env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' } },
);
if (build.status !== 0) {
  console.error(`${build.stdout}${build.stderr}`);
  fail('The build failed.');
}
if (!build.stdout.includes('FULL TURBO')) say('Built what has changed');

if (process.argv.includes('--browser') && findBrowser() === null) {
  say('Installing Chromium for the browser tests');
  installBrowser(run, fail);
}
