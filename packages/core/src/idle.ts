import { activeKeyPages } from './active-keys.ts';
import type { Clock } from './clock.ts';
import { takeAttempt } from './limit-question.ts';
import type { ApiKey, KeyActivity, Organization } from './model.ts';
import { bornAt, DAY_MS } from './policies.ts';
import { createEvent, SYSTEM } from './principal.ts';
import type { Stores } from './stores.ts';

/** One process an hour does it, whichever comes first. Should it die, another one goes on an hour later. */
const TURN = { limit: 1, windowMs: 3600_000 } as const;
const PAGE = 200;
/** That are looked at before a key is revoked that they come from. */
const MOST_DESCENDANTS = 1_000;

/**
 * Since when nothing has happened with a key: its last use, or the making of its newest secret. What an imported key did
 * in the other system nobody knows here: it begins with its import.
 */
export const idleSince = (
  key: Pick<ApiKey, 'createdAt' | 'secrets' | 'imported'>,
  activity: Pick<KeyActivity, 'lastUsedAt'> | undefined,
): Date => {
  const times = [bornAt(key), key.imported?.at, activity?.lastUsedAt];
  return new Date(Math.max(...times.map((at) => at?.getTime() ?? 0)));
};

type Idle = { readonly key: ApiKey; readonly since: Date };

/**
 * Revokes keys that are idle for longer than their organization's policy lets them be. Any process may do it, at any
 * time, and several at once: a revocation is guarded by the key's status, so that there is one, with one audit event.
 * Returns how many this call has revoked.
 */
export const revokeIdleKeys = async (
  stores: Pick<Stores, 'organizations' | 'keys' | 'children' | 'usage'>,
  clock: Clock,
  page = PAGE,
): Promise<number> => {
  let revoked = 0;
  for (const organization of await stores.organizations.listDisablingIdle()) {
    const { idleDays } = organization.policies;
    if (idleDays === null) continue;
    for await (const idle of idleKeys(stores, organization, idleDays, clock, page)) {
      if (await revokeIdle(stores, organization, idle, idleDays, clock())) revoked++;
    }
  }
  return revoked;
};

/** `revokeIdleKeys`, by one process an hour. */
export const revokeIdleKeysInTurn = async (
  stores: Pick<Stores, 'organizations' | 'keys' | 'children' | 'usage' | 'limits'>,
  clock: Clock,
): Promise<number> =>
  (await takeAttempt(stores.limits, 'idle-keys', TURN)) === null ? revokeIdleKeys(stores, clock) : 0;

async function* idleKeys(
  stores: Pick<Stores, 'keys' | 'usage'>,
  { id: organizationId }: Organization,
  idleDays: number,
  clock: Clock,
  limit: number,
): AsyncGenerator<Idle> {
  for await (const { keys, activity, now } of activeKeyPages(stores, organizationId, clock, limit)) {
    for (const key of keys) {
      const since = idleSince(key, activity.get(key.id));
      if (since.getTime() <= now - idleDays * DAY_MS) yield { key, since };
    }
  }
}

/**
 * Looks once more, at the counts, which no process ever gives up: a last use may be lost, a key in use is not revoked.
 * They are widened to whole hours or days, which can only put it off. A key whose children are in use is in use: they
 * would stop with it.
 */
const revokeIdle = async (
  stores: Pick<Stores, 'keys' | 'children' | 'usage'>,
  { id: organizationId }: Organization,
  { key, since }: Idle,
  idleDays: number,
  now: number,
): Promise<boolean> => {
  const living = key.delegates ? await stores.children.living(key.id, new Date(now), MOST_DESCENDANTS) : [];
  const { rows } = await stores.usage.byKey({
    organizationId,
    keyIds: [key, ...living].map(({ id }) => id),
    from: new Date(now - idleDays * DAY_MS),
    to: new Date(now),
    now: new Date(now),
  });
  if (rows.length > 0) return false;
  const reason = `Not used for ${idleDays} days (policy idleDays)`;
  const event = createEvent(
    now,
    organizationId,
    SYSTEM,
    'key.revoked',
    { type: 'key', id: key.id, name: key.name },
    {
      status: { from: 'active', to: 'revoked' },
      reason: { from: null, to: reason },
      idleSince: { from: null, to: since.toISOString() },
    },
  );
  return (await stores.keys.revoke(organizationId, key.id, new Date(now), reason, event)) !== null;
};
