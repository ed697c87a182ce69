import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startHelper } from './process.ts';

/** Requests of one kind, sent from a process of their own. */
export type Stream = {
  /** Sent in turn, each connection having its share; none, and there is no Authorization header. */
  readonly tokens: readonly string[];
  readonly connections: number;
  /** Sent on time, whatever becomes of those before; `null`: each connection asks again once it has its answer. */
  readonly perSecond: number | null;
  /** The status that is measured. */
  readonly status: number;
  /** Others that are right too; any other answer is a failure. */
  readonly alsoRight: readonly number[];
};

export type StreamResult = {
  /** How often each status came. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Broken connections and timeouts. */
  readonly errors: number;
  readonly seconds: number;
  /** In milliseconds, of the status that is measured. */
  readonly p50: number;
  readonly p99: number;
};

/** What is said to a load process, in this order. */
export type LoadOrder =
  | { readonly kind: 'start'; readonly url: string; readonly stream: Stream }
  | { readonly kind: 'record' }
  | { readonly kind: 'report' };

/** What it says: once it has its first answer, and when it is asked to report. */
export type LoadReport =
  | { readonly kind: 'answered' }
  | { readonly kind: 'result'; readonly result: StreamResult };

export type Load = {
  readonly pid: number;
  /** Counts from now on. */
  record(): void;
  /** What was counted until now. */
  result(): Promise<StreamResult>;
  stop(): void;
};

const ENTRY = fileURLToPath(new URL('./load-process.js', import.meta.url));
const FIRST_ANSWER_MS = 30_000;

/** Resolves with the first answer. It goes on until it is stopped. */
export const startLoad = async (url: string, stream: Stream): Promise<Load> => {
  const child = startHelper(ENTRY);
  const order = (message: LoadOrder) => child.send(message);
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`The load generator has ended with ${code}.`);
  });
  const nextReport = async (): Promise<LoadReport> => {
    const [report] = await Promise.race([once(child, 'message'), exited]);
    return report as LoadReport;
  };
  // Whoever waits is told; between two reports nobody does.
  exited.catch(() => undefined);

  order({ kind: 'start', url, stream });
  const silence = sleep(FIRST_ANSWER_MS, null, { ref: false });
  if ((await Promise.race([nextReport(), silence])) === null) {
    child.kill();
    throw new Error(`${url} has not answered within ${FIRST_ANSWER_MS / 1_000} s.`);
  }
  return {
    pid: child.pid ?? 0,
    record: () => order({ kind: 'record' }),
    result: async () => {
      order({ kind: 'report' });
      const report = await nextReport();
      if (report.kind !== 'result') throw new Error('The load generator has no result.');
      return report.result;
    },
    stop: () => child.kill(),
  };
};

export const answersOf = ({ statuses }: StreamResult): number =>
  Object.values(statuses).reduce((sum, count) => sum + count, 0);

export const failuresOf = (stream: Stream | undefined, { statuses, errors }: StreamResult): number => {
  const right = stream ? [stream.status, ...stream.alsoRight] : [];
  return Object.entries(statuses).reduce(
    (sum, [status, count]) => (right.includes(Number(status)) ? sum : sum + count),
    errors,
  );
};
