import { addressesOutside } from './addresses.ts';
import { KaanaError } from './errors.ts';
import type { ApiKey } from './model.ts';
import { missingPermissions, type Permission } from './permissions.ts';
import { DAY_MS, LIFETIME_GRACE_MS } from './policies.ts';
import { enforcedIps, enforcedScopes, reportedScopes } from './restrictions.ts';

/**
 * What the keys that a child key comes from mean for it. A chain is a key and its ancestors, the key first and its
 * parent next: what the key may do, all of them may.
 */
export type Chain = readonly [ApiKey, ...ApiKey[]];

/** A child, its child, and the child of that. */
export const MAX_CHILD_DEPTH = 3;
/** Of one key, that are neither revoked nor expired. */
export const MAX_CHILDREN = 100;
export const MAX_CHILD_DAYS = 30;
/** They make what outlives the child, and its parent: a key or an account of its own. */
export const NEVER_DELEGATED: readonly Permission[] = ['keys:write', 'members:write'];

export const PARENT_REVOKED = 'The key that it comes from was revoked';

/** The first of a key's ancestors that keeps it from working; `missing`: it is not there any more. */
const deadAncestor = (
  { ancestors: ids }: ApiKey,
  ancestors: readonly ApiKey[],
  now: number,
): ApiKey | 'missing' | null => {
  if (!ids) return null;
  if (ancestors.length < ids.length) return 'missing';
  return (
    ancestors.find(({ status }) => status === 'revoked') ??
    ancestors.find(({ expiresAt }) => expiresAt && expiresAt.getTime() <= now) ??
    null
  );
};

export const parentRevoked = () =>
  new KaanaError(
    'key_revoked',
    'This API key is a child key, and a parent key of it was revoked. Make a child of another key.',
  );

/** The verdict on a child key that follows from its ancestors. */
export const assessAncestors = (
  key: ApiKey,
  ancestors: readonly ApiKey[],
  now: number,
): KaanaError | null => {
  const dead = deadAncestor(key, ancestors, now);
  if (!dead) return null;
  return dead === 'missing' || dead.status === 'revoked'
    ? parentRevoked()
    : new KaanaError(
        'key_expired',
        'This API key is a child key, and a parent key of it has expired. Make a child of another key.',
      );
};

/** A child key as it is to be shown: it has ended where one that it comes from has, and ends with the first of them. */
export const asItStands = (key: ApiKey, ancestors: readonly ApiKey[], now: number): ApiKey => {
  if (!key.ancestors || key.status === 'revoked') return key;
  const dead = deadAncestor(key, ancestors, now);
  if (dead === 'missing' || dead?.status === 'revoked') {
    const revokedAt = dead === 'missing' ? null : dead.revokedAt;
    return { ...key, status: 'revoked', revokedAt, revokedReason: PARENT_REVOKED };
  }
  return { ...key, expiresAt: firstExpiry([key, ...ancestors]) };
};

/** When the first of them expires. */
export const firstExpiry = (keys: readonly ApiKey[]): Date | null =>
  keys.reduce<Date | null>(
    (first, { expiresAt }) => (expiresAt && (!first || expiresAt < first) ? expiresAt : first),
    null,
  );

/** What all the lists contain; `null`: there are none. */
const common = (lists: readonly (readonly Permission[] | null)[]): readonly Permission[] | null =>
  lists.reduce(
    (held, list) => (held && list ? held.filter((permission) => list.includes(permission)) : (held ?? list)),
    null,
  );

/** The scopes that a key is held to, with all that it comes from; `null`: it has all that its owner has. */
export const chainScopes = (chain: Chain): readonly Permission[] | null => common(chain.map(enforcedScopes));

/** The scopes in report mode, of itself or of what it comes from, that it may exceed; `null`: none. */
export const chainReported = (chain: Chain): readonly Permission[] | null =>
  common(chain.map(reportedScopes));

const invalid = (path: string, message: string) =>
  new KaanaError('invalid_input', `${path} ${message}.`, { errors: [{ path, message }] });

/** `scopes`: those that are enforced. */
export const requireScopesOfChild = (
  parents: readonly ApiKey[],
  scopes: readonly Permission[] | null,
): void => {
  if (scopes === null) throw invalid('scopes', 'of a child key must be given, and are always enforced');
  const held = common([...parents.map(enforcedScopes)]);
  const beyond = [
    ...(held ? missingPermissions(held, scopes) : []),
    ...scopes.filter((scope) => NEVER_DELEGATED.includes(scope)),
  ];
  if (beyond.length === 0) return;
  throw new KaanaError(
    'permission_denied',
    `A child key cannot have ${[...new Set(beyond)].join(', ')}: ${NEVER_DELEGATED.join(' and ')} are for keys of their own, and the rest is for its parent to have first.`,
  );
};

export const requireExpiryOfChild = (
  parents: readonly ApiKey[],
  expiresAt: Date | null,
  now: number,
): void => {
  const parentsEnd = firstExpiry(parents);
  const latest = now + MAX_CHILD_DAYS * DAY_MS;
  if (expiresAt && expiresAt.getTime() <= now) throw invalid('expiresAt', 'must be in the future');
  if (expiresAt && parentsEnd && expiresAt > parentsEnd) {
    throw invalid('expiresAt', `must not be later than its parent's, ${parentsEnd.toISOString()}`);
  }
  if (expiresAt && expiresAt.getTime() <= latest + LIFETIME_GRACE_MS) return;
  throw invalid('expiresAt', `of a child key must be within ${MAX_CHILD_DAYS} days`);
};

/** `addresses`: those that are enforced. */
export const requireAddressesOfChild = (
  parents: readonly ApiKey[],
  addresses: readonly string[] | null,
): void => {
  for (const parent of parents) {
    const beyond = addressesOutside(enforcedIps(parent), addresses);
    if (beyond.length === 0) continue;
    throw new KaanaError(
      'permission_denied',
      `"${parent.name}", which this key comes from, is held to ${parent.allowedIps?.join(', ')}: its children cannot have ${beyond.join(', ')}.`,
    );
  }
};
