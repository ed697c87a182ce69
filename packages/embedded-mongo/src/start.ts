import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ChildMessage, ParentMessage } from './main.ts';

export interface EmbeddedMongoOptions {
  /** Folder of the data; made, with mode 0700, if it is not there. One process at a time may use it. */
  dataDir: string;
  /** TCP port on 127.0.0.1; 0, the default, takes a free one. */
  port?: number;
}

export interface EmbeddedMongo {
  /** `mongodb://127.0.0.1:PORT` */
  uri: string;
  /** The engine's process. */
  pid: number;
  /** Resolves when the engine's process has ended, by `stop` or by itself. */
  exited: Promise<void>;
  /** Brings everything to disk and ends the engine; resolves when its process has ended. */
  stop(): Promise<void>;
}

/** Another living process uses the data folder. */
export class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError';
  readonly dataDir: string;
  /** The other engine's process, where it is known. */
  readonly pid: number | undefined;

  constructor(dataDir: string, pid: number | undefined) {
    super(
      `the data folder ${dataDir} is in use by ${pid === undefined ? 'another process' : `process ${pid}`}; ` +
        'stop that one (or the server that started it), or choose another folder',
    );
    this.dataDir = dataDir;
    this.pid = pid;
  }
}

/** The engine did not start, or ended by itself while it did. */
export class EmbeddedMongoError extends Error {
  override readonly name = 'EmbeddedMongoError';
}

/** How long an engine may take to flush and end before it is killed. Its data is safe either way. */
const STOP_PATIENCE_MS = 10_000;

function spawnEngine(dataDir: string, port: number): ChildProcess {
  const here = fileURLToPath(import.meta.url);
  // From source (a test runner, a TypeScript loader) the child needs a loader too; built, it does not.
  const fromSource = here.endsWith('.ts');
  const entry = fileURLToPath(new URL(fromSource ? './main.ts' : './main.js', import.meta.url));
  const loader = fromSource
    ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href]
    : [];
  const { NODE_OPTIONS: _loaders, ...environment } = process.env;
  return fork(entry, [], {
    execArgv: loader,
    env: { ...environment, EMBEDDED_MONGO_DATA_DIR: dataDir, EMBEDDED_MONGO_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/**
 * Starts an engine on a data folder, as a child process that ends with this one.
 *
 * Rejects with `DataDirInUseError` if another living process has the folder, with `EmbeddedMongoError` if the
 * port is taken, the folder cannot be written, or its data cannot be read.
 */
export async function startEmbeddedMongo(options: EmbeddedMongoOptions): Promise<EmbeddedMongo> {
  const dataDir = resolve(options.dataDir);
  const child = spawnEngine(dataDir, options.port ?? 0);
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const message = await new Promise<ChildMessage>((done) => {
    child.once('message', (received) => done(received as ChildMessage));
    child.once('error', (error) => done({ kind: 'failed', message: error.message }));
    child.once('exit', (code, signal) =>
      done({ kind: 'failed', message: `the engine's process ended with ${signal ?? `code ${code}`}` }),
    );
  });
  if (message.kind !== 'ready') {
    await ended;
    if (message.kind === 'in-use') throw new DataDirInUseError(dataDir, recordedPid(dataDir));
    throw new EmbeddedMongoError(`the embedded database did not start: ${message.message}`);
  }
  // The engine must not keep its parent alive; it ends when the channel closes.
  child.unref();
  child.channel?.unref();
  return {
    uri: `mongodb://127.0.0.1:${message.port}`,
    pid: child.pid ?? 0,
    exited: ended,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      // Where the channel is closed, the engine is on its way out already.
      if (child.connected) child.send({ kind: 'stop' } satisfies ParentMessage, () => {});
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

function recordedPid(dataDir: string): number | undefined {
  try {
    const { pid } = JSON.parse(readFileSync(join(dataDir, 'engine.json'), 'utf8')) as { pid?: unknown };
    return typeof pid === 'number' ? pid : undefined;
  } catch {
    return undefined;
  }
}
