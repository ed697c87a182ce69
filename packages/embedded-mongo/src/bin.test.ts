import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MongoClient } from 'mongodb';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-bin-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(args: string[]) {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const bin = fileURLToPath(new URL('./bin.ts', import.meta.url));
  const { NODE_OPTIONS: _loaders, ...env } = process.env;
  const child = spawn(process.execPath, ['--import', loader, bin, ...args], { env });
  const said = { out: '', error: '' };
  child.stdout.on('data', (text) => {
    said.out += String(text);
  });
  child.stderr.on('data', (text) => {
    said.error += String(text);
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, said, ended };
}

describe('the command line', () => {
  test('shows its usage when it is asked to', async () => {
    const { said, ended } = start(['--help']);
    expect(await ended).toBe(0);
    expect(said.out).toContain('Usage: embedded-mongo --data-dir DIR');
  });

  test.each([
    [[], '--data-dir is missing'],
    [['--data-dir', 'x', '--port', 'http'], "--port must be a number from 0 to 65535, not 'http'"],
    [['--data-dir', 'x', '--port', '70000'], "--port must be a number from 0 to 65535, not '70000'"],
    [['--folder', 'x'], "Unknown option '--folder'"],
  ])('says what is wrong with %j', async (args, message) => {
    const { said, ended } = start(args);
    expect(await ended).toBe(2);
    expect(said.error).toContain(message);
    expect(said.error).toContain('Usage:');
  });

  test('serves until it is told to stop', async () => {
    const { child, said, ended } = start(['--data-dir', folder, '--port', '0']);
    await expect.poll(() => said.out, { timeout: 30_000 }).toMatch(/listening on mongodb:/);
    const client = await MongoClient.connect(/mongodb:\S+/.exec(said.out)?.[0] ?? '');
    await client.db('test').collection('items').insertOne({ a: 1 });
    await client.close();
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});
