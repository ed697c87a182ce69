import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, inject } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const MAIN = join(root, 'apps/server/dist/main.js');
export const COMMAND = join(root, 'apps/server/dist/kaana.js');

/** A folder and a database of their own, which several servers may share, one after the other or at once. */
export type Site = AsyncDisposable & {
  readonly dataDir: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Whether the servers run on the embedded engine, and not on a server of TEST_MONGODB_URI. */
  readonly embedded: boolean;
};

declare module 'vitest' {
  interface ProvidedContext {
    mongodbUri: string;
  }
}

const withDatabase = (uri: string, name: string): string => {
  const url = new URL(uri);
  url.pathname = `/${name}`;
  return url.href;
};

export const createSite = async (environment: Record<string, string> = {}): Promise<Site> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'kaana-e2e-'));
  const embedded = !process.env.TEST_MONGODB_URI;
  const name = `kaana_e2e_${randomBytes(6).toString('hex')}`;
  const database: Record<string, string> = embedded
    ? {}
    : { MONGODB_URI: withDatabase(inject('mongodbUri'), name) };
  return {
    dataDir,
    embedded,
    environment: { DATA_DIR: dataDir, HOST: '127.0.0.1', ...database, ...environment },
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }),
  };
};

/** A site whose servers share one database server, as several machines would. */
export const createSharedSite = (): Promise<Site> =>
  createSite({
    MONGODB_URI: withDatabase(inject('mongodbUri'), `kaana_e2e_${randomBytes(6).toString('hex')}`),
  });

export type RunningServer = AsyncDisposable & {
  readonly url: string;
  readonly pid: number;
  /** All that it has printed. */
  output(): string;
  /** Resolves with the exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
  kill(signal?: NodeJS.Signals): Promise<number | string>;
};

/** What a test that failed or ran out of time has left behind. */
const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

const collect = (child: ChildProcess): (() => string) => {
  let text = '';
  const add = (chunk: Buffer) => {
    text += chunk.toString('utf8');
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  return () => text;
};

const environmentOf = (site: Site, extra: Record<string, string>) => {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, ...site.environment, PORT: '0', ...extra };
};

export type StartOptions = {
  /** In a process group of its own, to which signals can be sent: all that it starts is in it. */
  readonly ownGroup?: boolean;
};

/** Starts the built server as `npm start` does, and resolves once it listens. */
export const startServer = async (
  site: Site,
  extra: Record<string, string> = {},
  { ownGroup = false }: StartOptions = {},
): Promise<RunningServer> => {
  const child = spawn(process.execPath, [MAIN], {
    cwd: root,
    env: environmentOf(site, extra),
    detached: ownGroup,
  });
  const output = collect(child);
  running.add(child);
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      resolve(signal ?? code ?? -1);
    });
  });
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const [, address] = /^listening on (\S+)$/m.exec(output()) ?? [];
      if (address) resolve(address);
    };
    child.stdout.on('data', look);
    void exited.then((how) => reject(new Error(`the server ended with ${how}:\n${output()}`)));
  });
  const kill = (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    return exited;
  };
  return {
    url,
    pid: child.pid ?? 0,
    output,
    exited,
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill();
    },
  };
};

/** Runs the built program to its end, for starts that should fail. */
export const runToEnd = async (
  site: Site,
  extra: Record<string, string> = {},
): Promise<{ status: number | null; output: string }> => run([MAIN], environmentOf(site, extra));

/** `npm run kaana -- ...`. */
export const runCommand = (
  site: Site,
  ...args: string[]
): Promise<{ status: number | null; output: string }> => run([COMMAND, ...args], environmentOf(site, {}));

const run = (args: string[], env: Record<string, string>) =>
  new Promise<{ status: number | null; output: string }>((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, env });
    const output = collect(child);
    child.once('close', (status) => resolve({ status, output: output() }));
  });

/** Looks again until `look` gives something; for what happens by itself a moment later. */
export const eventually = async <Found>(
  look: () => Promise<Found | null | undefined | false>,
): Promise<Found> => {
  for (;;) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

export const readText = (path: string): Promise<string> => readFile(path, 'utf8');
