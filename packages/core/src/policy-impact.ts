import { activeKeyPages } from './active-keys.ts';
import type { Clock } from './clock.ts';
import { KaanaError } from './errors.ts';
import { idleSince } from './idle.ts';
import { takeAttempt } from './limit-question.ts';
import { THROTTLES } from './limiter.ts';
import type { Account, ApiKey, KeyActivity, Organization } from './model.ts';
import { effectivePermissions, missingPermissions, type Permission } from './permissions.ts';
import { bornAt, DAY_MS, type Policies, type PolicyName, violationsOf, withinPolicies } from './policies.ts';
import { enforcedScopes } from './restrictions.ts';
import type { Stores } from './stores.ts';

/**
 * What policies do to a key that is there, the gravest first: it is revoked within the hour, it may do less from its next
 * request on, it cannot be rotated until it keeps to them, it is shown as idle.
 */
export const POLICY_EFFECTS = ['revoked', 'narrowed', 'violating', 'idle'] as const;
export type PolicyEffect = (typeof POLICY_EFFECTS)[number];

export type EffectReason = {
  readonly effect: PolicyEffect;
  readonly policy: PolicyName;
  /** For people. */
  readonly message: string;
};
export type AffectedKey = {
  readonly key: ApiKey;
  readonly owner: Account | undefined;
  readonly reasons: readonly EffectReason[];
  /** What it may do now and could no longer. */
  readonly loses: readonly Permission[];
};
export type PolicyImpact = {
  readonly checkedKeys: number;
  /** `false`: there are more active keys than were looked at. */
  readonly complete: boolean;
  /** Keys, each under all that happens to it. */
  readonly counts: Readonly<Record<PolicyEffect, number>>;
  /** A few, the gravest first. */
  readonly examples: readonly AffectedKey[];
};

const MAX_EXAMPLES = 10;
const PAGE = 500;
/** A person waits for the answer. */
const MAX_KEYS = 20_000;

/** All but `narrowed`, which shows only in comparison. */
const reasonsFor = (
  policies: Policies,
  key: ApiKey,
  activity: KeyActivity | undefined,
  now: number,
): EffectReason[] => {
  const { idleDays, idleAction } = policies;
  const reasons: EffectReason[] = violationsOf(
    policies,
    { expiresAt: key.expiresAt, scopes: enforcedScopes(key) },
    bornAt(key),
  ).map(({ policy, path, message }) => ({ effect: 'violating', policy, message: `${path} ${message}` }));
  if (idleDays !== null && idleSince(key, activity).getTime() <= now - idleDays * DAY_MS) {
    reasons.push({
      effect: idleAction === 'disable' ? 'revoked' : 'idle',
      policy: 'idleDays',
      message: `not used for ${idleDays} days`,
    });
  }
  return reasons;
};

const effectsOn = (
  before: Organization,
  after: Organization,
  key: ApiKey,
  owner: Account | undefined,
  activity: KeyActivity | undefined,
  now: number,
): AffectedKey => {
  const known = reasonsFor(before.policies, key, activity, now);
  const reasons = reasonsFor(after.policies, key, activity, now).filter(
    ({ effect, policy }) => !known.some((other) => other.effect === effect && other.policy === policy),
  );
  const held = owner ? effectivePermissions(owner.role, enforcedScopes(key)) : [];
  const loses = missingPermissions(withinPolicies(after, held), withinPolicies(before, held));
  if (loses.length === 0) return { key, owner, reasons, loses };
  const narrowed = {
    effect: 'narrowed',
    policy: 'allowedScopes',
    message: `can no longer do ${loses.join(', ')}`,
  } as const;
  return { key, owner, reasons: [narrowed, ...reasons], loses };
};

const gravityOf = ({ effect }: EffectReason): number => POLICY_EFFECTS.indexOf(effect);

const throttle = async (stores: Pick<Stores, 'limits'>, organizationId: string): Promise<void> => {
  const waitMs = await takeAttempt(stores.limits, `policy-impact:${organizationId}`, THROTTLES.policyImpact);
  if (waitMs === null) return;
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  throw new KaanaError(
    'rate_limited',
    `Your organization has asked this too often. Try again in ${seconds} seconds.`,
    { retryAfterSeconds: seconds },
  );
};

/**
 * What a change of policies would do to the keys that are there, and the policies of today do not do already. Reads
 * only. Whether a key is idle is told by its last use; before one is revoked, its counts are looked at as well.
 * Errors: `rate_limited`.
 */
export const policyImpact = async (
  stores: Pick<Stores, 'keys' | 'usage' | 'accounts' | 'limits'>,
  organization: Organization,
  change: Partial<Policies>,
  clock: Clock,
  { page = PAGE, maxKeys = MAX_KEYS }: { readonly page?: number; readonly maxKeys?: number } = {},
): Promise<PolicyImpact> => {
  await throttle(stores, organization.id);
  const after = { ...organization, policies: { ...organization.policies, ...change } };
  const counts = { revoked: 0, narrowed: 0, violating: 0, idle: 0 };
  /** Keys by the gravest thing that happens to them; of each no more than could be shown. */
  const found = POLICY_EFFECTS.map((): AffectedKey[] => []);
  let checkedKeys = 0;
  let complete = true;
  for await (const { keys, activity, now } of activeKeyPages(stores, organization.id, clock, page)) {
    const owners = await stores.accounts.getMany([...new Set(keys.map(({ accountId }) => accountId))]);
    for (const key of keys) {
      const owner = owners.get(key.accountId);
      const affected = effectsOn(organization, after, key, owner, activity.get(key.id), now);
      const { reasons } = affected;
      if (reasons.length === 0) continue;
      for (const effect of new Set(reasons.map((reason) => reason.effect))) counts[effect] += 1;
      const gravest = found[Math.min(...reasons.map(gravityOf))];
      if (gravest && gravest.length < MAX_EXAMPLES) gravest.push(affected);
    }
    checkedKeys += keys.length;
    complete = keys.length < page;
    if (checkedKeys >= maxKeys) break;
  }
  return { checkedKeys, complete, counts, examples: found.flat().slice(0, MAX_EXAMPLES) };
};
