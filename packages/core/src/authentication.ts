import { parseToken } from '@kaana/api-key';
import type { Peppers } from '@kaana/api-key/digest';
import { isAddressAllowed } from './addresses.ts';
import {
  assessAncestors,
  type Chain,
  chainReported,
  chainScopes,
  PARENT_REVOKED,
  parentRevoked,
} from './ancestry.ts';
import type { Clock } from './clock.ts';
import { Coalescer } from './coalesce.ts';
import { KaanaError } from './errors.ts';
import { type Candidate, type ForeignTokens, throughMigration } from './foreign-tokens.ts';
import { refusalOfKey } from './ghost-use.ts';
import { isForeignToken } from './imported-hash.ts';
import { isOver } from './key-secrets.ts';
import type { Account, ApiKey, KeySecret, Organization } from './model.ts';
import { quotasOf } from './named-limits.ts';
import { createPrincipal, type Principal } from './principal.ts';
import { enforcedIps, reportedScopes } from './restrictions.ts';
import type { FirstUses } from './rotation.ts';
import { digestSession } from './sessions.ts';
import { type Credentials, NO_ANCESTORS, type Stores } from './stores.ts';
import type { WouldRefuseRecorder } from './would-refuse.ts';

/** Who a key acts as, and the key itself as it was read for this. */
export type KeyPrincipal = Principal & { readonly key: ApiKey };

/** A stored key, the secret of it that a token is, and its owner. */
export type Match = { readonly found: Credentials; readonly secret: KeySecret };

export type Authentication = {
  /**
   * The principal of a token. Errors: `key_malformed`, `key_unknown`, `key_revoked`, `key_expired`,
   * `account_inactive`, `ip_not_allowed` (`ip` `null`: unknown, which no list allows).
   */
  key(token: string, ip: string | null): Promise<KeyPrincipal>;
  /** The first half of `key`: whose token it is, whatever may be wrong with it; or `key_malformed`, `key_unknown`. */
  find(token: string, ip: string | null): Promise<Match | KaanaError>;
  /**
   * Between the two, where it counts as a use: of a new secret, the first one is written down before it is answered, as
   * long as the key can be used. What is the case then; nothing is asked for any other secret.
   */
  use(match: Match, token: string, ip: string | null): Match | Promise<Match | KaanaError>;
  /** The second half: throws what `key` would. With `quiet`, nothing is noted of what would have been refused. */
  principal(match: Match, ip: string | null, options?: { readonly quiet?: boolean }): KeyPrincipal;
  /** The principal of a session cookie's value. Errors: `session_invalid`, `account_inactive`. */
  session(value: string): Promise<Principal>;
};

/** A first use that loses to other changes of its key is looked at again, but not for ever. */
const FIRST_USE_ATTEMPTS = 5;

/** Pure verdicts on a key, one for each thing that can be wrong with it. */
export const assessStatus = ({ status, ancestors, revokedReason }: ApiKey): KaanaError | null => {
  if (status !== 'revoked') return null;
  return ancestors && revokedReason === PARENT_REVOKED
    ? parentRevoked()
    : new KaanaError('key_revoked', 'This API key was revoked. Create a new one under Settings > API Keys.');
};

export const assessExpiry = ({ expiresAt }: ApiKey, now: number): KaanaError | null =>
  expiresAt && expiresAt.getTime() <= now
    ? new KaanaError('key_expired', 'This API key has expired. Create a new one under Settings > API Keys.')
    : null;

export const assessSecret = (secret: KeySecret, now: number): KaanaError | null =>
  isOver(secret, now)
    ? new KaanaError(
        'key_expired',
        'This secret of the API key was rotated out, or taken back, and has expired. Use its current one.',
      )
    : null;

export const assessOwner = (account: Account | null, organization: Organization | null): KaanaError | null =>
  account?.status === 'active' && organization ? null : inactive();

/** `reported`: refused if the list were enforced. */
export const assessAddress = (
  { allowedIps, allowedIpsMode }: Pick<ApiKey, 'allowedIps' | 'allowedIpsMode'>,
  ip: string | null,
): KaanaError | 'reported' | null => {
  if (!allowedIps || allowedIpsMode === 'off' || isAddressAllowed(ip, allowedIps)) return null;
  if (allowedIpsMode === 'report') return 'reported';
  return new KaanaError(
    'ip_not_allowed',
    ip === null
      ? 'This API key can be used from some addresses only, and yours is not known.'
      : `This API key cannot be used from the address ${ip}.`,
  );
};

/** The first thing that is wrong with the key itself. */
export const assessKey = (key: ApiKey, secret: KeySecret, now: number): KaanaError | null =>
  assessStatus(key) ?? assessExpiry(key, now) ?? assessSecret(secret, now);

type Derived = {
  account: Account;
  organization: Organization;
  ancestors: readonly ApiKey[];
  secretId: string;
  principal: KeyPrincipal;
};

/** What follows from a key, its secret and its owner is worked out once for as long as they are the identical objects. */
const derived = new WeakMap<ApiKey, Derived>();

const areSame = (some: readonly ApiKey[], others: readonly ApiKey[]): boolean =>
  some === others || (some.length === others.length && some.every((key, index) => key === others[index]));

/** Scopes in report mode are noted on the keys whose they are. */
const reportedOf = (chain: Chain, wouldRefuse: Pick<WouldRefuseRecorder, 'note'>): Principal['reported'] => {
  const scopes = chainReported(chain);
  return (
    scopes && {
      scopes,
      note: (permission) => {
        for (const key of chain) {
          if (reportedScopes(key)?.includes(permission) === false) wouldRefuse.note(key, 'scope', permission);
        }
      },
    }
  );
};

const principalOf = (
  { key, ancestors }: Pick<Credentials, 'key' | 'ancestors'>,
  secret: KeySecret,
  account: Account,
  organization: Organization,
  wouldRefuse: Pick<WouldRefuseRecorder, 'note'>,
): KeyPrincipal => {
  const known = derived.get(key);
  if (
    known?.account === account &&
    known.organization === organization &&
    known.secretId === secret.id &&
    areSame(known.ancestors, ancestors)
  ) {
    return known.principal;
  }
  const chain: Chain = [key, ...ancestors];
  const principal = {
    ...createPrincipal(
      account,
      organization,
      chainScopes(chain),
      {
        type: 'key',
        keyId: key.id,
        keyName: key.name,
        secretId: secret.id,
        quotas: quotasOf(chain, account),
        ...(key.ancestors ? { ancestors: key.ancestors } : {}),
      },
      { addresses: enforcedIps(key), reported: reportedOf(chain, wouldRefuse) },
    ),
    key,
  };
  derived.set(key, { account, organization, ancestors, secretId: secret.id, principal });
  return principal;
};

const inactive = () =>
  new KaanaError(
    'account_inactive',
    'This account is deactivated. Ask an admin of your organization to reactivate it.',
  );

/**
 * Coalesced, never cached: each request is answered from reads that began after it arrived, so a revocation that was
 * acknowledged before is always seen, on every process.
 */
export const createAuthentication = (
  stores: Pick<Stores, 'credentials' | 'accounts' | 'organizations' | 'sessions'>,
  peppers: Peppers,
  clock: Clock,
  foreign: ForeignTokens,
  firstUses: FirstUses,
  wouldRefuse: Pick<WouldRefuseRecorder, 'note'>,
): Authentication => {
  const credentials = new Coalescer<string, Credentials>((digests) => stores.credentials.find(digests));
  const accounts = new Coalescer<string, Account>((ids) => stores.accounts.getMany(ids));
  const organizations = new Coalescer<string, Organization>((ids) => stores.organizations.getMany(ids));
  const sessions = new Coalescer((digests: readonly string[]) => stores.sessions.getMany(digests));

  /** The stored key and which of its secrets the token is; under several peppers, whichever has minted it. */
  const findKey = async (token: string): Promise<Match | null> => {
    const digests = peppers.digests(token);
    const answers = await Promise.all(digests.map(({ digest }) => credentials.get(digest)));
    for (const [index, found] of answers.entries()) {
      const secret = found?.key.secrets.find(({ digest }) => digest === digests[index]?.digest);
      if (found && secret) return { found, secret };
    }
    return null;
  };

  /** A key that can no longer be used stays as it was imported; its refusal is told all the same. */
  const deadMatch = ({ key, secret }: Candidate): Match | null =>
    assessKey(key, secret, clock())
      ? { found: { key, account: null, organization: null, ancestors: NO_ANCESTORS }, secret }
      : null;

  /** Keys of another system are found as ours are once they have been used; until then, by what it has stored. */
  const findForeign = (token: string, ip: string | null): Promise<Match | null> =>
    throughMigration(foreign, token, { requestId: null, ip }, () => findKey(token), deadMatch);

  const isExpected = (token: string) => isForeignToken(token) && foreign.expected();

  /** Told apart from what was never a token: a key of ours, mistyped, or one of another system. */
  const findUnparsed = async (token: string, ip: string | null, reason: 'format' | 'checksum') =>
    reason === 'format' && (await isExpected(token)) ? findForeign(token, ip) : malformed(reason);

  const locate = (token: string, ip: string | null): Promise<Match | KaanaError | null> => {
    const parsed = parseToken(token);
    return parsed.ok ? findKey(token) : findUnparsed(token, ip, parsed.reason);
  };

  const malformed = (reason: 'format' | 'checksum') =>
    new KaanaError(
      'key_malformed',
      reason === 'checksum'
        ? 'This is not a Kaana API key as we make them: its checksum is wrong. Copy the whole key again.'
        : 'This does not look like a Kaana API key. Send "Authorization: Bearer " and the key as it was shown, without spaces around it.',
    );
  const unknown = () =>
    new KaanaError(
      'key_unknown',
      'No such API key. Check that it belongs to this server and was copied whole.',
    );

  const requireAddress = (key: ApiKey, ip: string | null, quiet: boolean): void => {
    if (!key.allowedIps) return;
    const verdict = assessAddress(key, ip);
    if (verdict === 'reported') {
      if (!quiet) wouldRefuse.note(key, 'ip', ip);
    } else if (verdict) throw verdict;
  };

  const toPrincipal = ({ found, secret }: Match, ip: string | null, quiet: boolean): KeyPrincipal => {
    const { key, account, organization, ancestors } = found;
    const now = clock();
    const refusal = assessKey(key, secret, now) ?? assessAncestors(key, ancestors, now);
    if (refusal) throw refusalOfKey(refusal, key, secret);
    if (account?.status !== 'active' || !organization) throw refusalOfKey(inactive(), key, secret);
    requireAddress(key, ip, quiet);
    for (const ancestor of ancestors) requireAddress(ancestor, ip, quiet);
    return principalOf(found, secret, account, organization, wouldRefuse);
  };

  const find = async (token: string, ip: string | null) => (await locate(token, ip)) ?? unknown();

  /** `null` where it is refused. */
  const admitted = (match: Match, ip: string | null): KeyPrincipal | null => {
    try {
      return toPrincipal(match, ip, true);
    } catch (error) {
      if (error instanceof KaanaError) return null;
      throw error;
    }
  };

  const useFirst = async (first: Match, token: string, ip: string | null): Promise<Match | KaanaError> => {
    let match: Match | KaanaError = first;
    for (let attempt = 0; attempt < FIRST_USE_ATTEMPTS; attempt++) {
      const principal = admitted(match, ip);
      if (!principal) return match;
      const key = await firstUses(match.found.key, principal, ip);
      const [secret] = key?.secrets ?? [];
      if (key && secret) return { found: { ...match.found, key }, secret };
      match = await find(token, ip);
      if (match instanceof KaanaError || !match.secret.unused) return match;
    }
    throw new KaanaError('overloaded', 'This API key is being changed. Try again in a moment.', {
      retryAfterSeconds: 1,
    });
  };
  const use: Authentication['use'] = (match, token, ip) =>
    match.secret.unused ? useFirst(match, token, ip) : match;

  return {
    find,
    use,

    key: async (token, ip) => {
      let match = (await locate(token, ip)) ?? unknown();
      if (match instanceof KaanaError) throw match;
      if (match.secret.unused) match = await useFirst(match, token, ip);
      if (match instanceof KaanaError) throw match;
      return toPrincipal(match, ip, false);
    },

    principal: (match, ip, { quiet = false } = {}) => toPrincipal(match, ip, quiet),

    session: async (value) => {
      const digest = digestSession(value);
      const session = await sessions.get(digest);
      if (!session || session.expiresAt.getTime() <= clock()) {
        throw new KaanaError('session_invalid', 'Your session has ended. Sign in again.');
      }
      const [account, organization] = await Promise.all([
        accounts.get(session.accountId),
        organizations.get(session.organizationId),
      ]);
      if (account?.status !== 'active' || !organization) throw inactive();
      return createPrincipal(account, organization, null, { type: 'session', digest });
    },
  };
};
