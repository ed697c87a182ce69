import {
  type Counts,
  INTERVAL_MS,
  KEPT_MS,
  OUTCOMES,
  startOf,
  type UsageInterval,
  type Watermark,
  type Watermarks,
} from '@kaana/core';
import type { mongo } from 'mongoose';
import { bulkUpsert } from '../bulk-upsert.ts';
import { isDuplicateKey } from '../errors.ts';
import type { Models, StoredRollUp, StoredUsage } from '../schemas.ts';

export type UsageCollections = Readonly<Record<UsageInterval, mongo.Collection<StoredUsage>>> & {
  readonly rollUps: mongo.Collection<StoredRollUp>;
};

/** What one call does at most, for each of hours and days. */
export type RollUpBounds = {
  /** A step sums whole intervals of about this many documents together, but one interval at least. */
  readonly documents: number;
  readonly steps: number;
  /** Documents that are written, or deleted, at once. */
  readonly batch: number;
  readonly deletions: number;
};
export const DEFAULT_BOUNDS: RollUpBounds = { documents: 10_000, steps: 10, batch: 1_000, deletions: 100 };

/** An hour is summed this long after its end: what the recorder still writes late is in it by then. */
const SETTLED_MS = INTERVAL_MS.hour;
/** Kept for longer than is promised, so that a process whose clock is behind finds what it promises. */
const SPARE_MS = INTERVAL_MS.hour;

/** Sums wait for the disk, unlike this: what a crash brings back, nobody reads, and it is deleted the next time. */
const DELETED = { w: 1, journal: false } as const;

/** The driver's own collections: mongoose's queries and documents are of no use for counters. */
export const usageCollections = (models: Models): UsageCollections => {
  const { usageMinutes, usageHours, usageDays, usageRollUps } = models;
  return {
    minute: usageMinutes.collection,
    hour: usageHours.collection,
    day: usageDays.collection,
    rollUps: usageRollUps.collection,
    // Mongoose types its collections without their documents.
  } as unknown as UsageCollections;
};

const ROLL_UPS = [
  { id: 'hours', unit: 'hour', source: 'minute' },
  { id: 'days', unit: 'day', source: 'hour' },
] as const;
type RollUp = (typeof ROLL_UPS)[number];

const toWatermark = (stored: StoredRollUp | null | undefined): Watermark => ({
  until: stored?.until?.getTime() ?? 0,
  cleared: stored?.cleared?.getTime() ?? 0,
});

export const readWatermarks = async ({ rollUps }: UsageCollections): Promise<Watermarks> => {
  const stored = new Map((await rollUps.find().toArray()).map((rollUp) => [rollUp._id, rollUp]));
  return { hour: toWatermark(stored.get('hours')), day: toWatermark(stored.get('days')) };
};

/** Watermarks only ever advance. Gives both as they are then, which may be further than asked for. */
const advance = async (
  { rollUps }: UsageCollections,
  id: RollUp['id'],
  to: Partial<Watermark>,
): Promise<Watermark> => {
  const fields = Object.fromEntries(Object.entries(to).map(([name, at]) => [name, new Date(at)]));
  const write = () =>
    rollUps.findOneAndUpdate({ _id: id }, { $max: fields }, { upsert: true, returnDocument: 'after' });
  try {
    return toWatermark(await write());
  } catch (error) {
    // Another process made the first one at the same moment.
    if (isDuplicateKey(error)) return toWatermark(await write());
    throw error;
  }
};

type Stretch = { readonly from: number; readonly to: number };

/** The next whole intervals that have something to sum; `null` where there is none before `bound`. */
const nextStretch = async (
  source: mongo.Collection<StoredUsage>,
  unit: UsageInterval,
  after: number,
  bound: number,
  documents: number,
): Promise<Stretch | null> => {
  const find = (from: number, direction: 1 | -1, skip = 0) =>
    source.findOne(
      { at: { $gte: new Date(from), $lt: new Date(bound) } },
      { sort: { at: direction }, projection: { at: 1 }, skip },
    );
  const first = await find(after, 1);
  if (!first) return null;
  const from = startOf(unit, first.at.getTime());
  const beyond = await find(from, 1, documents);
  if (beyond) return { from, to: Math.max(startOf(unit, beyond.at.getTime()), from + INTERVAL_MS[unit]) };
  // Not up to `bound`: what nobody has used needs no sums, and a watermark that is no further than it must be
  // does no harm should a clock have been wrong.
  const last = await find(from, -1);
  return { from, to: startOf(unit, (last ?? first).at.getTime()) + INTERVAL_MS[unit] };
};

type Sum = Counts & Pick<StoredUsage, 'organizationId' | 'accountId'> & { _id: { keyId: string; at: Date } };
const SUMS = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, { $sum: `$${outcome}` }]));
export const startInDatabase = (unit: UsageInterval) => ({
  $subtract: ['$at', { $mod: [{ $toLong: '$at' }, INTERVAL_MS[unit]] }],
});

const toUpsert = ({ _id: { keyId, at }, ...fields }: Sum): mongo.AnyBulkWriteOperation<StoredUsage> => ({
  updateOne: {
    filter: { _id: `${keyId}:${at.getTime()}` },
    // Set, not added: whoever does it again, or at the same time, writes the same.
    update: { $set: { ...fields, keyId, at } },
    upsert: true,
  },
});

/** `false`: another process has been here meanwhile, and has begun to delete what was to be summed. */
const sumUp = async (
  collections: UsageCollections,
  { id, unit, source }: RollUp,
  { from, to }: Stretch,
  batch: number,
): Promise<boolean> => {
  const sums = collections[source].aggregate<Sum>(
    [
      { $match: { at: { $gte: new Date(from), $lt: new Date(to) } } },
      {
        $group: {
          _id: { keyId: '$keyId', at: startInDatabase(unit) },
          organizationId: { $first: '$organizationId' },
          accountId: { $first: '$accountId' },
          ...SUMS,
        },
      },
    ],
    { batchSize: batch },
  );
  let gathered: Sum[] = [];
  const write = async (): Promise<boolean> => {
    // After reading and before writing: what was not being deleted by now has been read whole.
    const { cleared } = toWatermark(await collections.rollUps.findOne({ _id: id }));
    if (cleared > from) return false;
    await bulkUpsert(collections[unit], gathered.map(toUpsert));
    gathered = [];
    return true;
  };
  try {
    for await (const sum of sums) {
      if (gathered.push(sum) >= batch && !(await write())) return false;
    }
    return gathered.length === 0 || (await write());
  } finally {
    await sums.close().catch(() => undefined);
  }
};

type Progress = { readonly until: number; readonly more: boolean };

const sumBefore = async (
  collections: UsageCollections,
  rollUp: RollUp,
  after: number,
  bound: number,
  { documents, steps, batch }: RollUpBounds,
): Promise<Progress> => {
  let until = after;
  for (let step = 0; step < steps; step++) {
    const stretch = await nextStretch(collections[rollUp.source], rollUp.unit, until, bound, documents);
    if (!stretch) return { until, more: false };
    const summed = await sumUp(collections, rollUp, stretch, batch);
    // Where another process has come further, both give how far.
    ({ until } = summed
      ? await advance(collections, rollUp.id, { until: stretch.to })
      : toWatermark(await collections.rollUps.findOne({ _id: rollUp.id })));
  }
  return { until, more: true };
};

/** Whether more is left. */
const clearBefore = async (
  collections: UsageCollections,
  { id, source }: RollUp,
  after: number,
  bound: number,
  { batch, deletions }: RollUpBounds,
): Promise<boolean> => {
  // Told before it is done, so that whoever reads can tell afterwards whether all was still there.
  const { cleared } = bound > after ? await advance(collections, id, { cleared: bound }) : { cleared: after };
  for (let deletion = 0; deletion < deletions; deletion++) {
    const old = await collections[source]
      .find({ at: { $lt: new Date(cleared) } }, { sort: { at: 1 }, projection: { _id: 1 }, limit: batch })
      .toArray();
    if (old.length > 0)
      await collections[source].deleteMany(
        { _id: { $in: old.map(({ _id }) => _id) } },
        { writeConcern: DELETED },
      );
    if (old.length < batch) return false;
  }
  return true;
};

/** See `UsageStore.rollUp`, and docs/decisions/0004-usage-roll-ups.md for why it is exact. */
export const rollUp = async (
  collections: UsageCollections,
  now: number,
  bounds: RollUpBounds,
): Promise<boolean> => {
  const [toHours, toDays] = ROLL_UPS;
  const { hour, day } = await readWatermarks(collections);
  const settled = startOf('hour', now - SETTLED_MS);
  const hours = await sumBefore(collections, toHours, hour.until, settled, bounds);
  const days = await sumBefore(collections, toDays, day.until, startOf('day', hours.until), bounds);
  const oldMinutes = Math.min(hours.until, startOf('hour', now - KEPT_MS.minute - SPARE_MS));
  const oldHours = Math.min(days.until, startOf('day', now - KEPT_MS.hour - SPARE_MS));
  const minutesLeft = await clearBefore(collections, toHours, hour.cleared, oldMinutes, bounds);
  const hoursLeft = await clearBefore(collections, toDays, day.cleared, oldHours, bounds);
  return hours.more || days.more || minutesLeft || hoursLeft;
};
