import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';

const RESPAWN_DELAY_MS = 1_000;

/** libuv: leave the others a chance between two connections, or the first to wake up takes all that wait. */
const FAIR_ACCEPT = { UV_TCP_SINGLE_ACCEPT: '1' };

/** How a worker is told to stop: not by a signal, since one that was sent to the whole process group came already. */
export const STOP = 'stop';

export type Cluster = {
  /** Resolves with the port once all workers listen; rejects where one does not come so far. */
  readonly listening: Promise<number>;
  /** Replaces the workers one after another; each listens before its predecessor stops, so that nobody is refused. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** Those that have come so far that they have something to finish. */
const serving = new WeakSet<Worker>();

const stopWorker = async (worker: Worker): Promise<void> => {
  if (worker.isDead()) return;
  const gone = once(worker, 'exit');
  // One whose channel is closed has been told by that.
  if (serving.has(worker)) worker.send(STOP, () => undefined);
  else worker.process.kill('SIGTERM');
  await gone;
};

/** Listening, or gone before it came to that. */
const outcomeOf = (worker: Worker): Promise<'listening' | 'gone'> =>
  Promise.race([
    once(worker, 'listening').then(() => 'listening' as const),
    once(worker, 'exit').then(() => 'gone' as const),
  ]);

/** Forks the workers, which share the port, and replaces one that dies. */
export const runCluster = (
  count: number,
  environment: Readonly<Record<string, string>>,
  warn: (message: string) => void,
): Cluster => {
  // The workers accept from one listening socket. Node's other way, where the first process accepts and hands on, leaves a
  // connection open and unanswered for ever when the worker that it was on its way to is killed.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  let stopping = false;
  let started = false;
  let restarting: Promise<void> = Promise.resolve();
  const current = new Set<Worker>();

  const fork = (): Worker => {
    const worker = cluster.fork({ ...environment, ...FAIR_ACCEPT });
    current.add(worker);
    worker.once('listening', () => serving.add(worker));
    worker.once('exit', (code, signal) => {
      // Those that were replaced are not current any more.
      if (!current.delete(worker) || stopping || !started) return;
      warn(`worker ${worker.id} has stopped (${signal ?? code}); starting another`);
      setTimeout(() => {
        if (!stopping) fork();
      }, RESPAWN_DELAY_MS);
    });
    return worker;
  };

  const begin = async (): Promise<number> => {
    const ports = await Promise.all(
      Array.from({ length: count }, async () => {
        const worker = fork();
        const heard = once(worker, 'listening') as Promise<[{ port: number }]>;
        if ((await outcomeOf(worker)) === 'gone') throw new Error(`worker ${worker.id} did not start`);
        const [{ port }] = await heard;
        return port;
      }),
    );
    started = true;
    return ports[0] ?? 0;
  };

  const replaceAll = async (): Promise<void> => {
    for (const old of [...current]) {
      if (stopping) return;
      const fresh = fork();
      if ((await outcomeOf(fresh)) === 'gone') {
        warn('the new worker did not start; the others stay as they are');
        return;
      }
      current.delete(old);
      await stopWorker(old);
    }
  };

  return {
    listening: begin(),
    restart: () => {
      restarting = restarting.then(replaceAll);
      return restarting;
    },
    stop: async () => {
      stopping = true;
      await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => worker && stopWorker(worker)));
    },
  };
};
