import type { Clock } from '../clock.ts';
import { createId } from '../ids.ts';
import { DAY_MS } from '../policies.ts';
import type { Stores } from '../stores.ts';
import { messageIdOf, TEST_EVENT, type WebhookEvent, webhookEventsOf } from './events.ts';
import type { LimitNotes } from './limit-notes.ts';
import type { Webhook, WebhookDelivery } from './model.ts';

/** How long the log of deliveries goes back. */
export const DELIVERIES_KEPT_DAYS = 30;

const BATCH = 200;

const deliveryOf = (
  webhook: Webhook,
  now: number,
  message: Pick<WebhookDelivery, 'messageId' | 'type' | 'event' | 'manual'>,
): WebhookDelivery => ({
  id: createId('dlv', now),
  organizationId: webhook.organizationId,
  webhookId: webhook.id,
  ...message,
  payload: null,
  status: 'pending',
  tries: 0,
  attempts: [],
  nextAttemptAt: new Date(now),
  createdAt: new Date(now),
  expiresAt: new Date(now + DELIVERIES_KEPT_DAYS * DAY_MS),
});

export const testDelivery = (webhook: Webhook, now: number): WebhookDelivery =>
  deliveryOf(webhook, now, {
    messageId: createId('msg', now),
    type: TEST_EVENT,
    event: null,
    manual: true,
  });

/**
 * Puts events on their way to the webhooks that want them. Any process may do it, with the same events, any number of
 * times: a message goes to a webhook once, by a unique index.
 */
export const emitWebhookEvents = async (
  stores: Pick<Stores, 'webhooks' | 'webhookDeliveries'>,
  clock: Clock,
  events: readonly WebhookEvent[],
): Promise<void> => {
  if (events.length === 0) return;
  const organizationIds = [...new Set(events.map(({ organizationId }) => organizationId))];
  const webhooks = await stores.webhooks.listActive(organizationIds);
  const now = clock();
  const deliveries = events.flatMap((event) =>
    webhooks
      .filter(({ organizationId }) => organizationId === event.organizationId)
      .filter(({ events: wanted }) => wanted === null || wanted.includes(event.type))
      .map((webhook) => {
        const { type, keyId, at, actor = null, details = {} } = event;
        const messageId = messageIdOf(event);
        return deliveryOf(webhook, now, {
          messageId,
          type,
          event: { keyId, at, actor, details },
          manual: false,
        });
      }),
  );
  await stores.webhookDeliveries.insertMany(deliveries);
};

/**
 * Tells what the audit log has that was not told. An event is marked in the log by the write that puts it there, and the
 * mark is taken away once its deliveries are stored: whoever dies in between leaves it to the next one.
 */
export const fanOutAuditEvents = async (
  stores: Pick<Stores, 'webhooks' | 'webhookDeliveries'>,
  clock: Clock,
): Promise<void> => {
  for (;;) {
    const untold = await stores.webhookDeliveries.untold(BATCH);
    await emitWebhookEvents(stores, clock, untold.flatMap(webhookEventsOf));
    await stores.webhookDeliveries.markTold(untold.map(({ id }) => id));
    if (untold.length < BATCH) return;
  }
};

/** Tells which keys were refused by a limit. */
export const tellLimits = async (
  stores: Pick<Stores, 'webhooks' | 'webhookDeliveries'>,
  clock: Clock,
  notes: LimitNotes,
): Promise<void> => {
  const noted = notes.take();
  try {
    await emitWebhookEvents(stores, clock, noted);
  } catch (error) {
    notes.giveBack(noted);
    throw error;
  }
};
