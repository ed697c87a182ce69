import { randomInt } from 'node:crypto';
import type { Peppers } from '@kaana/api-key/digest';
import { requireAddressesOfChild, requireExpiryOfChild, requireScopesOfChild } from './ancestry.ts';
import { endDescendants } from './cascade.ts';
import type { Clock } from './clock.ts';
import { KaanaError } from './errors.ts';
import { createId } from './ids.ts';
import type { ListedKey } from './key-list.ts';
import {
  type CreditChange,
  changeCredits,
  creditChanges,
  requireMayGiveCredits,
  requireMayLimit,
  requireUnlimitedKey,
} from './key-quota.ts';
import { mintSecret } from './key-secrets.ts';
import type { ApiKey } from './model.ts';
import { canonicalLimits, type NamedLimit } from './named-limits.ts';
import { effectivePermissions, type Permission } from './permissions.ts';
import { PLAN_TABLE } from './plans.ts';
import { bornAt, expiryViolation, requireKept, scopesViolation, withinPolicies } from './policies.ts';
import {
  accountInReach,
  type Caller,
  changesOf,
  createEvent,
  eventOf,
  type Principal,
  requireAddressesWithin,
  requireWithin,
  SYSTEM,
} from './principal.ts';
import {
  enforcedIps,
  enforcedScopes,
  type RestrictionChange,
  type Restrictions,
  settleRestrictions,
  UNRESTRICTED,
} from './restrictions.ts';
import type { KeyQuery, KeySearch, Stores } from './stores.ts';
import { Turns } from './turns.ts';

export type KeyStatus = 'active' | 'revoked' | 'expired';
export const statusOf = (key: Pick<ApiKey, 'status' | 'expiresAt'>, now: number): KeyStatus =>
  key.status === 'active' && key.expiresAt && key.expiresAt.getTime() <= now ? 'expired' : key.status;

/** The lowest slot below `limit` that is free; `null` where there is none. */
export const freeSlot = (taken: readonly number[], limit: number): number | null => {
  for (let slot = 0; slot < limit; slot++) if (!taken.includes(slot)) return slot;
  return null;
};

/** Without a limit any slot will do that nobody has, and that no limit counts: a random one needs no look at the others. */
export const unlimitedSlot = () => randomInt(1_000_000, 2 ** 47);

export type NewKey = RestrictionChange & {
  readonly name: string;
  readonly expiresAt: Date | null;
  readonly limits?: readonly NamedLimit[] | null | undefined;
  readonly credits?: CreditChange | undefined;
};
export type KeyChange = Partial<Omit<NewKey, 'credits'>>;
/** A new key that may be made: what is particular to it, the rest is the same for all. */
export type KeyDraft = Restrictions &
  Pick<ApiKey, 'name' | 'expiresAt' | 'limits' | 'credits' | 'parentId' | 'ancestors'>;
export type KeyWithToken = { readonly key: ApiKey; readonly token: string };

export const keyTarget = (key: Pick<ApiKey, 'id' | 'name'>) => ({ type: 'key', id: key.id, name: key.name });
export const alreadyRevoked = () =>
  new KaanaError('already_revoked', 'This API key is revoked already. That is final: create a new one.');
export const alreadyExpired = () =>
  new KaanaError('already_expired', 'This API key has expired. That is final: create a new one.');
export const changedMeanwhile = () =>
  new KaanaError('changed_meanwhile', 'Another request changed this API key. Look again and repeat.');

export type Keys = {
  list(
    principal: Principal,
    query: Pick<KeyQuery, 'limit' | 'before' | 'status' | 'accountId' | 'parentId' | 'ancestorId'>,
  ): Promise<readonly ApiKey[]>;
  search(
    principal: Principal,
    query: Omit<KeySearch, 'organizationId' | 'now'>,
  ): Promise<readonly ListedKey[]>;
  /** Those of `ids` that are in the principal's reach, in no particular order. */
  getMany(principal: Principal, ids: readonly string[]): Promise<readonly ApiKey[]>;
  get(principal: Principal, id: string): Promise<ApiKey>;
  /** Errors: `key_limit_reached`, `permission_denied` (scopes beyond the caller's own), `invalid_input`. */
  create(caller: Caller, input: NewKey): Promise<KeyWithToken>;
  /** Makes a key of what others have checked. `place`: a free one among its parent's children, of a child. */
  add(caller: Caller, draft: KeyDraft, place?: () => Promise<number>): Promise<KeyWithToken>;
  update(caller: Caller, id: string, change: KeyChange): Promise<ApiKey>;
  /** Takes effect with the next request. For admins. */
  changeCredits(caller: Caller, id: string, change: CreditChange): Promise<ApiKey>;
  /** Final, and takes the key's descendants with it. Errors: `already_revoked`. */
  revoke(caller: Caller, id: string, reason: string | null): Promise<ApiKey>;
  /** Brings an account's active keys into the slots of a limit. Returns how many active keys it has. */
  compactSlots(accountId: string, limit: number): Promise<number>;
  /**
   * Takes keys back that were made without a limit, while the organization came to a plan that has one: key id -> why.
   */
  withdrawIfDowngraded(made: readonly ApiKey[]): Promise<ReadonlyMap<string, string>>;
};

export const createKeys = (
  stores: Pick<Stores, 'keys' | 'organizations' | 'children'>,
  peppers: Peppers,
  clock: Clock,
): Keys => {
  /** So that parallel creations of one account do not race each other for its slots. */
  const creations = new Turns();
  const notFound = () => new KaanaError('not_found', 'No such API key in your organization.');

  const get = async (principal: Principal, id: string): Promise<ApiKey> => {
    const key = await stores.keys.get(principal.organization.id, id);
    const account = accountInReach(principal);
    if (!key || (account !== undefined && key.accountId !== account)) throw notFound();
    return key;
  };

  /** Why a guarded write found nothing to write to. */
  const refusalOf = async (principal: Principal, id: string): Promise<KaanaError> => {
    const key = await get(principal, id);
    if (key.status === 'revoked') return alreadyRevoked();
    if (statusOf(key, clock()) === 'expired' || key.slot === null) return alreadyExpired();
    return changedMeanwhile();
  };

  const checkExpiry = (expiresAt: Date | null | undefined) => {
    if (expiresAt && expiresAt.getTime() <= clock()) {
      throw new KaanaError('invalid_input', 'expiresAt is in the past.', {
        errors: [{ path: 'expiresAt', message: 'must be in the future' }],
      });
    }
  };

  const checkScopes = (principal: Principal, scopes: readonly Permission[] | null) => {
    if (scopes) return requireWithin(principal, scopes, 'a key');
    // An unscoped key has all that its owner has, as far as policies let keys; a scoped key makes none.
    const all = withinPolicies(principal.organization, effectivePermissions(principal.account.role, null));
    requireWithin(principal, all, 'a key whose scopes are not enforced');
  };

  /**
   * Who may restrict a key like this: what is not enforced counts as not being there, since the key can do all the
   * same. Only to enforce a list that is there is open to everybody: whatever the list is by then, it gives nothing.
   */
  const checkRestrictions = (principal: Principal, held: Restrictions, settled: Partial<Restrictions>) => {
    const result = { ...held, ...settled };
    if (settled.scopes !== undefined || (settled.scopesMode ?? 'enforce') !== 'enforce') {
      checkScopes(principal, enforcedScopes(result));
    }
    if (settled.allowedIps !== undefined || (settled.allowedIpsMode ?? 'enforce') !== 'enforce') {
      requireAddressesWithin(principal, enforcedIps(result));
    }
  };

  const compactSlots = async (accountId: string, limit: number): Promise<number> => {
    for (;;) {
      await stores.keys.releaseExpiredSlots(accountId, new Date(clock()));
      const held = await stores.keys.slots(accountId);
      const beyond = held.find(({ slot }) => slot >= limit);
      const free = freeSlot(
        held.map(({ slot }) => slot),
        limit,
      );
      if (!beyond || free === null) return held.length;
      // Lost to a parallel request or not, the next round looks again.
      await stores.keys.moveSlot(beyond.id, beyond.slot, free);
    }
  };

  /**
   * Each active key of an account holds a slot, and a unique index lets no two hold the same: with slots 0 to 4 there
   * are never more than 5, whatever runs in parallel. A slot beyond the limit (left from another plan) is first moved
   * inside it, so that it counts.
   */
  const insertInSlot = async (
    key: Omit<ApiKey, 'slot'>,
    limit: number | null,
    caller: Caller,
    place: (() => Promise<number>) | undefined,
  ): Promise<ApiKey> => {
    const event = eventOf(clock(), caller, 'key.created', keyTarget(key), {
      name: { from: null, to: key.name },
      scopes: { from: null, to: key.scopes },
      ...(key.scopes ? { scopesMode: { from: null, to: key.scopesMode } } : {}),
      expiresAt: { from: null, to: key.expiresAt?.toISOString() ?? null },
      allowedIps: { from: null, to: key.allowedIps },
      ...(key.allowedIps ? { allowedIpsMode: { from: null, to: key.allowedIpsMode } } : {}),
      ...(key.limits ? { limits: { from: null, to: key.limits } } : {}),
      ...(key.credits ? creditChanges(null, key.credits, { remaining: key.credits.amount }) : {}),
      ...(key.parentId === undefined ? {} : { parentId: { from: null, to: key.parentId } }),
    });
    for (;;) {
      const slot = limit === null ? unlimitedSlot() : await slotWithin(key.accountId, limit);
      const inserted = { ...key, slot, ...(place ? { childSlot: await place() } : {}) };
      if ((await stores.keys.insert(inserted, event)) === 'inserted') return inserted;
    }
  };

  const slotWithin = async (accountId: string, limit: number): Promise<number> => {
    let held = await stores.keys.slots(accountId);
    if (held.length >= limit || held.some(({ slot }) => slot >= limit)) {
      await compactSlots(accountId, limit);
      held = await stores.keys.slots(accountId);
    }
    const slot = freeSlot(
      held.map((holder) => holder.slot),
      limit,
    );
    if (slot !== null) return slot;
    throw new KaanaError(
      'key_limit_reached',
      `Your plan allows ${limit} active API keys per account. Revoke one that is no longer needed, then create this one.`,
    );
  };

  const add: Keys['add'] = async (caller, draft, place) => {
    const { account, organization } = caller.principal;
    const now = clock();
    const { token, secret } = mintSecret(peppers, now);
    const limit = PLAN_TABLE[organization.plan].activeKeys;
    const made = {
      id: createId('key', now),
      organizationId: organization.id,
      accountId: account.id,
      ...draft,
      scopesChangedAt: null,
      allowedIpsChangedAt: null,
      secrets: [secret],
      status: 'active',
      createdAt: new Date(now),
      revokedAt: null,
      revokedReason: null,
    } as const;
    const key = await creations.take(account.id, () => insertInSlot(made, limit, caller, place));
    if (limit === null) {
      const reason = (await withdrawIfDowngraded([key])).get(key.id);
      if (reason !== undefined) throw new KaanaError('key_limit_reached', reason);
    }
    return { key, token };
  };

  /** What a change of a child key leaves to be within its parents; only what is changed, they may have narrowed since. */
  const checkChild = async (key: ApiKey, change: Partial<ApiKey>): Promise<void> => {
    if (!key.ancestors) return;
    const parents = await stores.keys.getMany(key.organizationId, key.ancestors);
    const result = { ...key, ...change };
    if (change.scopes !== undefined || change.scopesMode !== undefined) {
      requireScopesOfChild(parents, enforcedScopes(result));
    }
    if (change.allowedIps !== undefined || change.allowedIpsMode !== undefined) {
      requireAddressesOfChild(parents, enforcedIps(result));
    }
    if (change.expiresAt !== undefined) requireExpiryOfChild(parents, change.expiresAt, clock());
  };

  return {
    compactSlots,
    withdrawIfDowngraded,
    get,
    add,

    list: (principal, query) => {
      const reach = accountInReach(principal);
      if (reach !== undefined && query.accountId !== undefined && query.accountId !== reach) {
        return Promise.resolve([]);
      }
      return stores.keys.list({
        ...query,
        organizationId: principal.organization.id,
        accountId: reach ?? query.accountId,
        now: new Date(clock()),
      });
    },

    search: (principal, query) => {
      const reach = accountInReach(principal);
      if (reach !== undefined && query.accountId !== undefined && query.accountId !== reach) {
        return Promise.resolve([]);
      }
      return stores.keys.search({
        ...query,
        organizationId: principal.organization.id,
        accountId: reach ?? query.accountId,
        now: new Date(clock()),
      });
    },

    getMany: async (principal, ids) => {
      const reach = accountInReach(principal);
      const found = await stores.keys.getMany(principal.organization.id, ids);
      return reach === undefined ? found : found.filter(({ accountId }) => accountId === reach);
    },

    create: async (caller, input) => {
      const { principal } = caller;
      checkExpiry(input.expiresAt);
      const restrictions = { ...UNRESTRICTED, ...settleRestrictions(UNRESTRICTED, input) };
      const now = clock();
      const { policies } = principal.organization;
      requireKept([
        expiryViolation(policies, input.expiresAt, new Date(now)),
        // A list that is not enforced limits nothing.
        scopesViolation(policies, enforcedScopes(restrictions)),
      ]);
      checkScopes(principal, enforcedScopes(restrictions));
      requireAddressesWithin(principal, enforcedIps(restrictions));
      requireUnlimitedKey(principal, 'create keys');
      if (input.credits) requireMayGiveCredits(principal);
      return add(caller, {
        name: input.name,
        expiresAt: input.expiresAt,
        ...restrictions,
        limits: canonicalLimits(input.limits),
        credits: input.credits ? changeCredits(null, input.credits, now) : null,
      });
    },

    update: async (caller, id, change) => {
      const { principal } = caller;
      const key = await get(principal, id);
      if (key.status === 'revoked') throw alreadyRevoked();
      if (statusOf(key, clock()) === 'expired') throw alreadyExpired();
      checkExpiry(change.expiresAt);
      const { name, expiresAt } = change;
      const limits = change.limits === undefined ? undefined : canonicalLimits(change.limits);
      const settled = settleRestrictions(key, change);
      const { policies } = principal.organization;
      const changesScopes = settled.scopes !== undefined || settled.scopesMode !== undefined;
      // What is not changed may be from before the policy: that is no reason not to mend something else.
      requireKept([
        expiresAt === undefined ? null : expiryViolation(policies, expiresAt, bornAt(key)),
        changesScopes ? scopesViolation(policies, enforcedScopes({ ...key, ...settled })) : null,
      ]);
      checkRestrictions(principal, key, settled);
      await checkChild(key, { ...settled, ...(expiresAt === undefined ? {} : { expiresAt }) });
      const wanted = {
        ...(name === undefined ? {} : { name }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
        ...settled,
        ...(limits === undefined ? {} : { limits }),
      };
      const changes = changesOf<ApiKey>(key, wanted);
      if (!changes) return key;
      const way = limits === undefined ? 'free' : requireMayLimit(principal, key.limits, limits);
      const expected = way === 'narrowing' ? { limits: key.limits } : {};
      const now = new Date(clock());
      const written = {
        ...wanted,
        ...(changes.scopes || changes.scopesMode ? { scopesChangedAt: now } : {}),
        ...(changes.allowedIps || changes.allowedIpsMode ? { allowedIpsChangedAt: now } : {}),
      };
      const event = eventOf(now.getTime(), caller, 'key.updated', keyTarget(key), changes);
      const updated = await stores.keys.update(principal.organization.id, id, written, event, expected);
      if (!updated) throw await refusalOf(principal, id);
      return updated;
    },

    changeCredits: async (caller, id, change) => {
      const { principal } = caller;
      requireMayGiveCredits(principal);
      for (;;) {
        const key = await get(principal, id);
        if (key.status === 'revoked') throw alreadyRevoked();
        const now = clock();
        if (statusOf(key, now) === 'expired' || key.slot === null) throw alreadyExpired();
        const credits = changeCredits(key.credits, change, now);
        const told = creditChanges(key.credits, credits, change);
        if (Object.keys(told).length === 0) return key;
        const event = eventOf(now, caller, 'key.credits_changed', keyTarget(key), told);
        const updated = await stores.keys.update(principal.organization.id, id, { credits }, event, {
          credits: key.credits,
        });
        // Where another change was faster, this one is made to what came of it.
        if (updated) return updated;
      }
    },

    revoke: async (caller, id, reason) => {
      const { principal } = caller;
      const key = await get(principal, id);
      const now = clock();
      const event = eventOf(now, caller, 'key.revoked', keyTarget(key), {
        status: { from: 'active', to: 'revoked' },
        reason: { from: null, to: reason },
      });
      const revoked = await stores.keys.revoke(principal.organization.id, id, new Date(now), reason, event);
      if (!revoked) throw alreadyRevoked();
      await endDescendants(stores, revoked, clock, caller);
      return revoked;
    },
  };

  /**
   * A downgrade to a plan with a limit counts the active keys after it has changed the plan; a creation that read the
   * plan before and inserted after that count takes itself back here.
   */
  async function withdrawIfDowngraded(made: readonly ApiKey[]): Promise<ReadonlyMap<string, string>> {
    const withdrawn = new Map<string, string>();
    if (made.length === 0) return withdrawn;
    const ids = [...new Set(made.map(({ organizationId }) => organizationId))];
    const organizations = await stores.organizations.getMany(ids);
    for (const key of made) {
      const organization = organizations.get(key.organizationId);
      const limit = organization ? PLAN_TABLE[organization.plan].activeKeys : null;
      if (limit === null || (await compactSlots(key.accountId, limit)) <= limit) continue;
      const now = clock();
      const reason = 'The plan was changed while this key was created';
      const event = createEvent(now, key.organizationId, SYSTEM, 'key.revoked', keyTarget(key), {
        status: { from: 'active', to: 'revoked' },
        reason: { from: null, to: reason },
      });
      await stores.keys.revoke(key.organizationId, key.id, new Date(now), reason, event);
      withdrawn.set(key.id, `${reason}; your plan allows ${limit} active API keys per account.`);
    }
    return withdrawn;
  }
};
