import type { Peppers } from '@kaana/api-key/digest';
import type { Clock } from '../clock.ts';
import { takeAttempt } from '../limit-question.ts';
import type { ApiKey } from '../model.ts';
import { DAY_MS } from '../policies.ts';
import { createEvent, SYSTEM } from '../principal.ts';
import type { Stores } from '../stores.ts';
import { TEST_EVENT } from './events.ts';
import { DELIVERIES_KEPT_DAYS } from './fan-out.ts';
import type { AttemptOutcome, Webhook, WebhookAttempt, WebhookDelivery } from './model.ts';
import { retryDelayMs } from './schedule.ts';
import { openSecret } from './secrets.ts';
import type { DeliveryLease } from './store.ts';

/** A delivery that is being sent is another process's after so long: longer than an attempt can take. */
export const LEASE_MS = 20_000;
/** At once in this process, and of these to one webhook: one that is slow does not keep the others waiting. */
const MAX_PARALLEL = 64;
const MAX_PARALLEL_PER_WEBHOOK = 2;
/** A webhook that nothing has reached for so long is disabled. Longer than a message is tried. */
const FAILING_DAYS = 5;
/** What fails for so long before it can even be sent, is given up. Longer than a message is tried. */
const UNSENT_DAYS = 5;
/** Of each webhook so many deliveries are kept in the log. */
const MAX_KEPT = 5_000;
const TRIM_TURN = { limit: 1, windowMs: 3600_000 } as const;

/** A message with all that it is sent with. */
export type OutgoingMessage = {
  readonly url: string;
  readonly messageId: string;
  readonly payload: string;
  /** Each signs it. */
  readonly secrets: readonly string[];
};
export type SendResult = Pick<WebhookAttempt, 'outcome' | 'status' | 'error'> & {
  /** What the receiver asks for, in milliseconds. */
  readonly retryAfterMs: number | null;
};

export type DelivererDependencies = {
  readonly stores: Pick<Stores, 'keys' | 'webhooks' | 'webhookDeliveries' | 'limits'>;
  readonly peppers: Peppers;
  readonly clock: Clock;
  /** A key as REST shows it. */
  readonly describe: (key: ApiKey) => Promise<object>;
  /** One attempt; never rejects, and comes to its end well within `LEASE_MS`. */
  readonly send: (message: OutgoingMessage) => Promise<SendResult>;
  /** Of every attempt, for the metrics. */
  readonly count: (outcome: AttemptOutcome) => void;
  readonly report: (error: unknown) => void;
};

const REFUSED: Pick<SendResult, 'outcome' | 'status' | 'retryAfterMs'> = {
  outcome: 'refused',
  status: null,
  retryAfterMs: null,
};

/** Sends what is due. Any number of processes do it at once: a delivery is one's by a lease, and another's when that ends. */
export class WebhookDeliverer {
  readonly #deps: DelivererDependencies;
  readonly #running = new Set<Promise<void>>();
  readonly #perWebhook = new Map<string, number>();
  #filling: Promise<void> | null = null;
  /** Somebody asked since the last claim: there may be more, or room for more. */
  #wanted = false;
  #stopped = false;

  constructor(dependencies: DelivererDependencies) {
    this.#deps = dependencies;
  }

  /** Takes what is due, as much as may be under way at once, and goes on by itself as long as there is more. */
  work(): Promise<void> {
    this.#wanted = true;
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = null;
    });
    return this.#filling;
  }

  /** Resolves once nothing is under way, and nothing more is taken. */
  async idle(): Promise<void> {
    while (this.#filling || this.#running.size > 0) {
      await Promise.allSettled([this.#filling, ...this.#running]);
    }
  }

  /** Takes nothing more, and finishes what is under way. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.idle();
  }

  async #fill(): Promise<void> {
    while (this.#wanted) {
      this.#wanted = false;
      while (!this.#stopped && this.#running.size < MAX_PARALLEL) {
        const lease = await this.#claim();
        if (!lease) break;
        this.#start(lease);
      }
    }
  }

  #claim(): Promise<DeliveryLease | null> {
    const now = this.#deps.clock();
    const busy = [...this.#perWebhook].filter(([, count]) => count >= MAX_PARALLEL_PER_WEBHOOK);
    return this.#deps.stores.webhookDeliveries.claim(
      new Date(now),
      new Date(now + LEASE_MS),
      busy.map(([id]) => id),
    );
  }

  #start(lease: DeliveryLease): void {
    const { webhookId } = lease.delivery;
    this.#perWebhook.set(webhookId, (this.#perWebhook.get(webhookId) ?? 0) + 1);
    const running = this.#deliver(lease)
      .catch(this.#deps.report)
      .then(() => {
        this.#running.delete(running);
        const left = (this.#perWebhook.get(webhookId) ?? 1) - 1;
        if (left > 0) this.#perWebhook.set(webhookId, left);
        else this.#perWebhook.delete(webhookId);
        this.work().catch(this.#deps.report);
      });
    this.#running.add(running);
  }

  async #deliver(lease: DeliveryLease): Promise<void> {
    const { stores, clock } = this.#deps;
    const { delivery } = lease;
    const webhook = await stores.webhooks.get(delivery.organizationId, delivery.webhookId);
    if (!webhook) return stores.webhookDeliveries.drop(lease);
    if (webhook.status === 'disabled' && !delivery.manual) {
      return this.#giveUp(lease, 'The webhook is disabled.');
    }
    const begunAt = delivery.expiresAt.getTime() - DELIVERIES_KEPT_DAYS * DAY_MS;
    if (clock() - begunAt > UNSENT_DAYS * DAY_MS) return this.#giveUp(lease, 'It could not be sent.');
    const payload = delivery.payload ?? (await this.#payloadOf(delivery));
    if (payload === null) return stores.webhookDeliveries.drop(lease);
    // Stored before it is sent for the first time: whoever goes on with it sends the same bytes.
    if (delivery.payload === null && !(await stores.webhookDeliveries.setPayload(lease, payload))) return;
    const at = clock();
    const result = await this.#send(webhook, delivery.messageId, payload);
    this.#deps.count(result.outcome);
    const { outcome, status, error } = result;
    await this.#finish(lease, { at: new Date(at), outcome, status, error, tookMs: clock() - at }, result);
    await this.#noteHealth(webhook, outcome, at);
  }

  /** `null`: there is no such key. */
  async #payloadOf({ type, event, organizationId, webhookId, createdAt }: WebhookDelivery) {
    const write = (at: Date, data: object) => JSON.stringify({ type, timestamp: at.toISOString(), data });
    if (type === TEST_EVENT || !event) return write(createdAt, { organizationId, webhookId });
    const key = await this.#deps.stores.keys.get(organizationId, event.keyId);
    if (!key) return null;
    const actor = event.actor && { type: event.actor.type, id: event.actor.id, name: event.actor.name };
    return write(event.at, {
      organizationId,
      key: await this.#deps.describe(key),
      actor: actor ?? null,
      ...event.details,
    });
  }

  async #send(webhook: Webhook, messageId: string, payload: string): Promise<SendResult> {
    const now = this.#deps.clock();
    const live = webhook.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > now);
    let secrets: string[];
    try {
      secrets = live.map((secret) => openSecret(this.#deps.peppers, webhook.id, secret));
    } catch {
      const error = 'The signing secret cannot be read: its pepper is not configured. Rotate it.';
      return { ...REFUSED, error };
    }
    return this.#deps.send({ url: webhook.url, messageId, payload, secrets });
  }

  async #giveUp(lease: DeliveryLease, error: string): Promise<void> {
    const attempt = {
      at: new Date(this.#deps.clock()),
      outcome: 'refused',
      status: null,
      error,
      tookMs: 0,
    } as const;
    await this.#deps.stores.webhookDeliveries.finish(lease, attempt, {
      status: 'failed',
      nextAttemptAt: null,
    });
  }

  async #finish(lease: DeliveryLease, attempt: WebhookAttempt, { retryAfterMs }: SendResult): Promise<void> {
    const { stores, clock } = this.#deps;
    const delivered = attempt.outcome === 'delivered';
    const delay =
      delivered || attempt.outcome === 'gone'
        ? null
        : retryDelayMs(lease.delivery.tries + 1, retryAfterMs, Math.random());
    await stores.webhookDeliveries.finish(lease, attempt, {
      status: delivered ? 'delivered' : delay === null ? 'failed' : 'pending',
      nextAttemptAt: delay === null ? null : new Date(clock() + delay),
    });
  }

  async #noteHealth(webhook: Webhook, outcome: AttemptOutcome, at: number): Promise<void> {
    const { stores } = this.#deps;
    if (outcome === 'delivered') {
      if (webhook.failingSince) await stores.webhooks.noteFailing(webhook.id, null);
    } else if (outcome === 'gone') {
      await this.#disable(webhook, 'The receiver answered 410 Gone.');
    } else if (!webhook.failingSince) {
      await stores.webhooks.noteFailing(webhook.id, new Date(at));
    } else if (at - webhook.failingSince.getTime() >= FAILING_DAYS * DAY_MS) {
      const { failingSince } = webhook;
      await this.#disable(webhook, `Nothing has reached it for ${FAILING_DAYS} days.`, { failingSince });
    }
  }

  /** Unless somebody was faster, or something has reached it meanwhile. */
  async #disable(
    { id, organizationId, url }: Webhook,
    disabledReason: string,
    expected: Partial<Pick<Webhook, 'failingSince'>> = {},
  ): Promise<void> {
    const now = this.#deps.clock();
    const event = createEvent(
      now,
      organizationId,
      SYSTEM,
      'webhook.disabled',
      { type: 'webhook', id, name: url },
      { status: { from: 'active', to: 'disabled' }, reason: { from: null, to: disabledReason } },
    );
    const change = { status: 'disabled', disabledReason, updatedAt: new Date(now) } as const;
    await this.#deps.stores.webhooks.update(
      organizationId,
      id,
      { status: 'active', ...expected },
      change,
      event,
    );
  }
}

/** Keeps the log of deliveries within bounds, by one process an hour. */
export const trimDeliveriesInTurn = async (
  stores: Pick<Stores, 'webhookDeliveries' | 'limits'>,
): Promise<void> => {
  if ((await takeAttempt(stores.limits, 'webhook-trim', TRIM_TURN)) !== null) return;
  await stores.webhookDeliveries.trim(MAX_KEPT);
};
