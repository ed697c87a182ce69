import type { ApiKey, KeyQuery, KeySecret, KeyStore } from '@kaana/core';
import type { QueryFilter } from 'mongoose';
import { beforeCursor, LIVE, NEWEST_FIRST, toStored } from '../entity.ts';
import { isDuplicateKey } from '../errors.ts';
import type { StatefulCollection } from '../outbox.ts';
import type { Models, Stored } from '../schemas.ts';
import { toKey } from './key-entity.ts';
import { searchKeys } from './key-search.ts';

type StoredKey = Stored<ApiKey>;

export const HOLDS_SLOT = { slot: { $gte: 0 } } as const;
export const notExpired = (now: Date): QueryFilter<StoredKey> => ({
  $or: [{ expiresAt: null }, { expiresAt: { $gt: now } }],
});

const statusFilter = ({ status, now }: Pick<KeyQuery, 'status' | 'now'>): QueryFilter<StoredKey> => {
  if (status === 'revoked') return { status };
  if (status === 'expired') return { status: 'active', expiresAt: { $lte: now } };
  if (status === 'active') return { status, ...notExpired(now) };
  return {};
};

/** A child is one of its parent's descendants, which an index finds. */
const originFilter = ({
  parentId,
  ancestorId = parentId,
}: Pick<KeyQuery, 'parentId' | 'ancestorId'>): QueryFilter<StoredKey> =>
  ancestorId === undefined
    ? {}
    : { ancestors: ancestorId, parentId: parentId === undefined ? { $gt: '' } : parentId };

/** By what is stored: no credits are `null`, or, in an older document, nothing. */
const guardOf = ({
  limits,
  credits,
}: Partial<Pick<ApiKey, 'limits' | 'credits'>>): QueryFilter<StoredKey> => ({
  ...(limits === undefined ? {} : { limits }),
  ...(credits === undefined
    ? {}
    : credits === null
      ? { credits: null }
      : { 'credits.version': credits.version }),
});

/** By all that is ever changed of a secret. */
const secretsGuard = (expected: readonly KeySecret[]): QueryFilter<StoredKey> =>
  Object.fromEntries([
    ['secrets', { $size: expected.length }],
    ...expected.flatMap(({ id, digest, expiresAt, ended, unused }, index) => [
      [`secrets.${index}.id`, id],
      [`secrets.${index}.digest`, digest],
      [`secrets.${index}.expiresAt`, expiresAt],
      [`secrets.${index}.ended`, ended ?? null],
      [`secrets.${index}.unused`, { $exists: unused !== undefined }],
    ]),
  ]);

export const createKeyStore = ({ keys }: Models, state: StatefulCollection<StoredKey>): KeyStore => ({
  insert: async (key, event) => ((await state.insert(toStored(key), event)) ? 'inserted' : 'slot_taken'),
  get: async (organizationId, id) => {
    const found = await keys.findOne({ _id: id, organizationId, ...LIVE }).lean<StoredKey>();
    return found && toKey(found);
  },
  list: async (query) => {
    const { organizationId, accountId, limit } = query;
    const owner = accountId === undefined ? { organizationId } : { accountId, organizationId };
    const found = await keys
      .find({ ...owner, ...originFilter(query), ...statusFilter(query), ...beforeCursor(query), ...LIVE })
      .sort(NEWEST_FIRST)
      .limit(limit)
      .lean<StoredKey[]>();
    return found.map(toKey);
  },
  search: (query) => searchKeys(keys, { ...originFilter(query), ...statusFilter(query) }, query),
  getMany: async (organizationId, ids) => {
    const found = await keys.find({ _id: { $in: ids }, organizationId, ...LIVE }).lean<StoredKey[]>();
    return found.map(toKey);
  },
  listExpiring: async ({ from, to, limit, after }) => {
    const later = after && [
      { expiresAt: { $gt: after.expiresAt } },
      { expiresAt: after.expiresAt, _id: { $gt: after.id } },
    ];
    const found = await keys.collection
      .find({
        expiresAt: { $type: 'date', $gt: from, $lte: to },
        status: 'active',
        ...LIVE,
        ...(later ? { $or: later as never[] } : {}),
      })
      .sort({ expiresAt: 1, _id: 1 })
      .limit(limit)
      .toArray();
    return (found as unknown as StoredKey[]).map(toKey);
  },
  findByDigests: async (digests) => {
    const found = await keys.collection
      .find({ 'secrets.digest': { $in: digests as string[] } }, { projection: { outbox: 0 } })
      .toArray();
    const byDigest = new Map<string, ApiKey>();
    for (const document of found as unknown as StoredKey[]) {
      const key = toKey(document);
      for (const { digest } of key.secrets) byDigest.set(digest, key);
    }
    return byDigest;
  },
  names: async (organizationId, ids) => {
    const found = await keys
      .find({ _id: { $in: ids }, organizationId }, { name: 1 })
      .lean<{ _id: string; name: string }[]>();
    return new Map(found.map(({ _id, name }) => [_id, name]));
  },
  slots: async (accountId) => {
    const found = await keys
      .find({ accountId, ...HOLDS_SLOT }, { slot: 1 })
      .lean<{ _id: string; slot: number }[]>();
    return found.map(({ _id, slot }) => ({ id: _id, slot }));
  },
  moveSlot: async (id, from, to) => {
    try {
      return (await keys.updateOne({ _id: id, slot: from }, { $set: { slot: to } })).modifiedCount === 1;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  },
  releaseExpiredSlots: async (accountId, now) => {
    const expired = { accountId, ...HOLDS_SLOT, expiresAt: { $lte: now } };
    return (await keys.updateMany(expired, { $set: { slot: null } })).modifiedCount;
  },
  countActive: async (accountIds, now) => {
    const counts = await keys.aggregate<{ _id: string; count: number }>([
      { $match: { accountId: { $in: accountIds }, ...HOLDS_SLOT, ...notExpired(now) } },
      { $group: { _id: '$accountId', count: { $sum: 1 } } },
    ]);
    return new Map(counts.map(({ _id, count }) => [_id, count]));
  },
  update: async (organizationId, id, change, event, expected = {}) => {
    const updated = await state.update(
      { _id: id, organizationId, status: 'active', ...HOLDS_SLOT, ...guardOf(expected) },
      change,
      event,
    );
    return updated && toKey(updated);
  },
  replaceSecrets: async (organizationId, id, expected, secrets, event) => {
    const guard = { _id: id, organizationId, status: 'active' as const, ...secretsGuard(expected) };
    const updated = await state.update(guard, { secrets }, event);
    return updated && toKey(updated);
  },
  markLeaked: async (organizationId, id, { at, source }, event) => {
    const guard = { _id: id, organizationId, status: 'active' as const, leakedAt: null };
    const updated = await state.update(guard, { leakedAt: at, leakSource: source }, event);
    return updated && toKey(updated);
  },
  revoke: async (organizationId, id, at, reason, event, leak) => {
    const updated = await state.update(
      { _id: id, organizationId, status: 'active' },
      {
        status: 'revoked',
        slot: null,
        revokedAt: at,
        revokedReason: reason,
        ...(leak ? { leakedAt: leak.at, leakSource: leak.source } : {}),
      },
      event,
    );
    return updated && toKey(updated);
  },
});
