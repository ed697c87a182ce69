import { execFile } from 'node:child_process';
import type { Agent } from 'node:http';
import { promisify } from 'node:util';
import { type Answer, call, failureOf, fresh, keepAlive } from './call.ts';
import type { RunningServer } from './server.ts';

const run = promisify(execFile);

/** The process numbers of a server's workers, in order. */
export const workersOf = async ({ pid }: RunningServer): Promise<number[]> => {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, parent, ...args]) =>
        Number(parent) === pid && args.some((arg) => arg.endsWith('server/dist/main.js')),
    )
    .map(([own]) => Number(own))
    .sort((a, b) => a - b);
};

/** An answer that takes longer counts as none. */
const HANG_MS = 25_000;

export type Failure = {
  readonly code: string;
  /** Whether it was sent on a connection that had been used before. */
  readonly reused: boolean;
  readonly begun: 'before' | 'after';
};

/** Callers that each send one request after the other, on one connection or on a new one each time. */
export type Load = {
  readonly answers: { before: number; after: number };
  /** Answers other than 200. */
  readonly others: Answer[];
  readonly failures: Failure[];
  /** What begins from now on is counted as after. */
  mark(): void;
  /** Resolves when every caller has stopped: after `stop`, or where it was refused a connection. */
  readonly ended: Promise<unknown>;
  stop(): Promise<unknown>;
};

export const startLoad = (
  url: string,
  token: string,
  { keeping, opening }: { readonly keeping: number; readonly opening: number },
): Load => {
  const answers = { before: 0, after: 0 };
  const others: Answer[] = [];
  const failures: Failure[] = [];
  let phase: 'before' | 'after' = 'before';
  let stopped = false;
  const caller = async (agent: Agent) => {
    while (!stopped) {
      const begun = phase;
      try {
        const answer = await call(agent, url, '/api/user', { token, timeoutMs: HANG_MS });
        answers[begun]++;
        if (answer.status !== 200) others.push(answer);
      } catch (error) {
        const failure = failureOf(error);
        failures.push({ ...failure, begun });
        if (failure.code === 'ECONNREFUSED') return;
      }
    }
  };
  const ended = Promise.all([
    ...Array.from({ length: keeping }, () => caller(keepAlive())),
    ...Array.from({ length: opening }, () => caller(fresh)),
  ]);
  return {
    answers,
    others,
    failures,
    mark: () => {
      phase = 'after';
    },
    ended,
    stop: () => {
      stopped = true;
      return ended;
    },
  };
};
