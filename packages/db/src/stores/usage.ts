import { type Counts, OUTCOMES, type UsageQuery, type UsageStore } from '@kaana/core';
import type { Models, StoredActivity } from '../schemas.ts';

/** Counters: no request and no flush waits for the disk. A crash may lose the last moments of them, never state. */
const RELAXED = { w: 1, journal: false } as const;

const matching = ({ organizationId, accountId, keyId, from, to }: UsageQuery) => ({
  organizationId,
  minute: { $gte: from, $lt: to },
  ...(accountId === undefined ? {} : { accountId }),
  ...(keyId === undefined ? {} : { keyId }),
});
const SUMS = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, { $sum: `$${outcome}` }]));
const toCounts = (row: Counts): Counts => {
  const { served, clientError, denied, rateLimited, serverError } = row;
  return { served, clientError, denied, rateLimited, serverError };
};

export const createUsageStore = ({ usage, activity }: Models): UsageStore => ({
  add: async (usageDeltas, activityDeltas) => {
    // Last uses first: writing them again, after a failure of the counts, changes nothing.
    const uses = activityDeltas.map(({ keyId, lastUsedAt, ip, userAgent, secrets }) => ({
      updateOne: {
        filter: { _id: keyId as never },
        update: {
          $set: { ip, userAgent },
          $max: {
            lastUsedAt,
            ...Object.fromEntries(Object.entries(secrets).map(([id, at]) => [`secrets.${id}`, at])),
          },
        },
        upsert: true,
      },
    }));
    if (uses.length > 0) await activity.collection.bulkWrite(uses, { ordered: false, writeConcern: RELAXED });
    const counts = usageDeltas.map(({ organizationId, accountId, keyId, minute, counts }) => ({
      updateOne: {
        filter: { _id: `${keyId}:${minute}` as never },
        update: {
          $inc: counts,
          $setOnInsert: { organizationId, accountId, keyId, minute: new Date(minute) },
        },
        upsert: true,
      },
    }));
    if (counts.length > 0)
      await usage.collection.bulkWrite(counts, { ordered: false, writeConcern: RELAXED });
  },
  byKey: async (query) => {
    const rows = await usage.aggregate<Counts & { _id: string }>([
      { $match: matching(query) },
      { $group: { _id: '$keyId', ...SUMS } },
    ]);
    return rows.map((row) => ({ keyId: row._id, counts: toCounts(row) }));
  },
  series: async (query, intervalMs) => {
    const start = { $subtract: ['$minute', { $mod: [{ $toLong: '$minute' }, intervalMs] }] };
    const rows = await usage.aggregate<Counts & { _id: Date }>([
      { $match: matching(query) },
      { $group: { _id: start, ...SUMS } },
      { $sort: { _id: 1 } },
    ]);
    return rows.map((row) => ({ at: row._id, counts: toCounts(row) }));
  },
  activity: async (keyIds) => {
    const found = await activity.find({ _id: { $in: keyIds } }).lean<StoredActivity[]>();
    return new Map(found.map(({ _id, ...fields }) => [_id, fields]));
  },
});
