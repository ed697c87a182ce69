import { KaanaError } from './errors.ts';
import { MINUTE_MS } from './usage.ts';

/** Counts are kept per minute, per hour and per day (UTC), the longer the coarser. */
export const USAGE_INTERVALS = ['minute', 'hour', 'day'] as const;
export type UsageInterval = (typeof USAGE_INTERVALS)[number];
export const INTERVAL_MS = {
  minute: MINUTE_MS,
  hour: 60 * MINUTE_MS,
  day: 24 * 60 * MINUTE_MS,
} as const satisfies Record<UsageInterval, number>;

const DAYS_OF_MINUTES = 2;
const DAYS_OF_HOURS = 130;
/** Days stay for good. */
export const KEPT_MS = {
  minute: DAYS_OF_MINUTES * INTERVAL_MS.day,
  hour: DAYS_OF_HOURS * INTERVAL_MS.day,
} as const;

/**
 * How far counts have been summed into hours, or into days. `until`: every interval before it is summed. `cleared`:
 * what it was summed from is gone before this time, or just going; it is never later than `until`.
 */
export type Watermark = { readonly until: number; readonly cleared: number };
export type Watermarks = { readonly hour: Watermark; readonly day: Watermark };

export type UsageRange = { readonly from: number; readonly to: number };
/** To be read from the counts that are kept per `unit`. */
export type UsagePart = UsageRange & { readonly unit: UsageInterval };
export type UsagePlan = UsageRange & { readonly parts: readonly UsagePart[] };

export const startOf = (unit: UsageInterval, at: number): number =>
  Math.floor(at / INTERVAL_MS[unit]) * INTERVAL_MS[unit];
const endOf = (unit: UsageInterval, at: number): number =>
  Math.ceil(at / INTERVAL_MS[unit]) * INTERVAL_MS[unit];

const notKept = (interval: 'minute' | 'hour', days: number, instead: UsageInterval): KaanaError =>
  new KaanaError(
    'invalid_input',
    `Counts per ${interval} are kept for ${days} days: take the interval ${instead}, or a later from.`,
    { errors: [{ path: 'interval', message: `is kept for ${days} days only; take ${instead}` }] },
  );

/** Whole days and hours from where they are summed already, the rest from what they will be summed from. */
const cover = ({ from, to }: UsageRange, unit: UsageInterval, watermarks: Watermarks): UsagePart[] => {
  if (from >= to) return [];
  if (unit === 'minute') return [{ unit, from, to }];
  const finer = unit === 'day' ? 'hour' : 'minute';
  const start = endOf(unit, from);
  const end = Math.min(startOf(unit, to), watermarks[unit].until);
  if (start >= end) return cover({ from, to }, finer, watermarks);
  return [
    ...cover({ from, to: start }, finer, watermarks),
    { unit, from: start, to: end },
    ...cover({ from: end, to }, finer, watermarks),
  ];
};

/**
 * Where to read the counts of a range. It is widened to whole minutes; where those may no longer be kept, to whole hours,
 * and where hours may not, to whole days. `interval`: the longest that a part may consist of. Throws `invalid_input`
 * where counts that fine are not kept.
 */
export const planUsage = (
  { from, to }: UsageRange,
  interval: UsageInterval,
  watermarks: Watermarks,
  now: number,
): UsagePlan => {
  // By the calendar and not only by what is deleted, so that an answer does not depend on when that was. What another
  // process has deleted already, by a clock that is ahead, is respected.
  const hoursFrom = Math.max(startOf('day', now - KEPT_MS.hour), watermarks.day.cleared);
  const minutesFrom = Math.max(startOf('hour', now - KEPT_MS.minute), watermarks.hour.cleared, hoursFrom);
  if (interval === 'minute' && from < minutesFrom) throw notKept('minute', DAYS_OF_MINUTES, 'hour');
  if (interval === 'hour' && from < hoursFrom) throw notKept('hour', DAYS_OF_HOURS, 'day');
  const unitAt = (at: number): UsageInterval =>
    at < hoursFrom ? 'day' : at < minutesFrom ? 'hour' : 'minute';
  const widened = { from: startOf(unitAt(from), from), to: endOf(unitAt(to), to) };
  return { ...widened, parts: cover(widened, interval, watermarks) };
};

/** Whether a part that has just been read was still whole: `watermarks` as they are after reading. */
export const isHeld = ({ unit, from }: UsagePart, { hour, day }: Watermarks): boolean =>
  unit === 'day' || from >= (unit === 'hour' ? day : hour).cleared;
