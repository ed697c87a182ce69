import {
  type Account,
  type ApiKey,
  BoundedMap,
  type CredentialStore,
  type Credentials,
  NO_ANCESTORS,
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
  readonly keys: Map<string, ApiKey>;
  readonly accounts: Map<string, Account>;
  readonly organizations: Map<string, Organization>;
};

/** What belongs to keys: their owners, and the keys that they come from. */
type Related = Readonly<Record<'accountIds' | 'organizationIds' | 'ancestorIds', ReadonlySet<string>>>;

const relatedTo = (known: Iterable<ApiKey>): Related => {
  const accountIds = new Set<string>();
  const organizationIds = new Set<string>();
  const ancestorIds = new Set<string>();
  for (const { accountId, organizationId, ancestors } of known) {
    accountIds.add(accountId);
    organizationIds.add(organizationId);
    if (ancestors) for (const id of ancestors) ancestorIds.add(id);
  }
  return { accountIds, organizationIds, ancestorIds };
};

const isAskedFor = (
  { accountId, organizationId, ancestors }: ApiKey,
  { accountIds, organizationIds, ancestorIds }: Related,
): boolean =>
  accountIds.has(accountId) &&
  organizationIds.has(organizationId) &&
  (ancestors === undefined || ancestors.every((id) => ancestorIds.has(id)));

/**
 * What every request with a key needs, in one round trip: keys by the digests of their secrets, and in the same
 * aggregation the accounts, the organizations, and the keys that child keys come from. Whose a key is never changes, so
 * that what belongs to it, once seen, can be asked for together with the key; only a key that this process has not seen
 * costs a second round trip.
 */
export const createCredentialStore = ({ keys, accounts, organizations }: Models): CredentialStore => {
  const decodedKeys = new Decoded<ApiKey>(toKey, KEPT);
  const decodedAccounts = new Decoded<Account>(toAccount, KEPT);
  const decodedOrganizations = new Decoded<Organization>(toOrganization, KEPT);
  /** Digest -> the key it was last seen at. */
  const seen = new BoundedMap<string, string>(KEPT);

  const union = (coll: string, ids: ReadonlySet<string>) =>
    ids.size === 0 ? [] : [{ $unionWith: { coll, pipeline: [{ $match: { _id: { $in: [...ids] } } }] } }];

  const read = async (digests: readonly string[], related: Related): Promise<Found> => {
    const { accountIds, organizationIds, ancestorIds } = related;
    const documents = (await keys.collection
      .aggregate(
        [
          { $match: { 'secrets.digest': { $in: digests } } },
          ...union(accounts.collection.collectionName, accountIds),
          ...union(organizations.collection.collectionName, organizationIds),
          ...union(keys.collection.collectionName, ancestorIds),
        ],
        {
          raw: true,
          batchSize: digests.length + accountIds.size + organizationIds.size + ancestorIds.size + 1,
        },
      )
      .toArray()) as Buffer[];
    const found: Found = { keys: new Map(), accounts: new Map(), organizations: new Map() };
    for (const bytes of documents) {
      const id = idOf(bytes);
      if (accountIds.has(id)) found.accounts.set(id, decodedAccounts.decode(id, bytes));
      else if (organizationIds.has(id)) found.organizations.set(id, decodedOrganizations.decode(id, bytes));
      // A key that is asked for twice, by itself and for its child, may have changed in between: then it is the later one.
      else found.keys.set(id, decodedKeys.decode(id, bytes));
    }
    return found;
  };

  const ancestorsOf = ({ ancestors }: ApiKey, found: Found): readonly ApiKey[] =>
    ancestors ? ancestors.flatMap((id) => found.keys.get(id) ?? []) : NO_ANCESTORS;

  return {
    find: async (digests) => {
      const known = digests.flatMap((digest) => decodedKeys.last(seen.get(digest) ?? '') ?? []);
      const asked = relatedTo(known);
      const first = await read(digests, asked);
      const strangers = [...first.keys.values()].filter((key) => !isAskedFor(key, asked));
      if (strangers.length > 0) {
        const second = await read([], relatedTo(strangers));
        for (const [id, key] of second.keys) first.keys.set(id, key);
        for (const [id, account] of second.accounts) first.accounts.set(id, account);
        for (const [id, organization] of second.organizations) first.organizations.set(id, organization);
      }
      const found = new Map<string, Credentials>();
      for (const key of first.keys.values()) {
        const account = first.accounts.get(key.accountId) ?? null;
        const organization = first.organizations.get(key.organizationId) ?? null;
        const ancestors = ancestorsOf(key, first);
        for (const { digest } of key.secrets) {
          seen.set(digest, key.id);
          found.set(digest, { key, account, organization, ancestors });
        }
      }
      return found;
    },
  };
};
