import type { Peppers } from '@kaana/api-key/digest';
import type { Clock } from '../clock.ts';
import { KaanaError } from '../errors.ts';
import { createId } from '../ids.ts';
import { freeSlot } from '../keys.ts';
import { takeAttempt } from '../limit-question.ts';
import { DAY_MS } from '../policies.ts';
import { type Caller, changesOf, eventOf, type Principal, requirePermission } from '../principal.ts';
import type { PageQuery, Stores } from '../stores.ts';
import { Turns } from '../turns.ts';
import type { WebhookEvent } from './events.ts';
import { DELIVERIES_KEPT_DAYS, emitWebhookEvents, testDelivery } from './fan-out.ts';
import { LimitNotes } from './limit-notes.ts';
import type { Webhook, WebhookDelivery, WebhookSecret } from './model.ts';
import { mintWebhookSecret, sealSecret } from './secrets.ts';
import type { WebhookTargets } from './targets.ts';

export const MAX_WEBHOOKS = 10;
/** Tests and messages sent again, of one webhook. */
const MANUAL_THROTTLE = { limit: 20, windowMs: 60_000 } as const;

export type NewWebhook = Pick<Webhook, 'url' | 'description' | 'events'>;
export type WebhookChange = Partial<NewWebhook & Pick<Webhook, 'status'>>;
/** `secret` is in this answer and nowhere else. */
export type WebhookWithSecret = { readonly webhook: Webhook; readonly secret: string };

/**
 * What a webhook is told is what `keys:read` shows, over the whole organization: whoever sets one up, or looks into its
 * log, needs that permission too. All that is asked for by id is `not_found` where it is another organization's.
 */
export type Webhooks = {
  list(principal: Principal): Promise<readonly Webhook[]>;
  /** Errors: `invalid_input` for the URL, `webhook_limit_reached`. */
  create(caller: Caller, input: NewWebhook): Promise<WebhookWithSecret>;
  update(caller: Caller, id: string, change: WebhookChange): Promise<Webhook>;
  delete(caller: Caller, id: string): Promise<void>;
  /** The secret before goes on signing for the overlap; one before that ends at once. */
  rotateSecret(caller: Caller, id: string, overlapSeconds: number): Promise<WebhookWithSecret>;
  /** Puts a test message on its way, also to a webhook that is disabled. */
  test(caller: Caller, id: string): Promise<WebhookDelivery>;
  deliveries(principal: Principal, id: string, page: PageQuery): Promise<readonly WebhookDelivery[]>;
  resend(caller: Caller, id: string, deliveryId: string): Promise<WebhookDelivery>;
  /** Tells webhooks something that no audit event tells them. The same event twice is told once. */
  emit(events: readonly WebhookEvent[]): Promise<void>;
  readonly limits: LimitNotes;
};

const target = ({ id, url }: Webhook) => ({ type: 'webhook', id, name: url });
const notFound = () => new KaanaError('not_found', 'No such webhook in your organization.');

export const createWebhooks = (
  stores: Pick<Stores, 'webhooks' | 'webhookDeliveries' | 'limits'>,
  peppers: Peppers,
  targets: WebhookTargets,
  clock: Clock,
): Webhooks => {
  const get = async ({ organization }: Principal, id: string): Promise<Webhook> => {
    const webhook = await stores.webhooks.get(organization.id, id);
    if (!webhook) throw notFound();
    return webhook;
  };

  const mintSecret = (webhookId: string, now: number): { secret: string; kept: WebhookSecret } => {
    const secret = mintWebhookSecret();
    const kept = {
      id: createId('whs', now),
      ...sealSecret(peppers, webhookId, secret),
      createdAt: new Date(now),
      expiresAt: null,
    };
    return { secret, kept };
  };

  /** So that parallel creations of one organization do not race each other for its slots. */
  const creations = new Turns();

  const throttle = async (id: string): Promise<void> => {
    const waitMs = await takeAttempt(stores.limits, `webhook-manual:${id}`, MANUAL_THROTTLE);
    if (waitMs === null) return;
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    throw new KaanaError(
      'rate_limited',
      `Too many messages to this webhook were asked for. Try again in ${seconds} seconds.`,
      { retryAfterSeconds: seconds },
    );
  };

  return {
    limits: new LimitNotes(clock),
    emit: (events) => emitWebhookEvents(stores, clock, events),

    list: ({ organization }) => stores.webhooks.list(organization.id),

    create: async (caller, input) => {
      const { account, organization } = caller.principal;
      requirePermission(caller.principal, 'keys:read');
      await targets.addressesOf(input.url);
      const now = clock();
      const id = createId('whk', now);
      const { secret, kept } = mintSecret(id, now);
      const draft = {
        id,
        organizationId: organization.id,
        ...input,
        url: new URL(input.url).href,
        status: 'active',
        disabledReason: null,
        secrets: [kept],
        failingSince: null,
        createdAt: new Date(now),
        updatedAt: new Date(now),
        createdBy: account.id,
      } as const;
      return creations.take(organization.id, async () => {
        for (;;) {
          const slot = freeSlot(await stores.webhooks.slots(organization.id), MAX_WEBHOOKS);
          if (slot === null) {
            throw new KaanaError(
              'webhook_limit_reached',
              `An organization has ${MAX_WEBHOOKS} webhooks at most. Delete one that is no longer needed.`,
            );
          }
          const webhook = { ...draft, slot };
          const event = eventOf(now, caller, 'webhook.created', target(webhook), {
            url: { from: null, to: webhook.url },
            events: { from: null, to: webhook.events },
          });
          if ((await stores.webhooks.insert(webhook, event)) === 'inserted') return { webhook, secret };
        }
      });
    },

    update: async (caller, id, change) => {
      requirePermission(caller.principal, 'keys:read');
      const webhook = await get(caller.principal, id);
      if (change.url !== undefined) await targets.addressesOf(change.url);
      const url = change.url === undefined ? undefined : new URL(change.url).href;
      const wanted = {
        ...change,
        ...(url === undefined ? {} : { url, failingSince: null }),
        ...(change.status === undefined ? {} : { disabledReason: null, failingSince: null }),
      };
      const changes = changesOf<Webhook>(webhook, url === undefined ? change : { ...change, url });
      if (!changes) return webhook;
      const now = clock();
      const event = eventOf(now, caller, 'webhook.updated', target(webhook), changes);
      const updatedAt = new Date(now);
      const updated = await stores.webhooks.update(
        webhook.organizationId,
        id,
        {},
        { ...wanted, updatedAt },
        event,
      );
      if (!updated) throw notFound();
      return updated;
    },

    delete: async (caller, id) => {
      const webhook = await get(caller.principal, id);
      const event = eventOf(clock(), caller, 'webhook.deleted', target(webhook), {
        url: { from: webhook.url, to: null },
      });
      if (!(await stores.webhooks.delete(webhook.organizationId, id, event))) throw notFound();
      await stores.webhookDeliveries.deleteOfWebhook(id);
    },

    rotateSecret: async (caller, id, overlapSeconds) => {
      requirePermission(caller.principal, 'keys:read');
      const webhook = await get(caller.principal, id);
      const now = clock();
      const [newest] = webhook.secrets;
      if (!newest) throw new Error(`webhook ${id} has no secret`);
      const { secret, kept } = mintSecret(id, now);
      const oldExpiresAt = new Date(now + overlapSeconds * 1000);
      const secrets = overlapSeconds === 0 ? [kept] : [kept, { ...newest, expiresAt: oldExpiresAt }];
      const event = eventOf(now, caller, 'webhook.secret_rotated', target(webhook), {
        oldSecretExpiresAt: { from: null, to: oldExpiresAt.toISOString() },
      });
      const rotated = await stores.webhooks.replaceSecrets(
        webhook.organizationId,
        id,
        newest.id,
        secrets,
        event,
      );
      if (rotated) return { webhook: rotated, secret };
      await get(caller.principal, id);
      throw new KaanaError('changed_meanwhile', 'Another request rotated this secret at the same moment.');
    },

    test: async (caller, id) => {
      const webhook = await get(caller.principal, id);
      await throttle(id);
      const delivery = testDelivery(webhook, clock());
      await stores.webhookDeliveries.insertMany([delivery]);
      return delivery;
    },

    deliveries: async (principal, id, page) => {
      requirePermission(principal, 'keys:read');
      await get(principal, id);
      return stores.webhookDeliveries.list(principal.organization.id, id, page);
    },

    resend: async (caller, id, deliveryId) => {
      requirePermission(caller.principal, 'keys:read');
      const webhook = await get(caller.principal, id);
      const { organizationId } = webhook;
      const found = await stores.webhookDeliveries.get(organizationId, id, deliveryId);
      if (!found) throw new KaanaError('not_found', 'No such delivery of this webhook.');
      await throttle(id);
      const now = clock();
      const expiresAt = new Date(now + DELIVERIES_KEPT_DAYS * DAY_MS);
      const restarted = await stores.webhookDeliveries.restart(
        organizationId,
        id,
        deliveryId,
        new Date(now),
        expiresAt,
      );
      // Where it is being sent at this moment, that is what was asked for.
      return restarted ?? found;
    },
  };
};
