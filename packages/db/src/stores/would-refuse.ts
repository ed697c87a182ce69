import { randomUUID } from 'node:crypto';
import type { WouldRefuse, WouldRefuseStore } from '@kaana/core';
import { isDuplicateKey } from '../errors.ts';
import type { Models, StoredWouldRefuse } from '../schemas.ts';

/** Counters: no flush waits for the disk. A crash may lose the last moments of them, never state. */
const RELAXED = { w: 1, journal: false } as const;

const toEntry = ({ check, value, count, firstAt, lastAt }: WouldRefuse): WouldRefuse => ({
  check,
  value,
  count,
  firstAt,
  lastAt,
});

export const createWouldRefuseStore = ({ wouldRefuse }: Models): WouldRefuseStore => ({
  getMany: async (keyIds) => {
    const found = await wouldRefuse.find({ _id: { $in: keyIds } }).lean<StoredWouldRefuse[]>();
    return new Map(
      found.map(({ _id, revision, entries }) => [_id, { revision, entries: entries.map(toEntry) }]),
    );
  },
  write: async (keyId, organizationId, expected, entries) => {
    const { collection } = wouldRefuse;
    const fields = { organizationId, revision: randomUUID(), entries: entries.map(toEntry) };
    if (expected === null) {
      try {
        await collection.insertOne({ _id: keyId as never, ...fields }, { writeConcern: RELAXED });
        return true;
      } catch (error) {
        if (isDuplicateKey(error)) return false;
        throw error;
      }
    }
    const { matchedCount } = await collection.updateOne(
      { _id: keyId as never, revision: expected },
      { $set: fields },
      { writeConcern: RELAXED },
    );
    return matchedCount === 1;
  },
});
