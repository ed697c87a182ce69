import { setTimeout as sleep } from 'node:timers/promises';
import type { Case, Subject } from './cases.ts';
import { checkServer } from './check.ts';
import { machineCpu, peakMemory, processesCpu, processTree, waitForQuiet } from './cpu.ts';
import { answersOf, failuresOf, type Load, type StreamResult, startLoad } from './load.ts';
import type { Options } from './options.ts';
import type { Server } from './servers.ts';

/** One measurement of one case. */
export type Sample = {
  readonly name: string;
  readonly round: number;
  /** When, in microseconds of the clock that all processes of a machine share. */
  readonly from: number;
  readonly to: number;
  /** Answers of the kind that is measured, per second. */
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** CPU of all the server's processes, and of the database's, in microseconds per answer of any kind. */
  readonly serverCpu: number;
  readonly databaseCpu: number | null;
  /** In cores: of the load generators, and of whatever else ran on the machine. */
  readonly clientCpu: number;
  readonly otherCpu: number;
  /** The peak of the server's largest process, in MB. */
  readonly memory: number;
  readonly databaseMemory: number | null;
  readonly failures: number;
  /** The measured stream first. */
  readonly streams: readonly StreamResult[];
};

const now = (): number => Number(process.hrtime.bigint() / 1_000n);

type Measurement = Omit<Sample, 'name' | 'round'>;

/** Puts a running server under load: all streams warm up, then all are measured at once. */
export const applyLoad = async (
  subject: Subject,
  server: Server,
  { warmup, seconds }: Pick<Options, 'warmup' | 'seconds'>,
): Promise<Measurement> => {
  const loads: Load[] = [];
  try {
    for (const stream of subject.streams) {
      loads.push(await startLoad(`${server.address}${subject.path}`, stream));
    }
    await sleep(warmup * 1_000);
    return await measure(subject, server, loads, seconds);
  } finally {
    for (const load of loads) load.stop();
  }
};

const measure = async (
  { streams }: Subject,
  { pid, databasePid }: Server,
  loads: readonly Load[],
  seconds: number,
): Promise<Measurement> => {
  const databasePids = databasePid === null ? [] : [databasePid];
  const serverPids = processTree(pid).filter((one) => one !== databasePid);
  const clientPids = [process.pid, ...loads.map((load) => load.pid)];
  const readCpu = () => ({
    at: now(),
    server: processesCpu(serverPids),
    database: processesCpu(databasePids),
    client: processesCpu(clientPids),
    machine: machineCpu(),
  });
  const before = readCpu();
  for (const load of loads) load.record();
  await sleep(seconds * 1_000);
  const after = readCpu();
  const results = await Promise.all(loads.map((load) => load.result()));

  const [measured] = results;
  const count = measured?.statuses[streams[0].status];
  if (!measured || count === undefined) {
    throw new Error(`No answer was as it should be: ${JSON.stringify(results)}`);
  }
  /** In cores. */
  const used = (what: 'server' | 'database' | 'client' | 'machine') =>
    ((after[what] - before[what]) * 1e6) / (after.at - before.at);
  // Rates, since the load processes hear a little late when to begin and to end.
  const perSecond = results.reduce((sum, result) => sum + answersOf(result) / result.seconds, 0);
  return {
    from: before.at,
    to: after.at,
    perSecond: count / measured.seconds,
    p50: measured.p50,
    p99: measured.p99,
    serverCpu: (used('server') * 1e6) / perSecond,
    databaseCpu: databasePid === null ? null : (used('database') * 1e6) / perSecond,
    clientCpu: used('client'),
    otherCpu: Math.max(0, used('machine') - used('server') - used('database') - used('client')),
    memory: Math.max(...serverPids.map(peakMemory)),
    databaseMemory: databasePid === null ? null : peakMemory(databasePid),
    failures: results.reduce((sum, result, index) => sum + failuresOf(streams[index], result), 0),
    streams: results,
  };
};

/** A sample on a server that is started for it and checked before. */
export const takeSample = async (
  { name }: Case,
  subject: Subject,
  round: number,
  options: Options,
): Promise<Sample> => {
  await waitForQuiet(options.patienceSeconds);
  const server = await subject.start([]);
  try {
    await checkServer(server.address, subject);
    return { name, round, ...(await applyLoad(subject, server, options)) };
  } finally {
    await server.stop();
  }
};
