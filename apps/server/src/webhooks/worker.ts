import { toOneKey } from '@kaana/api';
import type { Peppers } from '@kaana/api-key/digest';
import {
  type AttemptOutcome,
  type Domain,
  fanOutAuditEvents,
  tellExpiriesInTurn,
  tellLimits,
  trimDeliveriesInTurn,
  WebhookDeliverer,
  type WebhookTargets,
} from '@kaana/core';
import { repeat } from '../repeat.ts';
import { createSend } from './send.ts';

/** How soon after a change its message is sent, at most. */
const WORK_INTERVAL_MS = 1_000;
/** Every process asks so often; one of them a minute, or an hour, does it. */
const SWEEP_INTERVAL_MS = 60_000;
const FIRST_SWEEP_MS = 12_000;

export type WebhookWorker = {
  /** Takes nothing more; resolves once what is under way has ended, which it does within 10 seconds. */
  stop(): Promise<void>;
};

/** This process's part in telling webhooks. `attempts`: where it counts how they ended. */
export const startWebhookWorker = (
  domain: Domain,
  peppers: Peppers,
  targets: WebhookTargets,
  attempts: Map<AttemptOutcome, number>,
  report: (error: unknown) => void,
): WebhookWorker => {
  const { stores, clock, webhooks } = domain;
  const deliverer = new WebhookDeliverer({
    stores,
    peppers,
    clock,
    describe: (key) => toOneKey(domain, key),
    send: createSend(targets),
    count: (outcome) => attempts.set(outcome, (attempts.get(outcome) ?? 0) + 1),
    report,
  });
  const workOnce = async () => {
    await fanOutAuditEvents(stores, clock);
    await tellLimits(stores, clock, webhooks.limits);
    await deliverer.work();
  };
  let working = Promise.resolve();
  const work = () => {
    working = workOnce();
    return working;
  };
  const sweep = async () => {
    await tellExpiriesInTurn(stores, clock);
    await trimDeliveriesInTurn(stores);
  };
  const stopWorking = repeat(WORK_INTERVAL_MS, work, report);
  const stopSweeping = repeat(SWEEP_INTERVAL_MS, sweep, report, FIRST_SWEEP_MS);
  return {
    stop: async () => {
      stopWorking();
      stopSweeping();
      await Promise.all([deliverer.stop(), working.catch(() => undefined)]);
      await tellLimits(stores, clock, webhooks.limits).catch(report);
    },
  };
};
