import cluster from 'node:cluster';
import { createPasswords, systemClock } from '@kaana/core';
import { DataDirInUseError, EmbeddedMongoError } from '@kaana/embedded-mongo';
import { bootstrap } from './bootstrap.ts';
import { runCluster, STOP } from './cluster.ts';
import { connectPatiently, openDatabaseServer } from './database.ts';
import { DEMO, DEMO_PASSWORD } from './demo.ts';
import { type Environment, EnvironmentError, readEnvironment } from './environment.ts';
import { loadPepper } from './secrets.ts';
import { startWorker } from './worker.ts';

/** How a worker of a cluster is told what the first process has found out. */
const WORKER_URI = 'KAANA_WORKER_MONGODB_URI';

const warn = (message: string) => console.error(message);

const prepareDatabase = async (uri: string, environment: Environment) => {
  const database = await connectPatiently(uri, warn);
  try {
    await database.prepare();
    return await bootstrap(database.stores, createPasswords(), systemClock, environment);
  } finally {
    await database.close();
  }
};

const announce = (found: Awaited<ReturnType<typeof prepareDatabase>>, address: string) => {
  console.log(`listening on ${address}`);
  if (found === 'demo') {
    console.log(`\nOpen ${address} and sign in (demo data, password of all: ${DEMO_PASSWORD})`);
    for (const { name, plan, accounts } of DEMO) {
      for (const { email, role } of accounts)
        console.log(`  ${email.padEnd(20)} ${role.padEnd(7)} ${name}, ${plan}`);
    }
    console.log('');
  }
  if (found === 'no-account') {
    warn(
      'Nobody can sign in: set ADMIN_EMAIL, ADMIN_PASSWORD and ORGANIZATION_NAME, or DEMO=1, and start again.',
    );
  }
};

const IMPATIENCE_MS = 1_000;

/** The first signal stops gracefully, a later one at once: later, since npm passes on what the terminal has sent already. */
const onStop = (stop: () => Promise<void>) => {
  let stoppingSince: number | undefined;
  const begin = () => {
    if (stoppingSince !== undefined) return;
    stoppingSince = Date.now();
    void stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  const handle = () => {
    if (stoppingSince !== undefined && Date.now() - stoppingSince > IMPATIENCE_MS) process.exit(1);
    begin();
  };
  process.on('SIGTERM', handle);
  process.on('SIGINT', handle);
  return begin;
};

const runPrimary = async (environment: Environment) => {
  const server = await openDatabaseServer(environment, warn);
  try {
    const pepper = environment.keyPepper ?? (await loadPepper(environment.dataDir));
    const found = await prepareDatabase(server.uri, environment);
    if (environment.workers > 1) {
      const workers = runCluster(environment.workers, { [WORKER_URI]: server.uri, KEY_PEPPER: pepper }, warn);
      onStop(async () => {
        await workers.stop();
        await server.stop();
      });
      announce(found, `http://${environment.host}:${await workers.listening}`);
      // Not SIGHUP, by which a terminal that is closed tells the processes in it to end.
      if (process.platform !== 'win32') process.on('SIGUSR2', () => void workers.restart());
    } else {
      const worker = await startWorker(environment, server.uri, pepper);
      onStop(async () => {
        await worker.stop();
        await server.stop();
      });
      announce(found, worker.address);
    }
  } catch (error) {
    await server.stop().catch(() => undefined);
    throw error;
  }
};

const runWorker = async (environment: Environment, uri: string) => {
  // It is told as soon as it listens, and that is before it is known here.
  const starting = startWorker(environment, uri, environment.keyPepper ?? '');
  const stop = onStop(async () => (await starting).stop());
  process.on('message', (message) => {
    if (message === STOP) stop();
  });
  // Meant for the first process alone.
  if (process.platform !== 'win32') process.on('SIGUSR2', () => undefined);
  // Without the first process there is nobody to replace or stop us.
  process.on('disconnect', stop);
  await starting;
};

try {
  const environment = readEnvironment(process.env);
  const workerUri = process.env[WORKER_URI];
  await (cluster.isWorker && workerUri !== undefined
    ? runWorker(environment, workerUri)
    : runPrimary(environment));
} catch (error) {
  // What a person can put right is told without a stack.
  const told =
    error instanceof EnvironmentError ||
    error instanceof DataDirInUseError ||
    error instanceof EmbeddedMongoError ||
    (error instanceof Error && 'code' in error);
  console.error(told ? error.message : error);
  process.exit(1);
}
