import {
  type Counts,
  isHeld,
  type KeyActivity,
  OUTCOMES,
  planUsage,
  type UsageAnswer,
  type UsageInterval,
  type UsagePart,
  type UsageQuery,
  type UsageStore,
} from '@kaana/core';
import type { mongo } from 'mongoose';
import { bulkUpsert } from '../bulk-upsert.ts';
import type { Models, StoredActivity } from '../schemas.ts';
import {
  DEFAULT_BOUNDS,
  type RollUpBounds,
  readWatermarks,
  rollUp,
  startInDatabase,
  type UsageCollections,
  usageCollections,
} from './usage-roll-up.ts';

/** Counters: no request and no flush waits for the disk. A crash may lose the last moments of them, never state. */
const RELAXED = { w: 1, journal: false } as const;

const matching = ({ organizationId, accountId, keyId, keyIds }: UsageQuery, { from, to }: UsagePart) => ({
  organizationId,
  at: { $gte: new Date(from), $lt: new Date(to) },
  ...(accountId === undefined ? {} : { accountId }),
  ...(keyId === undefined ? {} : { keyId }),
  ...(keyIds === undefined ? {} : { keyId: { $in: keyIds as string[] } }),
});
/** The fields of `values` by their paths below `field`. */
const below = <Value>(field: string, values: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${field}.${name}`, value]));

/** By secret; the later of the two that may be stored of one. */
const lastUses = ({ secrets = {}, secretUses = {} }: StoredActivity): KeyActivity['secrets'] => {
  const before = Object.entries(secrets).filter(([id, at]) => !(secretUses[id] && secretUses[id].at >= at));
  return {
    ...secretUses,
    ...Object.fromEntries(before.map(([id, at]) => [id, { at, ip: '', userAgent: '' }])),
  };
};
const SUMS = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, { $sum: `$${outcome}` }]));
const toCounts = ({ served, clientError, denied, rateLimited, serverError }: Counts): Counts => ({
  served,
  clientError,
  denied,
  rateLimited,
  serverError,
});

/** The counts of the query's range by what `group` gives, a key's id or the start of an interval. */
const read = async <Group extends string | number>(
  collections: UsageCollections,
  query: UsageQuery,
  interval: UsageInterval,
  group: unknown,
  toGroup: (id: never) => Group,
): Promise<UsageAnswer<[Group, Counts]>> => {
  const range = { from: query.from.getTime(), to: query.to.getTime() };
  let watermarks = await readWatermarks(collections);
  for (;;) {
    const { from, to, parts } = planUsage(range, interval, watermarks, query.now.getTime());
    const sums = new Map<Group, Counts>();
    for (const part of parts) {
      const rows = await collections[part.unit]
        .aggregate<Counts & { _id: never }>([
          { $match: matching(query, part) },
          { $group: { _id: group, ...SUMS } },
        ])
        .toArray();
      for (const row of rows) {
        const sum = sums.get(toGroup(row._id));
        if (!sum) sums.set(toGroup(row._id), toCounts(row));
        else for (const outcome of OUTCOMES) sum[outcome] += row[outcome];
      }
    }
    watermarks = await readWatermarks(collections);
    const after = watermarks;
    if (parts.every((part) => isHeld(part, after)))
      return { from: new Date(from), to: new Date(to), rows: [...sums] };
    // A roll-up has begun to delete what was being read: it is in hours or days now.
  }
};

export const createUsageStore = (models: Models, bounds: RollUpBounds = DEFAULT_BOUNDS): UsageStore => {
  const { activity } = models;
  const collections = usageCollections(models);
  return {
    add: async (usageDeltas, activityDeltas) => {
      // Last uses first: writing them again, after a failure of the counts, changes nothing.
      const uses = activityDeltas.map(({ keyId, lastUsedAt, ip, userAgent, ...delta }) => ({
        updateOne: {
          filter: { _id: keyId },
          update: {
            $max: {
              last: { at: lastUsedAt, ip, userAgent },
              ...below('secretUses', delta.secrets),
              ...below('permissions', delta.permissions),
            },
            $min: { permissionsSince: delta.permissionsSince },
          },
          upsert: true,
        },
      }));
      await bulkUpsert(activity.collection as unknown as mongo.Collection<StoredActivity>, uses, RELAXED);
      await bulkUpsert(
        collections.minute,
        usageDeltas.map(({ organizationId, accountId, keyId, minute, counts }) => ({
          updateOne: {
            filter: { _id: `${keyId}:${minute}` },
            update: {
              $inc: counts,
              $setOnInsert: { organizationId, accountId, keyId, at: new Date(minute) },
            },
            upsert: true,
          },
        })),
        RELAXED,
      );
    },
    byKey: async (query) => {
      const { rows, ...range } = await read(collections, query, 'day', '$keyId', (id: string) => id);
      return { ...range, rows: rows.map(([keyId, counts]) => ({ keyId, counts })) };
    },
    byAccount: async (query) =>
      new Map((await read(collections, query, 'day', '$accountId', (id: string) => id)).rows),
    series: async (query, interval) => {
      const start = startInDatabase(interval);
      const { rows, ...range } = await read(collections, query, interval, start, (at: Date) => at.getTime());
      return {
        ...range,
        rows: rows.toSorted(([a], [b]) => a - b).map(([at, counts]) => ({ at: new Date(at), counts })),
      };
    },
    days: async (query) => {
      const group = { keyId: '$keyId', at: startInDatabase('day') };
      const join = ({ keyId, at }: { keyId: string; at: Date }) => `${keyId} ${at.getTime()}`;
      const { rows, ...range } = await read(collections, query, 'day', group, join);
      return {
        ...range,
        rows: rows.map(([joined, counts]) => {
          const [keyId = '', at] = joined.split(' ');
          return { keyId, at: new Date(Number(at)), counts };
        }),
      };
    },
    peaks: async (query) => {
      const part = { unit: 'minute', from: query.from.getTime(), to: query.to.getTime() } as const;
      const requests = { $sum: OUTCOMES.map((outcome) => `$${outcome}`) };
      const rows = await collections.minute
        .aggregate<{ _id: string; most: number }>([
          { $match: matching(query, part) },
          { $group: { _id: { accountId: '$accountId', at: '$at' }, sum: { $sum: requests } } },
          { $group: { _id: '$_id.accountId', most: { $max: '$sum' } } },
        ])
        .toArray();
      return new Map(rows.map(({ _id, most }) => [_id, most]));
    },
    activity: async (keyIds) => {
      const found = await activity.find({ _id: { $in: keyIds } }).lean<StoredActivity[]>();
      return new Map(
        found.map((stored) => [
          stored._id,
          {
            lastUsedAt: stored.last.at,
            ip: stored.last.ip,
            userAgent: stored.last.userAgent,
            secrets: lastUses(stored),
            permissions: stored.permissions ?? {},
            permissionsSince: stored.permissionsSince ?? null,
          },
        ]),
      );
    },
    forgetSecrets: async (keyId, secretIds) => {
      const unset = secretIds.flatMap((id) => [`secrets.${id}`, `secretUses.${id}`]);
      if (unset.length === 0) return;
      await activity.collection.updateOne(
        { _id: keyId as never },
        { $unset: Object.fromEntries(unset.map((path) => [path, 1])) },
        { writeConcern: RELAXED },
      );
    },
    rollUp: (now) => rollUp(collections, now, bounds),
  };
};
