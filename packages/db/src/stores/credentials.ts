import {
  type Account,
  type ApiKey,
  BoundedMap,
  type CredentialStore,
  type Credentials,
  type Organization,
} from '@kaana/core';
import { Decoded, idOf } from '../decoded.ts';
import { toAccount } from '../entity.ts';
import type { Models } from '../schemas.ts';
import { toKey } from './key-entity.ts';
import { toOrganization } from './organizations.ts';

/** About 3 kB a key. What is not kept is decoded again, and costs a second round trip. */
const KEPT = 16_384;

type Found = {
  readonly keys: ApiKey[];
  readonly accounts: Map<string, Account>;
  readonly organizations: Map<string, Organization>;
};

/**
 * What every request with a key needs, in one round trip: keys by the digests of their secrets, and in the same
 * aggregation the accounts and organizations. Whose a key is never changes, so that its owner, once seen, can be asked
 * for together with the key; only a key that this process has not seen costs a second round trip.
 */
export const createCredentialStore = ({ keys, accounts, organizations }: Models): CredentialStore => {
  const decodedKeys = new Decoded<ApiKey>(toKey, KEPT);
  const decodedAccounts = new Decoded<Account>(toAccount, KEPT);
  const decodedOrganizations = new Decoded<Organization>(toOrganization, KEPT);
  /** Digest -> the key it was last seen at. */
  const seen = new BoundedMap<string, string>(KEPT);

  const byId = (ids: Iterable<string>) => [{ $match: { _id: { $in: [...ids] } } }];

  const read = async (
    digests: readonly string[],
    accountIds: ReadonlySet<string>,
    organizationIds: ReadonlySet<string>,
  ): Promise<Found> => {
    const owners =
      accountIds.size === 0
        ? []
        : [
            { $unionWith: { coll: accounts.collection.collectionName, pipeline: byId(accountIds) } },
            {
              $unionWith: { coll: organizations.collection.collectionName, pipeline: byId(organizationIds) },
            },
          ];
    const documents = (await keys.collection
      .aggregate([{ $match: { 'secrets.digest': { $in: digests } } }, ...owners], {
        raw: true,
        batchSize: digests.length + accountIds.size + organizationIds.size + 1,
      })
      .toArray()) as Buffer[];
    const found: Found = { keys: [], accounts: new Map(), organizations: new Map() };
    for (const bytes of documents) {
      const id = idOf(bytes);
      if (accountIds.has(id)) found.accounts.set(id, decodedAccounts.decode(id, bytes));
      else if (organizationIds.has(id)) found.organizations.set(id, decodedOrganizations.decode(id, bytes));
      else found.keys.push(decodedKeys.decode(id, bytes));
    }
    return found;
  };

  const ownersOf = (known: Iterable<ApiKey>) => {
    const accountIds = new Set<string>();
    const organizationIds = new Set<string>();
    for (const { accountId, organizationId } of known) {
      accountIds.add(accountId);
      organizationIds.add(organizationId);
    }
    return { accountIds, organizationIds };
  };

  return {
    find: async (digests) => {
      const known = digests.flatMap((digest) => decodedKeys.last(seen.get(digest) ?? '') ?? []);
      const asked = ownersOf(known);
      const first = await read(digests, asked.accountIds, asked.organizationIds);
      const strangers = first.keys.filter(
        ({ accountId, organizationId }) =>
          !asked.accountIds.has(accountId) || !asked.organizationIds.has(organizationId),
      );
      if (strangers.length > 0) {
        const missing = ownersOf(strangers);
        const second = await read([], missing.accountIds, missing.organizationIds);
        for (const [id, account] of second.accounts) first.accounts.set(id, account);
        for (const [id, organization] of second.organizations) first.organizations.set(id, organization);
      }
      const found = new Map<string, Credentials>();
      for (const key of first.keys) {
        const account = first.accounts.get(key.accountId) ?? null;
        const organization = first.organizations.get(key.organizationId) ?? null;
        for (const { digest } of key.secrets) {
          seen.set(digest, key.id);
          found.set(digest, { key, account, organization });
        }
      }
      return found;
    },
  };
};
