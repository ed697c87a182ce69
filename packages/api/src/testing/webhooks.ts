import {
  fanOutAuditEvents,
  type OutgoingMessage,
  type SendResult,
  type Stores,
  WebhookDeliverer,
} from '@kaana/core';
import { toOneKey } from '../wire.ts';
import type { Tenant, TestApi } from './index.ts';

export const WEBHOOK_URL = 'https://hooks.test/kaana';
export const DELIVERED: SendResult = { outcome: 'delivered', status: 200, error: null, retryAfterMs: null };
export const FAILED: SendResult = { outcome: 'rejected', status: 500, error: null, retryAfterMs: null };

export type Listening = Tenant & { readonly id: string; readonly secret: string };

export type ProcessOptions = {
  readonly send?: (message: OutgoingMessage) => Promise<SendResult>;
  readonly stores?: Stores;
  readonly peppers?: TestApi['peppers'];
};

/** A process's part in telling webhooks, and what it has sent. */
export const createProcess = (api: TestApi, options: ProcessOptions = {}) => {
  const { send = async () => DELIVERED, stores = api.database.stores, peppers = api.peppers } = options;
  const { clock } = api;
  const sent: OutgoingMessage[] = [];
  const errors: unknown[] = [];
  const deliverer = new WebhookDeliverer({
    stores,
    peppers,
    clock,
    describe: (key) => toOneKey(api.domain, key),
    send: (message) => {
      sent.push(message);
      return send(message);
    },
    count: () => undefined,
    report: (error) => errors.push(error),
  });
  return {
    sent,
    errors,
    deliverer,
    /** Until nothing is due. */
    run: async () => {
      await fanOutAuditEvents(stores, clock);
      await deliverer.work();
      await deliverer.idle();
    },
  };
};

export const typesOf = (sent: readonly OutgoingMessage[]): string[] =>
  sent.map(({ payload }) => (JSON.parse(payload) as { type: string }).type).toSorted();

/** An organization with one webhook, which is told everything. */
export const createListening = async (api: TestApi): Promise<Listening> => {
  const tenant = await api.createTenant('enterprise');
  const { webhook, secret } = await tenant.as.admin.webhooks.create({ url: WEBHOOK_URL });
  return { ...tenant, id: webhook.id, secret };
};

export const deliveriesOf = async ({ as, id }: Listening) =>
  (await as.admin.webhooks.deliveries({ id, limit: 200 })).data;

export const actionsOf = async ({ as }: Tenant, targetId: string): Promise<string[]> =>
  (await as.admin.audit.list({ targetId })).data.map(({ action }) => action);

/** A deliverer sends whatever is due in the database: nothing of the test before. */
export const forgetWebhooks = async ({ database }: TestApi): Promise<void> => {
  for (const name of ['webhooks', 'webhook_deliveries']) await database.raw(name).deleteMany({});
};
