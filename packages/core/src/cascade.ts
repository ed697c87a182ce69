import { PARENT_REVOKED } from './ancestry.ts';
import type { Clock } from './clock.ts';
import { takeAttempt } from './limit-question.ts';
import type { ApiKey } from './model.ts';
import { type Caller, createEvent, eventOf, SYSTEM } from './principal.ts';
import type { Stores } from './stores.ts';

/**
 * A child key stops with the first of its ancestors that does, at once and everywhere, since the whole chain is read for
 * every request. What is done here makes what is stored say the same, so that lists agree and slots become free: each
 * living descendant of a revoked key is revoked, and of an expired one ends when that did, with one audit event each.
 * What a process leaves undone, the sweep does.
 */

/** Descendants that a revocation takes with it before it is answered; the sweep has the others. */
const AT_ONCE = 200;
const PARALLEL = 8;
const PAGE = 200;
/** A creation under way when its parent ends adds a child afterwards; none is under way for so long. */
const MARK_KEPT_MS = 3600_000;
const SWEEP_TURN = { limit: 1, windowMs: 30_000 } as const;

type Needed = Pick<Stores, 'keys' | 'children'>;

const endOne = async (
  { keys }: Needed,
  { id, name, organizationId, expiresAt }: ApiKey,
  ancestor: ApiKey,
  clock: Clock,
  caller: Caller | null,
): Promise<boolean> => {
  const now = clock();
  const target = { type: 'key', id, name };
  const cause = { ancestor: { from: null, to: ancestor.id } };
  const event = (action: string, changes: Parameters<typeof createEvent>[5]) =>
    caller
      ? eventOf(now, caller, action, target, { ...changes, ...cause })
      : createEvent(now, organizationId, SYSTEM, action, target, { ...changes, ...cause });
  if (ancestor.status === 'revoked') {
    const revoked = event('key.revoked', {
      status: { from: 'active', to: 'revoked' },
      reason: { from: null, to: PARENT_REVOKED },
    });
    return (await keys.revoke(organizationId, id, new Date(now), PARENT_REVOKED, revoked)) !== null;
  }
  const end = ancestor.expiresAt;
  if (!end) return false;
  const changes = { from: expiresAt?.toISOString() ?? null, to: end.toISOString() };
  const ended = event('key.updated', { expiresAt: changes });
  return (await keys.update(organizationId, id, { expiresAt: end }, ended)) !== null;
};

const endPage = async (
  stores: Needed,
  ancestor: ApiKey,
  clock: Clock,
  caller: Caller | null,
  limit: number,
): Promise<{ found: number; ended: number }> => {
  const living = await stores.children.living(ancestor.id, new Date(clock()), limit);
  let ended = 0;
  for (let from = 0; from < living.length; from += PARALLEL) {
    const done = await Promise.all(
      living.slice(from, from + PARALLEL).map((key) => endOne(stores, key, ancestor, clock, caller)),
    );
    ended += done.filter(Boolean).length;
  }
  return { found: living.length, ended };
};

/** After a revocation, which stands whatever comes of this: what fails here is the sweep's to do. */
export const endDescendants = async (
  stores: Needed,
  ancestor: ApiKey,
  clock: Clock,
  caller: Caller,
): Promise<void> => {
  if (!ancestor.delegates) return;
  await endPage(stores, ancestor, clock, caller, AT_ONCE).catch(() => undefined);
};

/**
 * Ends what lives on below keys that are revoked or have expired, whoever did it and whatever was left undone then. Any
 * process may do it, at any time, and several at once. Returns how many keys this call has ended.
 */
export const endOrphans = async (stores: Needed, clock: Clock, page = PAGE): Promise<number> => {
  let total = 0;
  for (const parent of await stores.children.deadParents(new Date(clock()))) {
    for (;;) {
      const { found, ended } = await endPage(stores, parent, clock, null, page);
      total += ended;
      // Where nothing can be ended another process was faster, or has to do with it: the next sweep looks again.
      if (found < page || ended === 0) break;
    }
    const endedAt = parent.revokedAt ?? parent.expiresAt;
    if (endedAt && endedAt.getTime() <= clock() - MARK_KEPT_MS) await stores.children.unmarkParent(parent.id);
  }
  return total;
};

/** `endOrphans`, by one process at a time. */
export const endOrphansInTurn = async (
  stores: Needed & Pick<Stores, 'limits'>,
  clock: Clock,
): Promise<number> =>
  (await takeAttempt(stores.limits, 'orphaned-keys', SWEEP_TURN)) === null ? endOrphans(stores, clock) : 0;
