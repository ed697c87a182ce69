import { addressesOutside } from './addresses.ts';
import { KaanaError } from './errors.ts';
import { createId } from './ids.ts';
import type { Account, Actor, AuditEvent, Organization } from './model.ts';
import type { Quota } from './named-limits.ts';
import {
  effectivePermissions,
  missingPermissions,
  type Permission,
  type Reach,
  ROLE_TABLE,
} from './permissions.ts';
import { withinPolicies } from './policies.ts';

/** Who a request acts as, with the permissions that result. */
export type Principal = {
  readonly account: Account;
  readonly organization: Organization;
  readonly permissions: readonly Permission[];
  readonly reach: Reach;
  /** The addresses and ranges that it is held to; `null`: any. */
  readonly addresses: readonly string[] | null;
  /** Scopes that it may exceed, but not unnoticed; `null`: none. */
  readonly reported: ReportedScopes | null;
  readonly credential:
    | { readonly type: 'session'; readonly digest: string }
    | {
        readonly type: 'key';
        readonly keyId: string;
        readonly keyName: string;
        readonly secretId: string;
        /** Of a child key: the keys that it comes from, its parent first. */
        readonly ancestors?: readonly string[];
        /** What its requests count against beside the plan; `null`: nothing. */
        readonly quotas: readonly Quota[] | null;
      };
};

/** Scopes in report mode: the key has all that its owner has, and each use beyond its scopes is noted. */
export type ReportedScopes = {
  readonly scopes: readonly Permission[];
  note(permission: Permission): void;
};

/** Where a request comes from, for audit and activity. */
export type Origin = { readonly requestId: string | null; readonly ip: string | null };

/** A principal at work: what every function that changes something takes first. */
export type Caller = { readonly principal: Principal; readonly origin: Origin };

export const createPrincipal = (
  account: Account,
  organization: Organization,
  scopes: readonly Permission[] | null,
  credential: Principal['credential'],
  { addresses = null, reported = null }: Partial<Pick<Principal, 'addresses' | 'reported'>> = {},
): Principal => ({
  account,
  organization,
  // The organization is read for every request, so that a narrower policy holds for the next one, on every process.
  permissions:
    credential.type === 'key'
      ? withinPolicies(organization, effectivePermissions(account.role, scopes))
      : effectivePermissions(account.role, scopes),
  reach: ROLE_TABLE[account.role].reach,
  addresses,
  reported,
  credential,
});

/** Counts those of the permissions that scopes in report mode would have refused. */
export const noteReported = ({ reported }: Principal, permissions: readonly Permission[]): void => {
  if (!reported) return;
  for (const permission of missingPermissions(reported.scopes, permissions)) reported.note(permission);
};

export const requirePermission = (principal: Principal, permission: Permission): void => {
  if (principal.permissions.includes(permission)) {
    if (principal.reported) noteReported(principal, [permission]);
    return;
  }
  const inRole = ROLE_TABLE[principal.account.role].permissions.includes(permission);
  if (
    principal.credential.type === 'key' &&
    !withinPolicies(principal.organization, [permission]).includes(permission)
  ) {
    throw new KaanaError(
      'permission_denied',
      `Your organization's policy (allowedScopes) does not let API keys do this: it needs ${permission}.`,
    );
  }
  throw new KaanaError(
    'permission_denied',
    inRole
      ? `This API key is limited to other scopes: it needs ${permission}.`
      : `Your role, ${principal.account.role}, does not include ${permission}. Ask an admin of your organization.`,
  );
};

/** Nobody hands out more than they have: throws where `wanted` goes beyond the principal's own permissions. */
export const requireWithin = (principal: Principal, wanted: readonly Permission[], what: string): void => {
  const missing = missingPermissions(principal.permissions, wanted);
  if (missing.length === 0) {
    noteReported(principal, wanted);
    return;
  }
  throw new KaanaError(
    'permission_denied',
    `You cannot give ${what} more than you have: ${missing.join(', ')} is beyond your own permissions.`,
  );
};

/** The same for addresses: whoever is held to some makes no key that works from others. `wanted` `null`: any. */
export const requireAddressesWithin = ({ addresses }: Principal, wanted: readonly string[] | null): void => {
  const beyond = addressesOutside(addresses, wanted);
  if (beyond.length === 0) return;
  throw new KaanaError(
    'permission_denied',
    `This API key is held to ${addresses?.join(', ')}: it cannot give a key ${beyond.join(', ')}.`,
  );
};

/** The account filter that the principal's reach puts on keys and usage; `undefined`: the whole organization. */
export const accountInReach = (principal: Principal): string | undefined =>
  principal.reach === 'organization' ? undefined : principal.account.id;

export const actorOf = ({ account, credential }: Principal): Actor =>
  credential.type === 'key'
    ? {
        type: 'key',
        id: account.id,
        name: `${account.email} (${credential.keyName})`,
        keyId: credential.keyId,
      }
    : { type: 'account', id: account.id, name: account.email, keyId: null };

export const SYSTEM: Actor = { type: 'system', id: null, name: 'system', keyId: null };
export const OPERATOR: Actor = { type: 'operator', id: null, name: 'operator', keyId: null };
export const ANONYMOUS: Actor = { type: 'anonymous', id: null, name: 'anonymous', keyId: null };

export type Change = AuditEvent['changes'];

export const createEvent = (
  now: number,
  organizationId: string,
  actor: Actor,
  action: string,
  target: AuditEvent['target'],
  changes: Change,
  origin: Origin = { requestId: null, ip: null },
): AuditEvent => ({
  id: createId('evt', now),
  organizationId,
  at: new Date(now),
  action,
  actor,
  target,
  changes,
  requestId: origin.requestId,
  ip: origin.ip,
});

/** `createEvent` for a caller acting inside its own organization. */
export const eventOf = (
  now: number,
  { principal, origin }: Caller,
  action: string,
  target: AuditEvent['target'],
  changes: Change = {},
): AuditEvent =>
  createEvent(now, principal.organization.id, actorOf(principal), action, target, changes, origin);

const plain = (value: unknown): unknown => (value instanceof Date ? value.toISOString() : value);

/** The fields of `wanted` that differ from `current`, as before and after; `null` where nothing would change. */
export const changesOf = <Entity extends object>(current: Entity, wanted: Partial<Entity>): Change | null => {
  const changes: Record<string, { from: unknown; to: unknown }> = {};
  for (const [field, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    const from = plain(current[field as keyof Entity] ?? null);
    const to = plain(value);
    if (JSON.stringify(from) !== JSON.stringify(to)) changes[field] = { from, to };
  }
  return Object.keys(changes).length > 0 ? changes : null;
};
