import { createHash } from 'node:crypto';
import type { Actor, AuditEvent } from '../model.ts';
import { DAY_MS } from '../policies.ts';

/** So long before a key expires its organization is told. */
export const EXPIRING_DAYS = 7;

type Kind = {
  readonly description: string;
  /** The audit events that are told as this one; none: code calls `emit` (see `webhooks.ts`). */
  readonly tells?: (event: AuditEvent) => boolean;
};

const is = (action: string) => (event: AuditEvent) => event.action === action;

/** A revocation that a report of a leaked token led to. Nobody in person can give the reason in that place. */
const endedByLeak = ({ action, actor, changes }: AuditEvent): boolean =>
  action === 'key.revoked' &&
  (actor.type === 'anonymous' || actor.type === 'system') &&
  changes.reason?.to === 'leaked';

/** When the key expires, where a change has brought that nearer than the notice. */
const soonExpiry = ({ action, at, changes }: AuditEvent): string | null => {
  const expiresAt = changes.expiresAt?.to;
  if (action !== 'key.updated' || typeof expiresAt !== 'string') return null;
  return Date.parse(expiresAt) <= at.getTime() + EXPIRING_DAYS * DAY_MS ? expiresAt : null;
};

/** What webhooks are told of. A further kind is one row, and where no audit event tells of it one call of `emit`. */
export const WEBHOOK_EVENTS = {
  'key.created': { description: 'A key was created', tells: is('key.created') },
  'key.expiring': {
    description: `A key expires in ${EXPIRING_DAYS} days, or sooner since a change`,
    tells: (event) => soonExpiry(event) !== null,
  },
  'key.expired': { description: 'A key has expired' },
  'key.rotated': { description: 'A key got a new secret', tells: is('key.rotated') },
  'key.revoked': { description: 'A key was revoked', tells: is('key.revoked') },
  'key.leaked': {
    description: 'A token of a key was found in public',
    tells: (event) => event.action === 'key.leaked' || endedByLeak(event),
  },
  'key.limit_reached': {
    description: 'Requests of a key were refused by a limit; told once an hour at most',
  },
} as const satisfies Record<string, Kind>;

export type WebhookEventType = keyof typeof WEBHOOK_EVENTS;
export const WEBHOOK_EVENT_TYPES = Object.keys(WEBHOOK_EVENTS) as WebhookEventType[];

/** What an admin sends to see whether it arrives. */
export const TEST_EVENT = 'webhook.test';

/** Something to tell, about one key. */
export type WebhookEvent = {
  readonly type: WebhookEventType;
  readonly organizationId: string;
  readonly keyId: string;
  readonly at: Date;
  /** What makes it the same as one that was told: with the type and the key it gives the id of the message. */
  readonly once: string;
  readonly actor?: Actor | null;
  /** Beside the key, for the message. */
  readonly details?: Readonly<Record<string, unknown>>;
};

/** `msg_` + 26 characters: the same for the same event, whichever process tells it, and however often. */
export const messageIdOf = ({ type, keyId, once }: Pick<WebhookEvent, 'type' | 'keyId' | 'once'>): string =>
  `msg_${createHash('sha256')
    .update(JSON.stringify([type, keyId, once]))
    .digest('hex')
    .slice(0, 26)}`;

/** What is to be told of a change of state. */
export const webhookEventsOf = (event: AuditEvent): WebhookEvent[] =>
  WEBHOOK_EVENT_TYPES.filter((type) => (WEBHOOK_EVENTS[type] as Kind).tells?.(event)).map((type) => ({
    type,
    organizationId: event.organizationId,
    keyId: event.target.id,
    at: event.at,
    once: type === 'key.expiring' ? (soonExpiry(event) ?? event.id) : event.id,
    actor: event.actor,
  }));

export const isToldToWebhooks = (event: AuditEvent): boolean =>
  event.target.type === 'key' &&
  WEBHOOK_EVENT_TYPES.some((type) => (WEBHOOK_EVENTS[type] as Kind).tells?.(event));
