import { fileURLToPath } from 'node:url';
import { parsePeppers } from '@kaana/api-key/digest';
import {
  type AttemptOutcome,
  createDomain,
  createPasswords,
  createWebhookTargets,
  endOrphansInTurn,
  revokeIdleKeysInTurn,
  systemClock,
} from '@kaana/core';
import { buildApp } from './app.ts';
import { connectPatiently } from './database.ts';
import { drain } from './drain.ts';
import type { Environment } from './environment.ts';
import { createGithubKeys } from './github-keys.ts';
import { repeat, restInProportion } from './repeat.ts';
import { startWebhookWorker } from './webhooks/worker.ts';

const ADMIN_ROOT = fileURLToPath(new URL('../../admin/dist', import.meta.url));
/**
 * Last uses and counts are written every second. Where very many keys are in use that is much to write: then less often,
 * so that it takes no more than a twentieth of the time, but every five seconds at least.
 */
const FLUSH_REST = restInProportion(1_000, 5_000, 1 / 20);
const SWEEP_INTERVAL_MS = 30_000;
/** Well below the time that other processes give a lease to be settled. */
const SETTLE_INTERVAL_MS = 250;
const ROLL_UP_INTERVAL_MS = 120_000;
/** Of unknown tokens the log tells this often, and names so many addresses. */
const UNKNOWN_INTERVAL_MS = 60_000;
const MAX_UNKNOWN_ADDRESSES = 5;
/** Every process asks so often; one of them an hour does it. */
const IDLE_INTERVAL_MS = 300_000;
const FIRST_IDLE_MS = 15_000;
/** Soon, but not while the process is busy with starting. */
const FIRST_ROLL_UP_MS = 10_000;

export type Worker = { readonly address: string; stop(): Promise<void> };

/** One process that serves: connects to the database, listens, and on `stop` finishes what it has begun. */
export const startWorker = async (
  environment: Environment,
  mongodbUri: string,
  pepper: string,
): Promise<Worker> => {
  const warn = (message: string) => console.error(message);
  const database = await connectPatiently(mongodbUri, warn);
  const { stores } = database;
  const passwords = createPasswords();
  const peppers = parsePeppers(pepper);
  const webhookTargets = createWebhookTargets(environment.webhookReach);
  const domain = createDomain({ stores, peppers, passwords, clock: systemClock, webhookTargets });
  const webhookAttempts = new Map<AttemptOutcome, number>();
  const app = await buildApp({
    domain,
    ping: () => database.ping(),
    adminRoot: ADMIN_ROOT,
    settings: environment,
    githubKeys: environment.githubKeys === null ? null : createGithubKeys(environment.githubKeys),
    webhookAttempts,
  });
  const report = (error: unknown) =>
    app.logger.warn({ err: error }, 'a background task failed and will be repeated');
  const webhooks = startWebhookWorker(domain, peppers, webhookTargets, webhookAttempts, report);
  const stopFlushing = repeat(FLUSH_REST, () => domain.recorder.flush(), report);
  const stopGhosts = repeat(FLUSH_REST, () => domain.ghosts.flush(), report);
  const stopTelling = repeat(
    UNKNOWN_INTERVAL_MS,
    () => {
      const unknown = domain.ghosts.takeUnknown(MAX_UNKNOWN_ADDRESSES);
      if (unknown.total > 0) app.logger.warn({ unknown }, 'API keys that nobody knows were sent');
      return Promise.resolve();
    },
    report,
  );
  const stopNoting = repeat(FLUSH_REST, () => domain.wouldRefuse.flush(), report);
  const settle = (early = false) => Promise.all([domain.limiter.settle(early), domain.quotas.settle()]);
  const stopSettling = repeat(SETTLE_INTERVAL_MS, () => settle(), report);
  const stopSweeping = repeat(SWEEP_INTERVAL_MS, () => stores.audit.sweep(), report);
  const stopEndingOrphans = repeat(SWEEP_INTERVAL_MS, () => endOrphansInTurn(stores, systemClock), report);
  // By the database's clock, so that a process whose own is wrong does not close hours that are still counted in.
  const rollUp = async () => stores.usage.rollUp((await stores.limits.now()).earliest);
  const stopRollingUp = repeat(ROLL_UP_INTERVAL_MS, rollUp, report, FIRST_ROLL_UP_MS);
  const stopRevokingIdle = repeat(
    IDLE_INTERVAL_MS,
    () => revokeIdleKeysInTurn(stores, systemClock),
    report,
    FIRST_IDLE_MS,
  );
  const address = await app.listen({
    port: environment.port,
    host: environment.host,
    listenTextResolver: () => '',
  });
  return {
    address,
    stop: async () => {
      await Promise.all([drain(app), webhooks.stop()]);
      stopFlushing();
      stopNoting();
      stopSettling();
      stopSweeping();
      stopEndingOrphans();
      stopRollingUp();
      stopRevokingIdle();
      await settle(true).catch(report);
      await domain.recorder.flush().catch(report);
      stopGhosts();
      stopTelling();
      await domain.ghosts.flush().catch(report);
      await domain.wouldRefuse.flush().catch(report);
      await database.close();
    },
  };
};
