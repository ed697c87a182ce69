import type { Admission, LimitStore } from '@kaana/core';
import { isDuplicateKey } from '../errors.ts';
import type { Models, StoredLimit } from '../schemas.ts';

const RELAXED = { w: 1, journal: false } as const;

/**
 * Up to this limit every admission is remembered to the millisecond, and the answer is exact both ways. Above it they
 * are counted in ticks: still never one too many, but a request leaves the window up to one tick (a 600th of the
 * window) late. A list of 6,000 dates is 84 kB of BSON; remembering ever more would cost more than it tells.
 */
export const EXACT_LIMIT = 6_000;
const TICKS_PER_WINDOW = 600;

const size = (list: string) => ({ $size: list });

/** The part of a list whose times (`path` of each item) are in the window; its ends are worked out once, not per item. */
const inWindow = (list: string, path: string, windowMs: number) => ({
  $let: {
    vars: { cutoff: { $subtract: ['$$NOW', windowMs] }, horizon: { $add: ['$$NOW', windowMs] } },
    in: {
      $filter: {
        input: list,
        as: 'item',
        cond: { $and: [{ $gt: [path, '$$cutoff'] }, { $lte: [path, '$$horizon'] }] },
      },
    },
  },
});

/**
 * The sliding log as one update pipeline, so that time, decision and record are one atomic write by the database's own
 * clock. `$admissions` is sorted, and the last `limit` of it are enough: `count` more fit where all but `limit - count`
 * of them have left the window. Entries from further in the future than the window can only stem from a clock that was
 * set back; they are dropped as soon as they would refuse somebody.
 */
const exactPipeline = (count: number, limit: number, windowMs: number) => {
  const cutoff = { $subtract: ['$$NOW', windowMs] };
  const excess = { $subtract: [{ $add: [size('$admissions'), count] }, limit] };
  // What a limit above EXACT_LIMIT left behind, as far as can be remembered one by one.
  const repeated = {
    $map: { input: { $range: [0, { $min: ['$$this.n', EXACT_LIMIT] }] }, as: 'i', in: '$$this.at' },
  };
  const fromTicks = {
    $reduce: {
      input: { $ifNull: ['$ticks', []] },
      initialValue: [],
      in: { $slice: [{ $concatArrays: ['$$value', repeated] }, -EXACT_LIMIT] },
    },
  };
  const admitted = { $map: { input: { $range: [0, '$granted'] }, as: 'i', in: '$$NOW' } };
  const extended = { $concatArrays: ['$admissions', admitted] };
  return [
    { $set: { at: '$$NOW', admissions: { $ifNull: ['$admissions', fromTicks] } } },
    {
      $set: {
        fits: {
          $cond: [
            { $lte: [excess, 0] },
            true,
            { $lte: [{ $arrayElemAt: ['$admissions', { $max: [0, { $subtract: [excess, 1] }] }] }, cutoff] },
          ],
        },
      },
    },
    {
      $set: { admissions: { $cond: ['$fits', '$admissions', inWindow('$admissions', '$$item', windowMs)] } },
    },
    {
      $set: {
        granted: {
          $cond: [
            '$fits',
            count,
            { $max: [0, { $min: [count, { $subtract: [limit, size('$admissions')] }] }] },
          ],
        },
      },
    },
    {
      $set: {
        // Where they fit, all but the last `limit` have left the window. Otherwise all are in it, and may be more than
        // the limit, if that was lowered: none is forgotten, since it may be raised again.
        admissions: { $cond: ['$fits', { $slice: [extended, -limit] }, extended] },
        expiresAt: { $add: ['$$NOW', 2 * windowMs] },
      },
    },
    { $unset: ['ticks', 'fits'] },
  ];
};

const tickedPipeline = (count: number, limit: number, windowMs: number) => {
  const tick = windowMs / TICKS_PER_WINDOW;
  // A tick is kept under its end, so that it leaves the window when the last request in it has.
  const end = { $add: ['$$NOW', { $subtract: [tick, { $mod: [{ $toLong: '$$NOW' }, tick] }] }] };
  const fromAdmissions = {
    $cond: [
      { $gt: [size('$admissions'), 0] },
      [{ at: { $arrayElemAt: ['$admissions', -1] }, n: size('$admissions') }],
      [],
    ],
  };
  const current = {
    $and: [{ $gt: [size('$ticks'), 0] }, { $eq: [{ $arrayElemAt: ['$ticks.at', -1] }, end] }],
  };
  return [
    { $set: { at: '$$NOW', admissions: { $ifNull: ['$admissions', []] } } },
    { $set: { ticks: { $ifNull: ['$ticks', fromAdmissions] } } },
    { $set: { ticks: inWindow('$ticks', '$$item.at', windowMs) } },
    { $set: { used: { $sum: '$ticks.n' } } },
    { $set: { granted: { $max: [0, { $min: [count, { $subtract: [limit, '$used'] }] }] } } },
    {
      $set: {
        used: { $add: ['$used', '$granted'] },
        ticks: {
          $cond: [
            { $eq: ['$granted', 0] },
            '$ticks',
            {
              $cond: [
                current,
                {
                  $concatArrays: [
                    // The one-argument form of $slice refuses 0, so the last one is cut by position.
                    { $filter: { input: '$ticks', as: 'tick', cond: { $ne: ['$$tick.at', end] } } },
                    [{ at: end, n: { $add: [{ $arrayElemAt: ['$ticks.n', -1] }, '$granted'] } }],
                  ],
                },
                { $concatArrays: ['$ticks', [{ at: end, n: '$granted' }]] },
              ],
            },
          ],
        },
        expiresAt: { $add: ['$$NOW', 2 * windowMs] },
      },
    },
    { $unset: ['admissions'] },
  ];
};

const toAdmission = (document: StoredLimit, windowMs: number): Admission => {
  const { at, granted = 0, admissions, ticks } = document;
  const now = at?.getTime() ?? 0;
  const cutoff = now - windowMs;
  // The exact log keeps what has left the window until it is in the way; it is counted out here.
  const live = admissions?.filter((admission) => admission.getTime() > cutoff);
  const oldest = live ? live[0] : ticks?.[0]?.at;
  return {
    granted,
    used: live ? live.length : (document.used ?? 0),
    oldestLeavesInMs: oldest ? oldest.getTime() + windowMs - now : 0,
  };
};

export const createLimitStore = ({ limits }: Models): LimitStore => {
  const create = async (id: string, windowMs: number): Promise<void> => {
    try {
      const expiresAt = new Date(Date.now() + 2 * windowMs);
      await limits.collection.insertOne({ _id: id as never, expiresAt }, { writeConcern: RELAXED });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  };

  return {
    admit: async (id, count, limit, windowMs) => {
      const pipeline = (limit <= EXACT_LIMIT ? exactPipeline : tickedPipeline)(count, limit, windowMs);
      for (;;) {
        const updated = await limits.collection.findOneAndUpdate({ _id: id as never }, pipeline, {
          returnDocument: 'after',
          writeConcern: RELAXED,
        });
        if (updated) return toAdmission(updated as unknown as StoredLimit, windowMs);
        // Not an upsert: of those that race for the first admission one would lose, and not every server repeats it.
        await create(id, windowMs);
      }
    },
    refund: async (id) => {
      await limits.collection.updateOne(
        { _id: id as never },
        { $pop: { admissions: 1 } },
        { writeConcern: RELAXED },
      );
    },
  };
};
