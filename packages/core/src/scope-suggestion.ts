import type { ApiKey, KeyActivity } from './model.ts';
import { PERMISSIONS, type Permission } from './permissions.ts';
import { shownMode } from './restrictions.ts';

const DAY_MS = 24 * 3600_000;
/** What runs once a month has run by then. */
const ENOUGH_DAYS = 30;
const ENOUGH_REQUESTS = 100;

export type Observation = {
  readonly key: Pick<ApiKey, 'scopes' | 'scopesMode'>;
  /** What the key's owner may do. */
  readonly owner: readonly Permission[];
  readonly activity: Pick<KeyActivity, 'permissions' | 'permissionsSince'> | undefined;
  /** Requests that were served since then. */
  readonly requests: number;
  readonly now: number;
};

export type ScopeSuggestion = {
  readonly observedSince: Date | null;
  readonly observedDays: number;
  readonly requests: number;
  /** The narrowest scopes that all observed use needs; `null` where nothing speaks for any. */
  readonly suggested: readonly Permission[] | null;
  /** Whether what was observed is enough to go by. */
  readonly enough: boolean;
  /** Why it may not be, for people. */
  readonly cautions: readonly string[];
  /** Each permission that the key has, or has been used for. */
  readonly evidence: readonly { readonly permission: Permission; readonly lastUsedAt: Date | null }[];
};

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Scopes out of observed use, and how far that can be trusted: what was not seen is not proven to be needless. */
export const suggestScopes = ({ key, owner, activity, requests, now }: Observation): ScopeSuggestion => {
  const observedSince = activity?.permissionsSince ?? null;
  const lastUsed = activity?.permissions ?? {};
  const enforced = shownMode(key.scopes, key.scopesMode) === 'enforce';
  const held = enforced ? owner.filter((permission) => key.scopes?.includes(permission)) : owner;
  const used = PERMISSIONS.filter((permission) => lastUsed[permission] && owner.includes(permission));
  const observedDays = observedSince ? Math.max(0, Math.floor((now - observedSince.getTime()) / DAY_MS)) : 0;
  const cautions: string[] = [];
  if (!observedSince) cautions.push('No use of this key has been observed yet.');
  else {
    if (observedDays < ENOUGH_DAYS)
      cautions.push(
        `Observed for ${plural(observedDays, 'day')}: what happens less often than that is not among it. ${ENOUGH_DAYS} days are better.`,
      );
    if (requests < ENOUGH_REQUESTS)
      cautions.push(`Only ${plural(requests, 'request')} since then: rare ones may be missing.`);
    if (used.length === 0) cautions.push('All observed use needs no permission at all.');
  }
  const enough = cautions.length === 0;
  if (enforced) cautions.push('The scopes of today are enforced: what they refuse is not seen as use.');
  return {
    observedSince,
    observedDays,
    requests,
    suggested: used.length > 0 ? used : null,
    enough,
    cautions,
    evidence: PERMISSIONS.filter((permission) => held.includes(permission) || lastUsed[permission]).map(
      (permission) => ({ permission, lastUsedAt: lastUsed[permission] ?? null }),
    ),
  };
};
