import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MongoClient } from 'mongodb';
import { afterAll, describe, expect, test } from 'vitest';
import { startEmbeddedMongo } from './index.ts';
import type { ChildMessage } from './main.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-full-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts an engine whose files cannot grow past so many kilobytes, as on a disk that is full. */
function startLimited(kilobytes: number): ChildProcess {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  // Without the trap the signal of the limit would end the process; a full disk sends none.
  const script = `ulimit -f ${kilobytes}; trap '' XFSZ; exec "$0" --import "$1" "$2"`;
  const { NODE_OPTIONS: _loaders, ...environment } = process.env;
  return spawn('bash', ['-c', script, process.execPath, loader, main], {
    env: { ...environment, EMBEDDED_MONGO_DATA_DIR: folder, EMBEDDED_MONGO_PORT: '0' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

describe.skipIf(process.platform === 'win32')('when there is no room for what is written', () => {
  test('the writer is told, the engine says what to do and ends, and what it acknowledged is there', async () => {
    const child = startLimited(2000);
    let said = '';
    child.stderr?.on('data', (text) => {
      said += String(text);
    });
    const ended = once(child, 'exit');
    const [message] = (await once(child, 'message')) as [ChildMessage];
    if (message.kind !== 'ready') throw new Error(JSON.stringify(message));
    const client = await MongoClient.connect(`mongodb://127.0.0.1:${message.port}`, { retryWrites: false });
    const items = client.db('test').collection<{ _id: number; text: string }>('items');
    await items.createIndex({ text: 1 });
    let acknowledged = 0;
    const refusal = await (async () => {
      for (;;) {
        try {
          await items.insertOne({ _id: acknowledged, text: `${acknowledged}-`.repeat(3000) });
        } catch (error) {
          return error;
        }
        acknowledged++;
      }
    })();
    expect(acknowledged).toBeGreaterThan(0);
    expect(String(refusal)).toMatch(/so the engine stops; every write that was acknowledged/);
    await client.close(true);
    const [code] = (await ended) as [number];
    expect(code).toBe(4);
    expect(said).toMatch(/start again/);

    const again = await startEmbeddedMongo({ dataDir: folder });
    const second = await MongoClient.connect(again.uri);
    const database = second.db('test');
    expect(await database.collection('items').countDocuments()).toBe(acknowledged);
    expect(await database.command({ validate: 'items' })).toMatchObject({ valid: true, errors: [] });
    await database.collection('items').insertOne({ text: 'there is room' });
    await second.close();
    await again.stop();
  });
});
