import {
  type Account,
  type ApiKey,
  type AuditEvent,
  asItStands,
  type Counts,
  type Domain,
  isOver,
  type KeyActivity,
  type Organization,
  PLAN_TABLE,
  type Policies,
  type PolicyImpact,
  type Principal,
  type Project,
  policyName,
  type QuotaState,
  requestsPerMinute,
  type Session,
  shownMode,
  statusOf,
  total,
} from '@kaana/core';
import { wouldRefuseOf } from './would-refuse.ts';

/** Entities as they travel: dates as ISO 8601 strings, and nothing that is not in the contract. */
const iso = (date: Date): string => date.toISOString();
const isoOrNull = (date: Date | null | undefined): string | null => date?.toISOString() ?? null;

export const toDate = (text: string): Date => new Date(text);
export const toDateOrNull = (text: string | null | undefined): Date | null => (text ? new Date(text) : null);

/** One page and where the next one begins: `limit + 1` items are asked for, to know whether there is a next one. */
export const toPage = <Item extends { readonly id: string }>(items: readonly Item[], limit: number) => {
  const data = items.slice(0, limit);
  return { data, nextCursor: items.length > limit ? (data.at(-1)?.id ?? null) : null };
};
/** What a list of `limit` asks a store for. */
export const pageQuery = ({ limit, cursor }: { limit: number; cursor?: string | undefined }) => ({
  limit: limit + 1,
  before: cursor,
});

export const toAccountSummary = ({ id, name, email }: Account) => ({ id, name, email });
export const unknownAccount = (id: string) => ({ id, name: '(removed)', email: '' });
export const toOrganizationSummary = ({ id, name, plan }: Organization) => ({ id, name, plan });

export const toUser = ({ account, organization, permissions }: Principal) => ({
  id: account.id,
  email: account.email,
  name: account.name,
  role: account.role,
  status: account.status,
  organization: toOrganizationSummary(organization),
  permissions: [...permissions],
});

/** `state`: of a key that has credits. */
const toCredits = ({ credits }: ApiKey, state: QuotaState | undefined, now: number) => {
  if (!credits?.metered || !state) return null;
  const { remaining, resetSeconds } = state;
  return {
    remaining,
    refill: credits.refill && { amount: credits.refill.amount, every: credits.refill.every },
    refillsAt: resetSeconds === null ? null : iso(new Date(now + resetSeconds * 1000)),
  };
};

export const toLimitState = (state: QuotaState) => ({
  name: policyName(state),
  limit: state.limit,
  remaining: state.remaining,
  resetSeconds: state.resetSeconds,
  windowSeconds: state.windowSeconds,
});

const toKey = (
  key: ApiKey,
  owner: Account | undefined,
  activity: KeyActivity | undefined,
  wouldRefuse: { count: number; lastAt: string } | null,
  credits: QuotaState | undefined,
  now: number,
) => ({
  id: key.id,
  name: key.name,
  start: key.secrets[0]?.start ?? '',
  status: statusOf(key, now),
  scopes: key.scopes && [...key.scopes],
  scopesMode: shownMode(key.scopes, key.scopesMode),
  allowedIps: key.allowedIps && [...key.allowedIps],
  allowedIpsMode: shownMode(key.allowedIps, key.allowedIpsMode),
  wouldRefuse,
  limits: [...(key.limits ?? [])],
  credits: toCredits(key, credits, now),
  createdAt: iso(key.createdAt),
  lastUsedAt: isoOrNull(activity?.lastUsedAt),
  lastUsedIp: activity?.ip || null,
  lastUsedUserAgent: activity?.userAgent || null,
  expiresAt: isoOrNull(key.expiresAt),
  revokedAt: isoOrNull(key.revokedAt),
  revokedReason: key.revokedReason,
  parentId: key.parentId ?? null,
  createdBy: owner ? toAccountSummary(owner) : unknownAccount(key.accountId),
  leakedAt: isoOrNull(key.leakedAt),
  leakSource: key.leakSource ?? null,
  imported: key.imported
    ? {
        externalId: key.imported.externalId,
        format: key.imported.format,
        at: iso(key.imported.at),
        migratedAt: isoOrNull(key.imported.migratedAt),
      }
    : null,
  secrets: toSecrets(key, activity, now),
});

const toSecrets = (key: ApiKey, activity: KeyActivity | undefined, now: number) => {
  const waiting = key.secrets[0]?.unused?.overlapSeconds ?? null;
  return key.secrets.map((secret, index) => {
    const { id, start, createdAt, expiresAt, unused } = secret;
    const lastUse = activity?.secrets[id];
    return {
      id,
      start,
      createdAt: iso(createdAt),
      expiresAt: isoOrNull(expiresAt),
      expiresAfterFirstUseSeconds: index > 0 && !isOver(secret, now) ? waiting : null,
      unused: unused !== undefined,
      lastUsedAt: isoOrNull(lastUse?.at),
      lastUsedIp: lastUse?.ip || null,
      lastUsedUserAgent: lastUse?.userAgent || null,
    };
  });
};

/** Child keys as their ancestors, read together, leave them; the others as they are. */
const standing = async ({ stores, clock }: Domain, keys: readonly ApiKey[]): Promise<readonly ApiKey[]> => {
  const [child] = keys.filter(({ ancestors }) => ancestors);
  if (!child) return keys;
  const ids = new Set(keys.flatMap(({ ancestors = [] }) => ancestors));
  const found = await stores.keys.getMany(child.organizationId, [...ids]);
  const now = clock();
  return keys.map((key) =>
    asItStands(
      key,
      found.filter(({ id }) => key.ancestors?.includes(id)),
      now,
    ),
  );
};

/**
 * Keys with their owners and last uses, read in two queries whatever their number, a third one for lists in report mode,
 * a fourth for credits, and one for what child keys come from.
 */
export const toKeys = async (domain: Domain, stored: readonly ApiKey[]) => {
  const { stores, clock, quotas } = domain;
  const keys = await standing(domain, stored);
  const [owners, activity, wouldRefuse, credits] = await Promise.all([
    stores.accounts.getMany([...new Set(keys.map(({ accountId }) => accountId))]),
    stores.usage.activity(keys.map(({ id }) => id)),
    wouldRefuseOf(domain, keys),
    quotas.credits(keys),
  ]);
  const now = clock();
  return keys.map((key) => {
    const { id, accountId } = key;
    const refused = wouldRefuse.get(id) ?? null;
    return toKey(key, owners.get(accountId), activity.get(id), refused, credits.get(id), now);
  });
};
export const toOneKey = async (domain: Domain, key: ApiKey) => {
  const [one] = await toKeys(domain, [key]);
  if (!one) throw new Error('one key in, none out');
  return one;
};

export const toProjects = async ({ stores }: Domain, projects: readonly Project[]) => {
  const ids = projects.flatMap(({ createdBy }) => createdBy ?? []);
  const creators =
    ids.length > 0 ? await stores.accounts.getMany([...new Set(ids)]) : new Map<string, Account>();
  return projects.map(({ id, name, description, createdAt, updatedAt, createdBy }) => {
    const creator = createdBy === null ? undefined : creators.get(createdBy);
    return {
      id,
      name,
      description,
      createdAt: iso(createdAt),
      updatedAt: iso(updatedAt),
      createdBy: creator ? toAccountSummary(creator) : null,
    };
  });
};
export const toOneProject = async (domain: Domain, project: Project) => {
  const [one] = await toProjects(domain, [project]);
  if (!one) throw new Error('one project in, none out');
  return one;
};

export const toMember = (account: Account, activeKeys: number) => ({
  ...toAccountSummary(account),
  role: account.role,
  status: account.status,
  createdAt: iso(account.createdAt),
  lastSignedInAt: isoOrNull(account.lastSignedInAt),
  activeKeys,
  limits: [...(account.limits ?? [])],
});

const toPolicies = ({ allowedScopes, ...policies }: Policies) => ({
  ...policies,
  allowedScopes: allowedScopes && [...allowedScopes],
});

export const toOrganization = (organization: Organization) => ({
  ...toOrganizationSummary(organization),
  operator: organization.operator,
  createdAt: iso(organization.createdAt),
  limits: {
    activeKeys: PLAN_TABLE[organization.plan].activeKeys,
    requestsPerMinute: requestsPerMinute(organization),
  },
  policies: toPolicies(organization.policies),
});

export const toPolicyImpact = ({ counts, examples, ...impact }: PolicyImpact) => ({
  ...impact,
  ...counts,
  examples: examples.map(({ key, owner, reasons, loses }) => ({
    id: key.id,
    name: key.name,
    start: key.secrets[0]?.start ?? '',
    owner: owner ? toAccountSummary(owner) : unknownAccount(key.accountId),
    reasons: [...reasons],
    loses: [...loses],
  })),
});

export const toUsageCounts = (counts: Counts) => ({ total: total(counts), ...counts });

export const toSession = (session: Session, { credential }: Principal) => ({
  id: session.id,
  createdAt: iso(session.createdAt),
  expiresAt: iso(session.expiresAt),
  ip: session.ip,
  userAgent: session.userAgent,
  current: credential.type === 'session' && credential.digest === session.digest,
});

export const toAuditEvent = ({ organizationId: _organizationId, at, ...event }: AuditEvent) => ({
  ...event,
  at: iso(at),
});

type Defined<Fields> = { [Name in keyof Fields]: Exclude<Fields[Name], undefined> };
/** Without the fields that are `undefined`: what is not named is not changed. */
export const defined = <Fields extends object>(fields: Fields): Partial<Defined<Fields>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<
    Defined<Fields>
  >;
