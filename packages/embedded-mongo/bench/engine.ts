import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, ParentMessage } from '../src/main.ts';

export interface BenchEngine {
  uri: string;
  folder: string;
  stop(): Promise<void>;
}

/**
 * Starts the built engine on a new folder. Its garbage collector can be called, so that `serverStatus` tells what
 * it holds and not what it has not yet thrown away.
 */
export async function startBenchEngine(): Promise<BenchEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-bench-'));
  const child = fork(fileURLToPath(new URL('../dist/main.js', import.meta.url)), [], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, EMBEDDED_MONGO_DATA_DIR: folder, EMBEDDED_MONGO_PORT: '0' },
  });
  const [message] = (await once(child, 'message')) as [ChildMessage];
  if (message.kind !== 'ready') throw new Error(`the engine did not start: ${JSON.stringify(message)}`);
  return {
    uri: `mongodb://127.0.0.1:${message.port}`,
    folder,
    async stop() {
      const ended = once(child, 'exit');
      child.send({ kind: 'stop' } satisfies ParentMessage);
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
