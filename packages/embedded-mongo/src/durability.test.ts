import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MongoClient } from 'mongodb';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  DataDirInUseError,
  type EmbeddedMongo,
  EmbeddedMongoError,
  findRunningEngine,
  startEmbeddedMongo,
} from './index.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function start(dataDir: string, port = 0): Promise<EmbeddedMongo> {
  const engine = await startEmbeddedMongo({ dataDir, port });
  cleanups.push(() => engine.stop());
  return engine;
}

async function client(uri: string): Promise<MongoClient> {
  const connected = await MongoClient.connect(uri, { serverSelectionTimeoutMS: 5000, retryWrites: false });
  cleanups.push(() => connected.close());
  return connected;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function kill(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await vi.waitUntil(() => !isAlive(pid), { timeout: 10_000 });
}

describe('durability', () => {
  test('an acknowledged write survives a kill -9 of the engine', async () => {
    const dataDir = newFolder();
    const first = await start(dataDir);
    const items = (await client(first.uri)).db('test').collection('items');
    await items.createIndex({ n: 1 }, { unique: true });
    for (let n = 0; n < 20; n++) await items.insertOne({ n });
    await items.updateOne({ n: 3 }, { $set: { changed: true } });
    await items.deleteOne({ n: 4 });
    await kill(first.pid);

    const again = (await client((await start(dataDir)).uri)).db('test').collection('items');
    const found = await again.find().sort({ n: 1 }).toArray();
    expect(found.map((doc) => doc.n)).toEqual(Array.from({ length: 20 }, (_, n) => n).filter((n) => n !== 4));
    expect(found.find((doc) => doc.n === 3)?.changed).toBe(true);
    await expect(again.insertOne({ n: 5 })).rejects.toMatchObject({ code: 11000 });
  });

  test('writers in parallel lose nothing that was acknowledged, and the indexes agree with the documents', async () => {
    const dataDir = newFolder();
    const engine = await start(dataDir);
    const database = (await client(engine.uri)).db('test');
    const items = database.collection<{ _id: string; writer: number; tags: string[] }>('items');
    await items.createIndexes([{ key: { writer: 1 } }, { key: { tags: 1 } }]);
    const acknowledged: string[] = [];
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; ; n++) {
        const _id = `${writer}-${n}`;
        try {
          await items.insertOne({ _id, writer, tags: ['a', _id] });
        } catch {
          return;
        }
        acknowledged.push(_id);
      }
    });
    await vi.waitUntil(() => acknowledged.length >= 200, { timeout: 20_000 });
    await kill(engine.pid);
    await Promise.all(writers);

    const after = (await client((await start(dataDir)).uri)).db('test');
    const stored = await after.collection<{ _id: string }>('items').find().toArray();
    const ids = new Set(stored.map((doc) => doc._id));
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    expect(await after.command({ validate: 'items' })).toMatchObject({ valid: true, errors: [] });
  });

  test('what was written without waiting is there after a clean stop, in order with what waited', async () => {
    const dataDir = newFolder();
    const engine = await start(dataDir);
    const counters = (await client(engine.uri)).db('test').collection<{ _id: string; n: number }>('counters');
    for (let i = 0; i < 50; i++) {
      await counters.updateOne(
        { _id: 'a' },
        { $inc: { n: 1 } },
        { upsert: true, writeConcern: { w: 1, journal: false } },
      );
    }
    expect((await counters.findOne({ _id: 'a' }))?.n).toBe(50);
    await engine.stop();
    const again = (await client((await start(dataDir)).uri))
      .db('test')
      .collection<{ _id: string; n: number }>('counters');
    expect((await again.findOne({ _id: 'a' }))?.n).toBe(50);
  });
});

describe('the process', () => {
  test('a second engine on the same folder is refused, naming the first', async () => {
    const dataDir = newFolder();
    const first = await start(dataDir);
    const second = startEmbeddedMongo({ dataDir });
    await expect(second).rejects.toBeInstanceOf(DataDirInUseError);
    await expect(second).rejects.toThrow(`process ${first.pid}`);
  });

  test('a running engine is found by its folder, a dead one is not', async () => {
    const dataDir = newFolder();
    expect(await findRunningEngine(dataDir)).toBeNull();
    const engine = await start(dataDir);
    expect(await findRunningEngine(dataDir)).toEqual({ uri: engine.uri, pid: engine.pid });
    expect(statSync(join(dataDir, 'engine.json')).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    await kill(engine.pid);
    expect(await findRunningEngine(dataDir)).toBeNull();
  });

  test('a record that names another engine is not believed', async () => {
    const dataDir = newFolder();
    const engine = await start(dataDir);
    const other = newFolder();
    const port = Number(new URL(engine.uri).port);
    writeFileSync(
      join(other, 'engine.json'),
      JSON.stringify({ pid: engine.pid, port, uri: engine.uri, instance: 'another' }),
    );
    expect(await findRunningEngine(other)).toBeNull();
  });

  test('the engine ends with its parent, even by kill -9, and a restart succeeds at once', async () => {
    const dataDir = newFolder();
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const parent = spawn(
      process.execPath,
      ['--import', tsx, fileURLToPath(new URL('./testing/parent.ts', import.meta.url)), dataDir],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    cleanups.push(() => parent.kill('SIGKILL'));
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const { uri, pid } = JSON.parse(line) as { uri: string; pid: number };
    const items = (await client(uri)).db('test').collection<{ _id: number }>('items');
    await items.insertOne({ _id: 1 });
    parent.kill('SIGKILL');
    const again = await start(dataDir);
    await vi.waitUntil(() => !isAlive(pid), { timeout: 10_000 });
    expect(
      await (await client(again.uri)).db('test').collection<{ _id: number }>('items').find().toArray(),
    ).toEqual([{ _id: 1 }]);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s, which the whole process group may have been sent, is left to the parent',
    async (signal) => {
      const engine = await start(newFolder());
      const items = (await client(engine.uri)).db('test').collection('items');
      process.kill(engine.pid, signal);
      for (let n = 0; n < 20; n++) await items.insertOne({ n });
      expect(isAlive(engine.pid)).toBe(true);
      await engine.stop();
      expect(isAlive(engine.pid)).toBe(false);
    },
  );

  test('a port that is taken, and data that is no data, give clear errors', async () => {
    const engine = await start(newFolder());
    const port = Number(new URL(engine.uri).port);
    const taken = startEmbeddedMongo({ dataDir: newFolder(), port });
    await expect(taken).rejects.toBeInstanceOf(EmbeddedMongoError);
    await expect(taken).rejects.toThrow(`port ${port} on 127.0.0.1 is already in use`);
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    await expect(startEmbeddedMongo({ dataDir: join(file, 'data') })).rejects.toBeInstanceOf(
      EmbeddedMongoError,
    );
  });

  test('garbage closes its own connection only', async () => {
    const engine = await start(newFolder());
    const database = (await client(engine.uri)).db('test');
    const port = Number(new URL(engine.uri).port);
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(64, 0xff), Buffer.alloc(16)]) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(bytes);
      await once(socket, 'close');
    }
    expect(await database.command({ ping: 1 })).toMatchObject({ ok: 1 });
  });
});
