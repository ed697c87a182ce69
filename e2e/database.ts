import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

export const startOwnDatabase = async (): Promise<OwnDatabase> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'kaana-e2e-engine-'));
  let engine: EmbeddedMongo = await startEmbeddedMongo({ dataDir });
  const { uri } = engine;
  const kill = async () => {
    process.kill(engine.pid, 'SIGKILL');
    await engine.exited;
  };
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
    },
    [Symbol.asyncDispose]: async () => {
      // Frozen or not; where a test failed in between it may be gone already.
      await kill().catch(() => undefined);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};
