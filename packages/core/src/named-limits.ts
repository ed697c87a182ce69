import type { CreditTerms } from './credits.ts';

/** A limit of a key or an account beside its plan's: at most `limit` requests in any window of so many seconds. */
export type NamedLimit = { readonly name: string; readonly limit: number; readonly windowSeconds: number };

export const MAX_NAMED_LIMITS = 8;
export const MAX_WINDOW_SECONDS = 30 * 24 * 3600;
export const MAX_LIMIT = 1_000_000_000;
/** It stands in headers. */
export const LIMIT_NAME = /^[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?$/;

/** What one owner's requests are counted against: the named limits of a key or an account, and a key's credits. */
export type Quota = {
  readonly scope: 'key' | 'account';
  /** Of the key or the account. */
  readonly id: string;
  readonly limits: readonly NamedLimit[];
  /** `null`: its requests cost no credits. */
  readonly credits: CreditTerms | null;
};

/** As it is stored and compared: fields in one order, and nothing for an empty list. */
export const canonicalLimits = (
  limits: readonly NamedLimit[] | null | undefined,
): readonly NamedLimit[] | null =>
  limits && limits.length > 0
    ? limits.map(({ name, limit, windowSeconds }) => ({ name, limit, windowSeconds }))
    : null;

/** Whether each limit of `current` is still there under `wanted`, with no more requests in no less time. */
export const isNarrowed = (
  current: readonly NamedLimit[] | null,
  wanted: readonly NamedLimit[] | null,
): boolean =>
  (current ?? []).every(({ name, limit, windowSeconds }) => {
    const kept = wanted?.find((other) => other.name === name);
    return kept !== undefined && kept.limit <= limit && kept.windowSeconds >= windowSeconds;
  });

type KeyQuota = {
  readonly id: string;
  readonly limits: readonly NamedLimit[] | null;
  readonly credits: CreditTerms | null;
};
type AccountQuota = Omit<KeyQuota, 'credits'>;

const derived = new WeakMap<AccountQuota, Quota>();

/** The identical object for the identical key or account. */
const quotaOf = (
  scope: Quota['scope'],
  owner: AccountQuota,
  credits: CreditTerms | null,
): readonly Quota[] => {
  const metered = credits?.metered ? credits : null;
  const { id, limits } = owner;
  if (!metered && (!limits || limits.length === 0)) return [];
  let quota = derived.get(owner);
  if (!quota) {
    quota = { scope, id, limits: limits ?? [], credits: metered };
    derived.set(owner, quota);
  }
  return [quota];
};

/**
 * All that a request counts against besides the plan: of the key, of those that it comes from, its parent first, and of
 * the account; `null` where that is nothing.
 */
export const quotasOf = (chain: readonly KeyQuota[], account: AccountQuota): readonly Quota[] | null => {
  const quotas = [
    ...chain.flatMap((key) => quotaOf('key', key, key.credits)),
    ...quotaOf('account', account, null),
  ];
  return quotas.length > 0 ? quotas : null;
};
