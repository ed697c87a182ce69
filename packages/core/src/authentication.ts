import { BlockList, isIPv6 } from 'node:net';
import { parseToken } from '@kaana/api-key';
import type { Peppers } from '@kaana/api-key/digest';
import type { Clock } from './clock.ts';
import { Coalescer } from './coalesce.ts';
import { KaanaError } from './errors.ts';
import type { Account, ApiKey, KeySecret, Organization } from './model.ts';
import { createPrincipal, type Principal } from './principal.ts';
import { digestSession } from './sessions.ts';
import type { Stores } from './stores.ts';

export type Authentication = {
  /**
   * The principal of a token. Errors: `key_malformed`, `key_unknown`, `key_revoked`, `key_expired`,
   * `account_inactive`, `ip_not_allowed` (`ip` `null`: not checked).
   */
  key(token: string, ip: string | null): Promise<Principal>;
  /** The principal of a session cookie's value. Errors: `session_invalid`, `account_inactive`. */
  session(value: string): Promise<Principal>;
};

const revoked = () =>
  new KaanaError('key_revoked', 'This API key was revoked. Create a new one under Settings > API Keys.');

/** A pure verdict on the key itself. */
export const assessKey = (key: ApiKey, secret: KeySecret, now: number): KaanaError | null => {
  if (key.status === 'revoked') return revoked();
  if (key.expiresAt && key.expiresAt.getTime() <= now) {
    return new KaanaError(
      'key_expired',
      'This API key has expired. Create a new one under Settings > API Keys.',
    );
  }
  if (secret.expiresAt && secret.expiresAt.getTime() <= now) {
    return new KaanaError(
      'key_expired',
      'This API key was rotated, and its old secret has expired. Use the new one.',
    );
  }
  return null;
};

/** `allowed`: addresses and CIDR ranges, as the contract has checked them. An IPv4-mapped IPv6 address counts as IPv4. */
export const isAddressAllowed = (ip: string, allowed: readonly string[]): boolean => {
  const list = new BlockList();
  for (const entry of allowed) {
    const [address = '', prefix] = entry.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4');
};

/**
 * Coalesced, never cached: each request is answered from reads that began after it arrived, so a revocation that was
 * acknowledged before is always seen, on every process.
 */
export const createAuthentication = (
  stores: Pick<Stores, 'keys' | 'accounts' | 'organizations' | 'sessions'>,
  peppers: Peppers,
  clock: Clock,
): Authentication => {
  const keys = new Coalescer<string, ApiKey>((digests) => stores.keys.findByDigests(digests));
  const accounts = new Coalescer<string, Account>((ids) => stores.accounts.getMany(ids));
  const organizations = new Coalescer<string, Organization>((ids) => stores.organizations.getMany(ids));
  const sessions = new Coalescer((digests: readonly string[]) => stores.sessions.getMany(digests));

  const findKey = async (token: string): Promise<{ key: ApiKey; secret: KeySecret } | null> => {
    const found = await Promise.all(
      peppers.digests(token).map(async ({ digest }) => ({ digest, key: await keys.get(digest) })),
    );
    for (const { digest, key } of found) {
      const secret = key?.secrets.find((candidate) => candidate.digest === digest);
      if (key && secret) return { key, secret };
    }
    return null;
  };

  const owner = async (accountId: string, organizationId: string) => {
    const [account, organization] = await Promise.all([
      accounts.get(accountId),
      organizations.get(organizationId),
    ]);
    if (!account || !organization || account.status !== 'active') {
      throw new KaanaError(
        'account_inactive',
        'This account is deactivated. Ask an admin of your organization to reactivate it.',
      );
    }
    return { account, organization };
  };

  return {
    key: async (token, ip) => {
      const parsed = parseToken(token);
      if (!parsed.ok) {
        throw new KaanaError(
          'key_malformed',
          parsed.reason === 'checksum'
            ? 'This is not a Kaana API key as we make them: its checksum is wrong. Copy the whole key again.'
            : 'This does not look like a Kaana API key. Send "Authorization: Bearer " and the key as it was shown, without spaces around it.',
        );
      }
      const found = await findKey(token);
      if (!found) {
        throw new KaanaError(
          'key_unknown',
          'No such API key. Check that it belongs to this server and was copied whole.',
        );
      }
      const { key, secret } = found;
      const refusal = assessKey(key, secret, clock());
      if (refusal) throw refusal;
      const { account, organization } = await owner(key.accountId, key.organizationId);
      if (key.allowedIps && ip !== null && !isAddressAllowed(ip, key.allowedIps)) {
        throw new KaanaError('ip_not_allowed', `This API key cannot be used from the address ${ip}.`);
      }
      return createPrincipal(account, organization, key.scopes, {
        type: 'key',
        keyId: key.id,
        keyName: key.name,
        secretId: secret.id,
      });
    },

    session: async (value) => {
      const digest = digestSession(value);
      const session = await sessions.get(digest);
      if (!session || session.expiresAt.getTime() <= clock()) {
        throw new KaanaError('session_invalid', 'Your session has ended. Sign in again.');
      }
      const { account, organization } = await owner(session.accountId, session.organizationId);
      return createPrincipal(account, organization, null, { type: 'session', digest });
    },
  };
};
