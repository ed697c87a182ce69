import type { Clock } from '../clock.ts';
import { takeAttempt } from '../limit-question.ts';
import type { ApiKey } from '../model.ts';
import { DAY_MS } from '../policies.ts';
import type { ExpiryPosition, Stores } from '../stores.ts';
import { EXPIRING_DAYS, type WebhookEvent } from './events.ts';
import { emitWebhookEvents } from './fan-out.ts';

/** One process a minute does it, whichever comes first. */
const TURN = { limit: 1, windowMs: 60_000 } as const;
/** Looked at again each time: what was being written while the last sweep read. */
const OVERLAP_MS = 5 * 60_000;
const PAGE = 500;
const MARK = 'expiries';

type Tell = { readonly type: 'key.expiring' | 'key.expired'; readonly beforeMs: number };
const TELLS: readonly Tell[] = [
  { type: 'key.expiring', beforeMs: EXPIRING_DAYS * DAY_MS },
  { type: 'key.expired', beforeMs: 0 },
];

const eventOf = (type: Tell['type'], key: ApiKey, expiresAt: Date, now: number): WebhookEvent => ({
  type,
  organizationId: key.organizationId,
  keyId: key.id,
  at: type === 'key.expired' ? expiresAt : new Date(now),
  once: expiresAt.toISOString(),
});

/**
 * Tells which keys expire soon and which have expired since the last sweep. Any process may do it, and die in the
 * middle: what was told is not told again, and the mark moves only at the end. A key that is made to live shorter than
 * the notice is not announced: whoever made it has just been told when it expires.
 */
export const tellExpiries = async (
  stores: Pick<Stores, 'keys' | 'webhooks' | 'webhookDeliveries'>,
  clock: Clock,
  now: number,
): Promise<void> => {
  const mark = await stores.webhookDeliveries.mark(MARK);
  const since = Math.min(mark?.getTime() ?? now, now) - OVERLAP_MS;
  for (const { type, beforeMs } of TELLS) {
    // What has expired meanwhile is no longer announced.
    const from = new Date(type === 'key.expiring' ? Math.max(since + beforeMs, now) : since);
    const to = new Date(now + beforeMs);
    let after: ExpiryPosition | undefined;
    do {
      const keys = await stores.keys.listExpiring({ from, to, limit: PAGE, after });
      const events = keys.flatMap((key) => (key.expiresAt ? [eventOf(type, key, key.expiresAt, now)] : []));
      await emitWebhookEvents(stores, clock, events);
      const last = keys.length < PAGE ? undefined : keys.at(-1);
      after = last?.expiresAt ? { id: last.id, expiresAt: last.expiresAt } : undefined;
    } while (after !== undefined);
  }
  await stores.webhookDeliveries.setMark(MARK, new Date(now));
};

/** `tellExpiries`, by one process a minute and by the database's clock. */
export const tellExpiriesInTurn = async (
  stores: Pick<Stores, 'keys' | 'limits' | 'webhooks' | 'webhookDeliveries'>,
  clock: Clock,
): Promise<void> => {
  if ((await takeAttempt(stores.limits, 'webhook-expiries', TURN)) !== null) return;
  await tellExpiries(stores, clock, (await stores.limits.now()).earliest);
};
