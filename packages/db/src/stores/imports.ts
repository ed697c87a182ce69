import { type ApiKey, type ImportStore, ruleIdOf } from '@kaana/core';
import { LIVE, toStored } from '../entity.ts';
import type { StatefulCollection } from '../outbox.ts';
import type { Models, Stored } from '../schemas.ts';
import { toKey } from './key-entity.ts';
import { HOLDS_SLOT } from './keys.ts';

type StoredKey = Stored<ApiKey>;

export const createImportStore = (
  { keys, importRules }: Models,
  state: StatefulCollection<StoredKey>,
): ImportStore => ({
  rules: async () => (await importRules.find().lean()).map(({ rule }) => rule),

  addRules: async (rules) => {
    if (rules.length === 0) return;
    await importRules.bulkWrite(
      rules.map((rule) => ({
        updateOne: { filter: { _id: ruleIdOf(rule) }, update: { $set: { rule } }, upsert: true },
      })),
      { ordered: false },
    );
  },

  candidates: async (lookups) => {
    const found = await keys
      .find({ 'secrets.imported.lookup': { $in: lookups }, ...LIVE })
      .select({ outbox: 0 })
      .lean<StoredKey[]>();
    const byLookup = new Map<string, ApiKey[]>();
    for (const key of found.map(toKey)) {
      for (const { imported } of key.secrets) {
        if (!imported) continue;
        const others = byLookup.get(imported.lookup);
        if (others) others.push(key);
        else byLookup.set(imported.lookup, [key]);
      }
    }
    return byLookup;
  },

  existing: async (fingerprints, externalIds) => {
    const byOrganization = new Map<string, string[]>();
    for (const { organizationId, externalId } of externalIds) {
      byOrganization.set(organizationId, [...(byOrganization.get(organizationId) ?? []), externalId]);
    }
    const queries = [
      { 'imported.fingerprint': { $in: [...fingerprints] } },
      ...[...byOrganization].map(([organizationId, ids]) => ({
        organizationId,
        'imported.externalId': { $in: ids },
      })),
    ];
    const found = await Promise.all(
      queries.map((query) =>
        keys
          .find({ ...query, ...LIVE })
          .select({ outbox: 0 })
          .lean<StoredKey[]>(),
      ),
    );
    return found.flat().map(toKey);
  },

  slots: async (accountIds) => {
    const found = await keys
      .find({ accountId: { $in: accountIds }, ...HOLDS_SLOT }, { accountId: 1, slot: 1 })
      .lean<{ accountId: string; slot: number }[]>();
    const byAccount = new Map<string, number[]>(accountIds.map((id) => [id, []]));
    for (const { accountId, slot } of found) byAccount.get(accountId)?.push(slot);
    return byAccount;
  },

  insertMany: async (inserts) => {
    const inserted = await state.insertMany(
      inserts.map(({ key, event }) => ({ document: toStored(key), event })),
    );
    return inserted.map((done) => (done ? 'inserted' : 'taken'));
  },

  replaceHash: async (organizationId, keyId, expected, secret, at, event) => {
    const guard = {
      _id: keyId,
      organizationId,
      status: 'active' as const,
      secrets: { $elemMatch: { id: secret.id, digest: expected, expiresAt: secret.expiresAt } },
    };
    const change = { 'secrets.$': secret, 'imported.migratedAt': at } as unknown as Partial<StoredKey>;
    return (await state.update(guard, change, event)) !== null;
  },
});
