import type { ApiKey, ChildKeyStore } from '@kaana/core';
import { LIVE } from '../entity.ts';
import type { Models, Stored } from '../schemas.ts';
import { toKey } from './key-entity.ts';
import { HOLDS_SLOT, notExpired } from './keys.ts';

type StoredKey = Stored<ApiKey>;

/** So that the index of child keys, which has no others in it, serves for it. */
export const IS_CHILD = { parentId: { $gt: '' } } as const;

export const createChildKeyStore = ({ keys }: Models): ChildKeyStore => ({
  places: async (parentId) => {
    const found = await keys
      .find({ parentId, ...HOLDS_SLOT }, { childSlot: 1 })
      .lean<{ childSlot: number }[]>();
    return found.map(({ childSlot }) => childSlot);
  },
  releaseExpired: async (parentId, now) => {
    const expired = { parentId, ...HOLDS_SLOT, expiresAt: { $lte: now } };
    return (await keys.updateMany(expired, { $set: { slot: null } })).modifiedCount;
  },
  markParent: async (organizationId, id) => {
    const active = { _id: id, organizationId, status: 'active' as const };
    return (await keys.updateOne(active, { $set: { delegates: true } })).matchedCount === 1;
  },
  unmarkParent: async (id) => {
    await keys.updateOne({ _id: id }, { $unset: { delegates: 1 } });
  },
  deadParents: async (now) => {
    const dead = [{ status: 'revoked' as const }, { status: 'active' as const, expiresAt: { $lte: now } }];
    const found = await Promise.all(
      dead.map((state) => keys.find({ delegates: true, ...state, ...LIVE }).lean<StoredKey[]>()),
    );
    return found.flat().map(toKey);
  },
  living: async (ancestorId, now, limit) => {
    const found = await keys
      .find({ ancestors: ancestorId, ...IS_CHILD, ...HOLDS_SLOT, ...notExpired(now), ...LIVE })
      .sort({ _id: 1 })
      .limit(limit)
      .lean<StoredKey[]>();
    return found.map(toKey);
  },
});
