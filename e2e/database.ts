import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type EmbeddedMongo, startEmbeddedMongo } from '../packages/embedded-mongo/src/index.ts';

/** An embedded engine of a test's own, which it may freeze and kill; it comes back on the same port. */
export type OwnDatabase = AsyncDisposable & {
  readonly uri: string;
  freeze(): void;
  thaw(): void;
  /** Ends it without a word. */
  kill(): Promise<void>;
  restart(): Promise<void>;
};

/** What a test that ran out of time has left behind, frozen perhaps. */
const running = new Set<() => Promise<void>>();
afterAll(async () => {
  for (const kill of running) await kill();
});

export const startOwnDatabase = async (): Promise<OwnDatabase> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'kaana-e2e-engine-'));
  let engine: EmbeddedMongo = await startEmbeddedMongo({ dataDir });
  const { uri } = engine;
  const kill = async () => {
    running.delete(kill);
    process.kill(engine.pid, 'SIGKILL');
    await engine.exited;
  };
  running.add(kill);
  return {
    uri,
    freeze: () => {
      process.kill(engine.pid, 'SIGSTOP');
    },
    thaw: () => {
      process.kill(engine.pid, 'SIGCONT');
    },
    kill,
    restart: async () => {
      engine = await startEmbeddedMongo({ dataDir, port: Number(new URL(uri).port) });
      running.add(kill);
    },
    [Symbol.asyncDispose]: async () => {
      // Where a test failed in between it is gone already.
      if (running.has(kill)) await kill();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};
