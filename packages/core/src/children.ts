import {
  MAX_CHILD_DEPTH,
  MAX_CHILDREN,
  parentRevoked,
  requireAddressesOfChild,
  requireExpiryOfChild,
  requireScopesOfChild,
} from './ancestry.ts';
import type { Clock } from './clock.ts';
import { KaanaError } from './errors.ts';
import { changeCredits, type RefillInput } from './key-quota.ts';
import { freeSlot, type Keys, type KeyWithToken } from './keys.ts';
import type { ApiKey } from './model.ts';
import { canonicalLimits, type NamedLimit } from './named-limits.ts';
import type { Permission } from './permissions.ts';
import { expiryViolation, requireKept, scopesViolation } from './policies.ts';
import { type Caller, type Principal, requireWithin } from './principal.ts';
import { enforcedIps } from './restrictions.ts';
import type { KeyQuery, Stores } from './stores.ts';

export type NewChild = {
  readonly name: string;
  readonly scopes: readonly Permission[];
  readonly expiresAt: Date;
  /** Where they are not given, its parent's. */
  readonly allowedIps?: readonly string[] | undefined;
  readonly limits?: readonly NamedLimit[] | undefined;
  /** A budget, beside its parent's credits. */
  readonly credits?:
    | { readonly remaining: number; readonly refill?: RefillInput | null | undefined }
    | undefined;
};

/**
 * Keys that a key makes out of itself: narrower, with an end, and gone with it (see `ancestry.ts`). A key sees and
 * revokes those that come from it, and by this no others.
 */
export type Children = {
  /**
   * Makes a child of the calling key. Errors: `permission_denied` (more than the key has itself, too deep),
   * `invalid_input` (later than its end), `policy_violation`, `key_limit_reached`, `key_revoked`.
   */
  create(caller: Caller, input: NewChild): Promise<KeyWithToken>;
  /** Those that come from the calling key, over whatever others, newest first. */
  list(
    principal: Principal,
    query: Pick<KeyQuery, 'limit' | 'before' | 'status'>,
  ): Promise<readonly ApiKey[]>;
  /** Final. Errors: `not_found` for whatever does not come from the calling key, `already_revoked`. */
  revoke(caller: Caller, id: string, reason: string | null): Promise<ApiKey>;
};

export const createChildren = (
  stores: Pick<Stores, 'keys' | 'children'>,
  keys: Keys,
  clock: Clock,
): Children => {
  const callingKeyId = ({ credential }: Principal): string => {
    if (credential.type === 'key') return credential.keyId;
    throw new KaanaError(
      'permission_denied',
      'Child keys are made, listed and revoked here by the key that they come from: call this with an API key.',
    );
  };

  /** The calling key and those that it comes from, itself first. */
  const chainOf = async (
    { organization }: Principal,
    id: string,
  ): Promise<readonly [ApiKey, ...ApiKey[]]> => {
    const key = await stores.keys.get(organization.id, id);
    if (!key) throw parentRevoked();
    const { ancestors = [] } = key;
    const above = ancestors.length > 0 ? await stores.keys.getMany(organization.id, ancestors) : [];
    return [key, ...above.toSorted((a, b) => ancestors.indexOf(a.id) - ancestors.indexOf(b.id))];
  };

  /** As the slots of an account: a unique index lets no two living children of a key have the same place. */
  const freePlace = async (parentId: string): Promise<number> => {
    const look = async () => freeSlot(await stores.children.places(parentId), MAX_CHILDREN);
    let place = await look();
    if (place === null && (await stores.children.releaseExpired(parentId, new Date(clock()))) > 0) {
      place = await look();
    }
    if (place !== null) return place;
    throw new KaanaError(
      'key_limit_reached',
      `An API key may have ${MAX_CHILDREN} children at a time. Revoke one that is no longer needed, or wait until one expires.`,
    );
  };

  return {
    create: async (caller, input) => {
      const { principal } = caller;
      const { policies } = principal.organization;
      const parents = await chainOf(principal, callingKeyId(principal));
      const [parent] = parents;
      if (parents.length > MAX_CHILD_DEPTH) {
        throw new KaanaError(
          'permission_denied',
          `Child keys can be made ${MAX_CHILD_DEPTH} deep, and this one is as deep as that: it can have no children.`,
        );
      }
      const now = clock();
      requireExpiryOfChild(parents, input.expiresAt, now);
      requireKept([
        expiryViolation(policies, input.expiresAt, new Date(now)),
        scopesViolation(policies, input.scopes),
      ]);
      requireScopesOfChild(parents, input.scopes);
      requireWithin(principal, input.scopes, 'a child key');
      if (input.allowedIps) requireAddressesOfChild(parents, input.allowedIps);
      if (!parent.delegates && !(await stores.children.markParent(parent.organizationId, parent.id))) {
        throw parentRevoked();
      }
      return keys.add(
        caller,
        {
          name: input.name,
          scopes: input.scopes,
          scopesMode: 'enforce',
          allowedIps: input.allowedIps ?? parents.map(enforcedIps).find((list) => list !== null) ?? null,
          allowedIpsMode: 'enforce',
          expiresAt: input.expiresAt,
          limits: canonicalLimits(input.limits),
          credits: input.credits ? changeCredits(null, input.credits, now) : null,
          parentId: parent.id,
          ancestors: [parent.id, ...(parent.ancestors ?? [])],
        },
        () => freePlace(parent.id),
      );
    },

    list: async (principal, query) =>
      stores.keys.list({
        ...query,
        organizationId: principal.organization.id,
        ancestorId: callingKeyId(principal),
        now: new Date(clock()),
      }),

    revoke: async (caller, id, reason) => {
      const { principal } = caller;
      const key = await stores.keys.get(principal.organization.id, id);
      if (!key?.ancestors?.includes(callingKeyId(principal))) {
        throw new KaanaError('not_found', 'No such child of this API key.');
      }
      return keys.revoke(caller, id, reason);
    },
  };
};
