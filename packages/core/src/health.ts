import { type GhostUse, totalGhosts } from './ghost-use.ts';
import { idleSince } from './idle.ts';
import { statusOf } from './keys.ts';
import type { Account, ApiKey, KeyActivity } from './model.ts';
import { effectivePermissions } from './permissions.ts';
import { bornAt, DAY_MS, type Policies, violationsOf } from './policies.ts';
import { enforcedScopes } from './restrictions.ts';

/** The worst first: what is said of a key is said in this order. */
export const FINDING_CODES = [
  'leaked',
  'owner_deactivated',
  'ghost_use',
  'beyond_policy',
  'unscoped_admin',
  'idle',
  'never_used',
  'expires_soon',
  'scope_never_used',
  'no_expiry',
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];

/** What a finding takes off the score, by how much it matters. */
export const SEVERITY_POINTS = { high: 50, medium: 20, low: 5 } as const;
export type Severity = keyof typeof SEVERITY_POINTS;
export const SEVERITIES = ['high', 'medium', 'low'] as const satisfies readonly Severity[];

export type Finding = { readonly code: FindingCode; readonly severity: Severity; readonly message: string };

export const REMOVAL_REASONS = ['expired', 'owner_deactivated', 'idle', 'never_used'] as const;
/** Why nobody will miss a key. */
export type SafeToRemove = { readonly reason: (typeof REMOVAL_REASONS)[number]; readonly message: string };

export type Health = {
  /** From 0 to 100, the best. */
  readonly score: number;
  readonly findings: readonly Finding[];
  readonly safeToRemove: SafeToRemove | null;
};

/** All that is known of a key. */
export type HealthFacts = {
  readonly key: ApiKey;
  /** `null`: there is none any more. */
  readonly owner: Pick<Account, 'role' | 'status'> | null;
  readonly policies: Policies;
  readonly activity: KeyActivity | undefined;
  /** The latest use that its counts tell of, where its last use is older: that may have been lost, counts are not. */
  readonly countedAt: Date | null;
  readonly ghosts: GhostUse | null;
  readonly now: number;
};

/** Where an organization's policy does not say when a key is idle. */
const IDLE_DAYS = 90;
/** What runs once a month has run by then. */
const MONTH_DAYS = 30;
const NEVER_USED_DAYS = 7;
const SOON_DAYS = 14;

const day = (at: Date): string => at.toISOString().slice(0, 10);
const daysSince = (at: Date, now: number): number => Math.max(0, Math.floor((now - at.getTime()) / DAY_MS));
const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export const idleDaysOf = ({ idleDays }: Policies): number => idleDays ?? IDLE_DAYS;
/** So long nothing at all must have been seen of a key that nobody will miss. */
export const quietDaysOf = (policies: Policies): number => Math.max(idleDaysOf(policies), MONTH_DAYS);

const lastUseOf = ({ activity, countedAt }: HealthFacts): Date | null => {
  const used = activity?.lastUsedAt ?? null;
  return used && countedAt ? new Date(Math.max(used.getTime(), countedAt.getTime())) : (used ?? countedAt);
};

const wasUsedWithin = (facts: HealthFacts, days: number): boolean => {
  const used = lastUseOf(facts);
  return used !== null && used.getTime() > facts.now - days * DAY_MS;
};

/** Since when nothing has happened with it: its last use, or the making of its newest secret. */
const quietSince = (facts: HealthFacts): Date => {
  const used = lastUseOf(facts);
  return idleSince(facts.key, used ? { lastUsedAt: used } : undefined);
};

/** Since when it could have been used here: what an imported key did in the other system nobody knows. */
const knownSince = ({ key }: HealthFacts): Date => idleSince(key, undefined);

const isOwned = ({ owner }: HealthFacts): boolean => owner?.status === 'active';

type Rule = (facts: HealthFacts) => Omit<Finding, 'code'> | null;

const ghostUse: Rule = ({ ghosts, now }) => {
  if (!ghosts || ghosts.lastAt.getTime() <= now - MONTH_DAYS * DAY_MS) return null;
  const times = plural(totalGhosts(ghosts.counts), 'time');
  return {
    severity: 'medium',
    message: `A token of it that no longer works was tried ${times}, last on ${day(ghosts.lastAt)}: something still relies on it, or a stranger has a copy.`,
  };
};

/** Of keys that can be used, as far as they themselves go. */
const ACTIVE_RULES: Readonly<Record<FindingCode, Rule>> = {
  leaked: ({ key }) =>
    key.leakedAt
      ? {
          severity: 'high',
          message: `It was found in public on ${day(key.leakedAt)}, and still works. Rotate or revoke it.`,
        }
      : null,

  owner_deactivated: (facts) =>
    isOwned(facts)
      ? null
      : {
          severity: 'medium',
          message: 'Its owner is deactivated: it does not work now, and would again once the owner is back.',
        },

  ghost_use: ghostUse,

  beyond_policy: ({ key, policies }) => {
    const found = violationsOf(policies, { ...key, scopes: enforcedScopes(key) }, bornAt(key));
    if (found.length === 0) return null;
    const told = found.map(({ path, message, policy }) => `${path} ${message} (policy ${policy})`).join('; ');
    return { severity: 'medium', message: `It is from before a policy of your organization: ${told}.` };
  },

  unscoped_admin: (facts) =>
    isOwned(facts) &&
    facts.owner?.role === 'admin' &&
    enforcedScopes(facts.key) === null &&
    facts.policies.allowedScopes === null
      ? {
          severity: 'medium',
          message: 'It can do all that an admin can. Hold it to the scopes that it needs.',
        }
      : null,

  idle: (facts) => {
    const used = lastUseOf(facts);
    const days = daysSince(quietSince(facts), facts.now);
    if (!used || days < idleDaysOf(facts.policies)) return null;
    const policy = facts.policies.idleDays === null ? '' : ' (policy idleDays)';
    return {
      severity: 'medium',
      message: `It has not been used since ${day(used)}, for ${plural(days, 'day')}${policy}.`,
    };
  },

  never_used: (facts) => {
    const days = daysSince(knownSince(facts), facts.now);
    if (lastUseOf(facts) || days < NEVER_USED_DAYS) return null;
    return { severity: 'medium', message: `It has never been used, for ${plural(days, 'day')}.` };
  },

  expires_soon: (facts) => {
    const { expiresAt } = facts.key;
    if (!expiresAt || expiresAt.getTime() > facts.now + SOON_DAYS * DAY_MS) return null;
    const used = wasUsedWithin(facts, MONTH_DAYS);
    return {
      severity: used ? 'medium' : 'low',
      message: used
        ? `It expires on ${day(expiresAt)}, and is in use.`
        : `It expires on ${day(expiresAt)}; nobody has used it for a month.`,
    };
  },

  scope_never_used: (facts) => {
    const { activity, key, owner, now } = facts;
    const since = activity?.permissionsSince;
    const scopes = enforcedScopes(key);
    if (!since || !scopes || !owner || daysSince(since, now) < MONTH_DAYS) return null;
    // A scope that came later was not there to be used.
    if (key.scopesChangedAt && daysSince(key.scopesChangedAt, now) < MONTH_DAYS) return null;
    const unused = effectivePermissions(owner.role, scopes).filter((scope) => !activity.permissions[scope]);
    if (unused.length === 0) return null;
    return {
      severity: 'low',
      message: `It has never used ${unused.join(', ')}, in ${plural(daysSince(since, now), 'day')}. Take out what it does not need.`,
    };
  },

  no_expiry: ({ key }) =>
    key.expiresAt ? null : { severity: 'low', message: 'It never expires. Give it a date, and rotate it.' },
};

/** What can no longer be used can do no harm: but those who try it should know. */
const ENDED_RULES: Readonly<Partial<Record<FindingCode, Rule>>> = { ghost_use: ghostUse };

const findingsOf = (facts: HealthFacts): Finding[] => {
  const rules = statusOf(facts.key, facts.now) === 'active' ? ACTIVE_RULES : ENDED_RULES;
  return FINDING_CODES.flatMap((code) => {
    const found = rules[code]?.(facts);
    return found ? [{ code, ...found }] : [];
  });
};

/**
 * Only where nothing at all, use or attempt, was seen for as long as a key may be idle, and for a month at least. A key
 * of another system that has not been used here yet may be waiting for its callers to come over.
 */
const removalOf = (facts: HealthFacts): SafeToRemove | null => {
  const { key, ghosts, now, policies } = facts;
  const status = statusOf(key, now);
  const days = quietDaysOf(policies);
  if (status === 'revoked' || wasUsedWithin(facts, days)) return null;
  // Whoever uses its children uses nothing of its own, and would miss it.
  if (status === 'active' && key.delegates) return null;
  if (ghosts && ghosts.lastAt.getTime() > now - days * DAY_MS) return null;
  if (status === 'expired') {
    const since = daysSince(key.expiresAt ?? new Date(now), now);
    if (since < MONTH_DAYS) return null;
    return { reason: 'expired', message: `It expired ${since} days ago, and nobody tries it.` };
  }
  if (!isOwned(facts) && daysSince(knownSince(facts), now) >= MONTH_DAYS) {
    return { reason: 'owner_deactivated', message: 'Its owner is deactivated, and nobody tries it.' };
  }
  const used = lastUseOf(facts);
  if (!used && !(key.imported && key.imported.migratedAt === null)) {
    const since = daysSince(knownSince(facts), now);
    if (since < MONTH_DAYS) return null;
    return { reason: 'never_used', message: `It has never been used, for ${since} days.` };
  }
  const quiet = daysSince(quietSince(facts), now);
  if (!used || quiet < days) return null;
  return { reason: 'idle', message: `Nobody has used or tried it for ${quiet} days.` };
};

/** How a key is doing, out of what is known of it. */
export const assessHealth = (facts: HealthFacts): Health => {
  const findings = findingsOf(facts);
  const points = findings.reduce((sum, { severity }) => sum + SEVERITY_POINTS[severity], 0);
  return { score: Math.max(0, 100 - points), findings, safeToRemove: removalOf(facts) };
};
