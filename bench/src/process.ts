import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const children = new Set<ChildProcess>();
const own = <Child extends ChildProcess>(child: Child): Child => {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
};

/** A folder for everything that a run leaves on disk. */
export const temporary = mkdtempSync(join(tmpdir(), 'kaana-bench-'));

// However we end, nothing of ours stays behind.
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

export type Environment = Readonly<Record<string, string>>;

const environmentOf = (environment: Environment): Environment => {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, NODE_ENV: 'production', ...environment };
};

const collectOutput = (child: ChildProcess): (() => string) => {
  let output = '';
  const add = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-10_000);
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  return () => output;
};

const STOP_PATIENCE_MS = 15_000;

export type ServerProcess = { readonly pid: number; readonly address: string; stop(): Promise<void> };

/** Starts a server that says `listening on ADDRESS`, and resolves once it does. */
export const startServerProcess = async (
  entry: string,
  environment: Environment,
  nodeOptions: readonly string[] = [],
): Promise<ServerProcess> => {
  const child = own(
    spawn(process.execPath, [...nodeOptions, entry], {
      env: environmentOf(environment),
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  const output = collectOutput(child);
  const exited = once(child, 'exit');
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      const [, found] = /^listening on (\S+)$/m.exec(output()) ?? [];
      if (found !== undefined) resolve(found);
    });
    void exited.then(() => reject(new Error(`${entry} has ended:\n${output()}`)));
  });
  return {
    pid: child.pid ?? 0,
    address,
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
      await exited;
      clearTimeout(timer);
    },
  };
};

/** Runs a program to its end. */
export const run = async (
  entry: string,
  args: readonly string[],
  environment: Environment,
): Promise<void> => {
  const child = own(spawn(process.execPath, [entry, ...args], { env: environmentOf(environment) }));
  const output = collectOutput(child);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${entry} ${args.join(' ')} has failed:\n${output()}`);
};

/** Starts a program of ours that is told what to do by messages. */
export const startHelper = (entry: string): ChildProcess =>
  own(fork(entry, { execArgv: [], env: environmentOf({}), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
