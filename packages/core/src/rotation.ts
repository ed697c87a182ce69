import type { Peppers } from '@kaana/api-key/digest';
import type { Clock } from './clock.ts';
import { KaanaError } from './errors.ts';
import { requireUnlimitedKey } from './key-quota.ts';
import {
  firstUsed,
  mintSecret,
  type Overlap,
  oldSecretOf,
  rotated,
  rotationCancelled,
  rotationEnded,
  secretsOf,
} from './key-secrets.ts';
import {
  alreadyExpired,
  alreadyRevoked,
  changedMeanwhile,
  type Keys,
  type KeyWithToken,
  keyTarget,
  statusOf,
} from './keys.ts';
import type { ApiKey, KeySecret } from './model.ts';
import { effectivePermissions } from './permissions.ts';
import { expiryViolation, requireKept, violationsOf, withinPolicies } from './policies.ts';
import {
  actorOf,
  type Caller,
  type Change,
  createEvent,
  eventOf,
  type Principal,
  requireAddressesWithin,
  requireWithin,
} from './principal.ts';
import { enforcedIps, enforcedScopes } from './restrictions.ts';
import type { Stores } from './stores.ts';

/** So often may another change of a key's secrets be faster. */
const ATTEMPTS = 20;

/** Errors of all: `not_found`, `already_revoked`, `already_expired`. */
export type Rotation = {
  /**
   * A new secret on the same key; the old one lives on for the overlap. Errors: `rotation_in_progress`,
   * `permission_denied`, `policy_violation`.
   */
  rotate(caller: Caller, id: string, overlap: Overlap): Promise<KeyWithToken>;
  /** The old secret ends at once. Errors: `rotation_not_in_progress`. */
  end(caller: Caller, id: string): Promise<ApiKey>;
  /**
   * The new secret ends at once, and the old one goes on as before, while nobody has used the new one. Errors:
   * `rotation_not_in_progress`, `new_secret_used`, `permission_denied`, `policy_violation`.
   */
  cancel(caller: Caller, id: string): Promise<ApiKey>;
};

const inProgress = () =>
  new KaanaError(
    'rotation_in_progress',
    'This API key is being rotated already: end that rotation, or take it back while its new secret is unused.',
  );
const rotatedMeanwhile = () =>
  new KaanaError('rotation_in_progress', 'Another request rotated this API key at the same moment.');
const notInProgress = () =>
  new KaanaError('rotation_not_in_progress', 'This API key has no old secret that still works.');
const newSecretUsed = () =>
  new KaanaError(
    'new_secret_used',
    'The new secret has been used: what has it would stop working. End the rotation, or rotate the key again.',
  );

const isItself = ({ credential }: Principal, key: ApiKey): boolean =>
  credential.type === 'key' && credential.keyId === key.id;

/** What keeps the key's power in the world: it must not be more than the caller can. */
const requireMayHave = (principal: Principal, key: ApiKey): void => {
  const { account, organization } = principal;
  requireWithin(
    principal,
    withinPolicies(organization, effectivePermissions(account.role, enforcedScopes(key))),
    'yourself',
  );
  requireAddressesWithin(principal, enforcedIps(key));
  if (!isItself(principal, key)) requireUnlimitedKey(principal, 'rotate another one');
};

const expiryOf = (secret: KeySecret | null | undefined): string | null =>
  secret?.expiresAt?.toISOString() ?? null;

export const createRotation = (
  stores: Pick<Stores, 'keys' | 'usage'>,
  get: Keys['get'],
  peppers: Peppers,
  clock: Clock,
): Rotation => {
  const getActive = async (principal: Principal, id: string): Promise<ApiKey> => {
    const key = await get(principal, id);
    if (key.status === 'revoked') throw alreadyRevoked();
    if (statusOf(key, clock()) === 'expired' || key.slot === null) throw alreadyExpired();
    return key;
  };

  const write = (
    caller: Caller,
    key: ApiKey,
    secrets: readonly KeySecret[],
    action: string,
    changes: Change,
  ) =>
    stores.keys.replaceSecrets(
      key.organizationId,
      key.id,
      key.secrets,
      secrets,
      eventOf(clock(), caller, action, keyTarget(key), changes),
    );

  /** Lost to another change of the secrets (a first use, say), a step is decided anew on what came of that. */
  const step = async (
    principal: Principal,
    id: string,
    attempt: (key: ApiKey) => Promise<ApiKey | null>,
  ): Promise<ApiKey> => {
    for (let count = 0; count < ATTEMPTS; count++) {
      const done = await attempt(await getActive(principal, id));
      if (done) return done;
    }
    throw changedMeanwhile();
  };

  return {
    rotate: async (caller, id, overlap) => {
      const { principal } = caller;
      let first: string | undefined;
      let issued = '';
      let dropped: readonly KeySecret[] = [];
      const key = await step(principal, id, async (key) => {
        const now = clock();
        requireMayHave(principal, key);
        // A new secret is as good as a new key: it is not to keep up what a policy no longer allows.
        requireKept(
          violationsOf(
            principal.organization.policies,
            { expiresAt: key.expiresAt, scopes: enforcedScopes(key) },
            new Date(now),
          ),
        );
        const [newest, ...older] = secretsOf(key);
        first ??= newest.id;
        if (newest.id !== first) throw rotatedMeanwhile();
        if (oldSecretOf(key, now)) throw inProgress();
        const { token, secret } = mintSecret(peppers, now);
        const secrets = rotated(key, secret, overlap, now);
        issued = token;
        dropped = older;
        return write(caller, key, secrets, 'key.rotated', {
          start: { from: newest.start, to: secret.start },
          overlapSeconds: { from: null, to: overlap.seconds },
          overlapBegins: { from: null, to: overlap.begins },
          oldSecretExpiresAt: { from: null, to: expiryOf(secrets[1]) },
        });
      });
      // What is left where this fails costs a few bytes.
      const ids = dropped.map(({ id }) => id);
      await stores.usage.forgetSecrets(key.id, ids).catch(() => undefined);
      return { key, token: issued };
    },

    end: (caller, id) =>
      step(caller.principal, id, (key) => {
        const now = clock();
        const old = oldSecretOf(key, now);
        if (!old) throw notInProgress();
        return write(caller, key, rotationEnded(key, now), 'key.rotation_ended', {
          oldSecretExpiresAt: { from: expiryOf(old), to: new Date(now).toISOString() },
        });
      }),

    cancel: (caller, id) => {
      const { principal } = caller;
      return step(principal, id, async (key) => {
        const now = clock();
        // Whoever has the old secret and should not must not be able to keep it alive with it.
        if (isItself(principal, key)) {
          throw new KaanaError('permission_denied', 'An API key cannot take back its own rotation.');
        }
        requireMayHave(principal, key);
        const [newest] = secretsOf(key);
        const old = oldSecretOf(key, now);
        if (!old) throw notInProgress();
        if (!newest.unused) throw newSecretUsed();
        // The key's expiry may have been moved since, within the lifetime that began with the new secret.
        requireKept([expiryViolation(principal.organization.policies, key.expiresAt, old.createdAt)]);
        return write(caller, key, rotationCancelled(key, old, now), 'key.rotation_cancelled', {
          start: { from: newest.start, to: old.start },
          oldSecretExpiresAt: { from: expiryOf(old), to: null },
        });
      });
    },
  };
};

/**
 * Writes down that a key's new secret is in use, before the first request with it is answered. Everybody who comes
 * meanwhile waits for the same write: had it been made before they looked, they would not have found the mark. The key
 * as it is then; `null` where another change was faster: look again.
 */
export type FirstUses = (key: ApiKey, principal: Principal, ip: string | null) => Promise<ApiKey | null>;

export const createFirstUses = (stores: Pick<Stores, 'keys'>, clock: Clock): FirstUses => {
  const underWay = new Map<string, Promise<ApiKey | null>>();

  const write = (key: ApiKey, principal: Principal, ip: string | null): Promise<ApiKey | null> => {
    const now = clock();
    const secrets = firstUsed(key, now);
    const [before, after] = [expiryOf(key.secrets[1]), expiryOf(secrets[1])];
    const event = createEvent(
      now,
      key.organizationId,
      actorOf(principal),
      'key.new_secret_used',
      keyTarget(key),
      {
        newSecretUsed: { from: false, to: true },
        ...(before === after ? {} : { oldSecretExpiresAt: { from: before, to: after } }),
      },
      { requestId: null, ip },
    );
    return stores.keys.replaceSecrets(key.organizationId, key.id, key.secrets, secrets, event);
  };

  return (key, principal, ip) => {
    const { id } = secretsOf(key)[0];
    let writing = underWay.get(id);
    if (!writing) {
      writing = write(key, principal, ip).finally(() => underWay.delete(id));
      underWay.set(id, writing);
    }
    return writing;
  };
};
