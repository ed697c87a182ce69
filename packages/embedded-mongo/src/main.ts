import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from './engine.ts';
import { acquireLock } from './lock.ts';
import { DamagedDataError } from './storage/data-file.ts';

/** The engine's process. Its parent sends options through the environment and hears back over IPC. */

/** What the parent asks for over the same channel. */
export type ParentMessage = { kind: 'stop' };

export type ChildMessage =
  | { kind: 'ready'; port: number; instance: string }
  | { kind: 'in-use' }
  | { kind: 'failed'; message: string };

/** How long to wait for an engine that is going away, e.g. since its parent was killed a moment ago. */
const LOCK_PATIENCE_MS = 3000;
const LOCK_RETRY_MS = 25;
/** How long those who wait for a write that failed have to hear of it, before the process ends. */
const TELL_MS = 250;

function tell(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (!process.send || !process.connected) resolve();
    else process.send(message, undefined, {}, () => resolve());
  });
}

async function lockOrGiveUp(dataDir: string) {
  const deadline = Date.now() + LOCK_PATIENCE_MS;
  for (;;) {
    const lock = await acquireLock(dataDir);
    if (lock || Date.now() > deadline) return lock;
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
  }
}

function explain(error: unknown, dataDir: string, port: number): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC')
    return `the disk of the data folder ${dataDir} is full; the data in it is safe. Make room and start again`;
  if (code === 'EADDRINUSE') return `port ${port} on 127.0.0.1 is already in use`;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return `no permission to use the data folder ${dataDir}: ${message}`;
  if (
    error instanceof DamagedDataError ||
    /MDB_INVALID|MDB_CORRUPTED|MDB_VERSION_MISMATCH|not an LMDB|MDB_PAGE/.test(message)
  ) {
    return `the data in ${dataDir} cannot be read (${message}); restore it from a backup or move the folder away`;
  }
  return message;
}

async function main(): Promise<void> {
  const dataDir = process.env.EMBEDDED_MONGO_DATA_DIR ?? '';
  const port = Number(process.env.EMBEDDED_MONGO_PORT ?? 0);
  let engine: Engine | undefined;
  let stopping = false;
  let failing = false;
  const record = join(dataDir, 'engine.json');

  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await engine?.stop();
    rmSync(record, { force: true });
    process.exit(0);
  };
  const fatal = (error: Error): void => {
    console.error(
      'embedded-mongo: something went wrong that must not, so nothing that follows could be trusted:',
      error,
    );
    process.exit(1);
  };
  const failed = (error: Error): void => {
    console.error(`embedded-mongo: ${error.message}.`);
    stopping = failing = true;
    rmSync(record, { force: true });
    // Those who wait for the disk are told first.
    setTimeout(() => process.exit(4), TELL_MS);
  };
  // The channel closes when the parent ends, however it ends; an engine without its owner must not hold the data.
  process.on('disconnect', () => void stop());
  process.on('message', ({ kind }: ParentMessage) => {
    if (kind === 'stop') void stop();
  });
  // These reach the whole process group, from a service manager, Ctrl+C or a terminal that is closed. The parent has
  // still things to write then, and decides when the engine goes.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!process.connected) void stop();
    });
  }
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', (reason) => {
    // lmdb rejects more promises for a commit that failed than it hands out.
    if (!failing) fatal(reason instanceof Error ? reason : new Error(String(reason)));
  });

  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    chmodSync(dataDir, 0o700);
    const lock = await lockOrGiveUp(dataDir);
    if (!lock) {
      await tell({ kind: 'in-use' });
      process.exit(3);
    }
    engine = await Engine.start({ dataDir, port, onFatal: failed });
    const description = {
      pid: process.pid,
      port: engine.port,
      uri: `mongodb://127.0.0.1:${engine.port}`,
      instance: engine.instance,
    };
    const draft = `${record}.${process.pid}`;
    try {
      writeFileSync(draft, JSON.stringify(description), { mode: 0o600 });
      renameSync(draft, record);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
    await tell({ kind: 'ready', port: engine.port, instance: engine.instance });
    if (process.send && !process.connected) await stop();
  } catch (error) {
    await tell({ kind: 'failed', message: explain(error, dataDir, port) });
    process.exit(2);
  }
}

await main();
