import { KaanaError } from './errors.ts';
import type { ApiKey, Organization } from './model.ts';
import { missingPermissions, type Permission } from './permissions.ts';

/** What becomes of a key that is idle for too long: its health says so, or it is revoked. */
export const IDLE_ACTIONS = ['flag', 'disable'] as const;
export type IdleAction = (typeof IDLE_ACTIONS)[number];

/** What becomes of a key whose token was found in public: it is shown, told to webhooks as well, or revoked. */
export const LEAK_ACTIONS = ['flag', 'notify', 'revoke'] as const;
export type LeakAction = (typeof LEAK_ACTIONS)[number];

/** What an organization demands of its keys. */
export type Policies = {
  /** From the making of a key's newest secret to its expiry, at most; `null`: no maximum. */
  readonly maxLifetimeDays: number | null;
  readonly expiryRequired: boolean;
  /** Without a use for so long a key counts as idle; `null`: never. */
  readonly idleDays: number | null;
  readonly idleAction: IdleAction;
  /** What keys may do at most, whatever their owners may; `null`: all that their owners may. Holds at once, for all keys. */
  readonly allowedScopes: readonly Permission[] | null;
  /** Whether a key may be made without scopes. */
  readonly unscopedAllowed: boolean;
  readonly onLeak: LeakAction;
};
export type PolicyName = keyof Policies;

export const NO_POLICIES: Policies = {
  maxLifetimeDays: null,
  expiryRequired: false,
  idleDays: null,
  idleAction: 'flag',
  allowedScopes: null,
  unscopedAllowed: true,
  onLeak: 'revoke',
};

export const DAY_MS = 24 * 3600_000;
/** What the clocks of a form and of a server may differ by: "in 90 days" is within 90 days. */
export const LIFETIME_GRACE_MS = 3600_000;

/** A policy that is not kept to, by which field of a key, and what to do. */
export type PolicyViolation = {
  readonly policy: PolicyName;
  readonly path: 'expiresAt' | 'scopes';
  readonly message: string;
};

/** When the lifetime of a key began: with its newest secret, so that a rotation begins a new one. */
export const bornAt = ({ secrets, createdAt }: Pick<ApiKey, 'secrets' | 'createdAt'>): Date =>
  secrets[0]?.createdAt ?? createdAt;

/** `born`: see `bornAt`. */
export const expiryViolation = (
  { maxLifetimeDays, expiryRequired }: Policies,
  expiresAt: Date | null,
  born: Date,
): PolicyViolation | null => {
  if (maxLifetimeDays !== null) {
    const latest = born.getTime() + maxLifetimeDays * DAY_MS;
    if (expiresAt && expiresAt.getTime() <= latest + LIFETIME_GRACE_MS) return null;
    const message = `must be set, to ${new Date(latest).toISOString()} at the latest: a key lives for ${maxLifetimeDays} days from its newest secret`;
    return { policy: 'maxLifetimeDays', path: 'expiresAt', message };
  }
  if (!expiryRequired || expiresAt) return null;
  return { policy: 'expiryRequired', path: 'expiresAt', message: 'must be set: every key has to expire' };
};

export const scopesViolation = (
  { allowedScopes, unscopedAllowed }: Policies,
  scopes: readonly Permission[] | null,
): PolicyViolation | null => {
  if (scopes === null) {
    if (unscopedAllowed) return null;
    return { policy: 'unscopedAllowed', path: 'scopes', message: 'must be set: name what the key is for' };
  }
  const beyond = allowedScopes ? missingPermissions(allowedScopes, scopes) : [];
  if (beyond.length === 0) return null;
  const message = `cannot contain ${beyond.join(', ')}: keys may have ${allowedScopes?.join(', ')}`;
  return { policy: 'allowedScopes', path: 'scopes', message };
};

/** All that a key does not keep to. */
export const violationsOf = (
  policies: Policies,
  { expiresAt, scopes }: Pick<ApiKey, 'expiresAt' | 'scopes'>,
  born: Date,
): PolicyViolation[] =>
  [expiryViolation(policies, expiresAt, born), scopesViolation(policies, scopes)].filter(
    (violation) => violation !== null,
  );

/** Throws `policy_violation`, naming the policies, where there are any violations. */
export const requireKept = (violations: readonly (PolicyViolation | null)[]): void => {
  const found = violations.filter((violation) => violation !== null);
  if (found.length === 0) return;
  const names = found.map(({ policy }) => policy).join(' and ');
  const details = found.map(({ path, message }) => `${path} ${message}`).join('. ');
  throw new KaanaError(
    'policy_violation',
    `Your organization's policy (${names}) does not allow this: ${details}.`,
    {
      errors: found.map(({ policy, path, message }) => ({ path, message: `${message} (policy ${policy})` })),
    },
  );
};

/** What the organization lets a key do of what its owner may. */
export const withinPolicies = (
  { policies: { allowedScopes } }: Pick<Organization, 'policies'>,
  permissions: readonly Permission[],
): readonly Permission[] =>
  allowedScopes === null
    ? permissions
    : permissions.filter((permission) => allowedScopes.includes(permission));
