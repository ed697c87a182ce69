import { fromLocal, type TimeZone, toLocal, utcInstant } from './time-zone.ts';

const DAY = 86_400_000;

export interface DateParts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millisecond: number;
  /** 1 to 366. */
  dayOfYear: number;
  /** 1, Sunday, to 7. */
  dayOfWeek: number;
  /** 1, Monday, to 7. */
  isoDayOfWeek: number;
  isoWeek: number;
  isoWeekYear: number;
  /** Weeks begin on Sunday; the days before the first one are in week 0. */
  week: number;
}

/** The Monday on which the ISO year begins. */
export function isoYearStart(year: number): number {
  const fourth = utcInstant(year, 1, 4);
  return fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * DAY;
}

export function datePartsOf(instant: number, zone: TimeZone): DateParts {
  const local = toLocal(instant, zone);
  const date = new Date(local);
  const year = date.getUTCFullYear();
  const weekday = date.getUTCDay();
  const dayOfYear = Math.floor((local - utcInstant(year, 1, 1)) / DAY) + 1;
  const isoWeekYear = [year + 1, year, year - 1].find((one) => local >= isoYearStart(one)) ?? year;
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: date.getUTCMilliseconds(),
    dayOfYear,
    dayOfWeek: weekday + 1,
    isoDayOfWeek: weekday === 0 ? 7 : weekday,
    isoWeek: Math.floor((local - isoYearStart(isoWeekYear)) / (7 * DAY)) + 1,
    isoWeekYear,
    week: Math.floor((dayOfYear - 1 + 7 - weekday) / 7),
  };
}

export type TimeUnit =
  | 'year'
  | 'quarter'
  | 'month'
  | 'week'
  | 'day'
  | 'hour'
  | 'minute'
  | 'second'
  | 'millisecond';

/** Units of one length, in milliseconds. */
const FIXED: Partial<Record<TimeUnit, number>> = {
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
};
const DAYS: Partial<Record<TimeUnit, number>> = { day: 1, week: 7 };
const MONTHS: Partial<Record<TimeUnit, number>> = { year: 12, quarter: 3, month: 1 };

export const TIME_UNITS: readonly string[] = [
  'year',
  'quarter',
  'month',
  'week',
  'day',
  'hour',
  'minute',
  'second',
  'millisecond',
];

export function addUnits(instant: number, unit: TimeUnit, amount: number, zone: TimeZone): number {
  const fixed = FIXED[unit];
  if (fixed !== undefined) return instant + amount * fixed;
  const local = toLocal(instant, zone);
  const days = DAYS[unit];
  if (days !== undefined) return fromLocal(local + amount * days * DAY, zone);
  const date = new Date(local);
  const months = date.getUTCFullYear() * 12 + date.getUTCMonth() + amount * (MONTHS[unit] ?? 1);
  const year = Math.floor(months / 12);
  const month = (((months % 12) + 12) % 12) + 1;
  const last = new Date(utcInstant(year, month + 1, 0)).getUTCDate();
  const start = utcInstant(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
  return fromLocal(utcInstant(year, month, Math.min(date.getUTCDate(), last)) + (local - start), zone);
}

/** How many beginnings of a unit lie between two instants. `startOfWeek`: 0 for Sunday. */
export function differenceIn(
  unit: TimeUnit,
  start: number,
  end: number,
  zone: TimeZone,
  startOfWeek: number,
): number {
  const fixed = FIXED[unit];
  if (fixed !== undefined) {
    // Only a part of an hour in the offset moves the beginning of an hour.
    const count = (instant: number): number =>
      Math.floor((instant + (unit === 'hour' ? zone.offsetAt(instant) % 3_600_000 : 0)) / fixed);
    return count(end) - count(start);
  }
  const [from, to] = [toLocal(start, zone), toLocal(end, zone)];
  const days = DAYS[unit];
  if (days !== undefined) {
    // 1 January 1970 was a Thursday.
    const shift = days === 7 ? (4 - startOfWeek + 7) % 7 : 0;
    const count = (local: number): number => Math.floor((Math.floor(local / DAY) + shift) / days);
    return count(to) - count(from);
  }
  const size = MONTHS[unit] ?? 1;
  const count = (local: number): number => {
    const date = new Date(local);
    return Math.floor((date.getUTCFullYear() * 12 + date.getUTCMonth()) / size);
  };
  return count(to) - count(from);
}

/** The beginning of the period of so many units, counted from the year 2000, that an instant lies in. */
export function truncateTo(
  unit: TimeUnit,
  size: number,
  instant: number,
  zone: TimeZone,
  startOfWeek: number,
): number {
  const reference = utcInstant(2000, 1, 1);
  const floorTo = (value: number, step: number): number => Math.floor(value / step) * step;
  const fixed = FIXED[unit];
  if (fixed !== undefined) {
    const origin = fromLocal(reference, zone);
    return origin + floorTo(instant - origin, fixed * size);
  }
  const local = toLocal(instant, zone);
  const days = DAYS[unit];
  if (days !== undefined) {
    // Of weeks, from the first beginning of one in 2000; the year began on a Saturday.
    const origin = reference + (days === 7 ? ((startOfWeek - 6 + 7) % 7) * DAY : 0);
    return fromLocal(origin + floorTo(local - origin, days * size * DAY), zone);
  }
  const date = new Date(local);
  const months = (date.getUTCFullYear() - 2000) * 12 + date.getUTCMonth();
  return fromLocal(utcInstant(2000, 1 + floorTo(months, (MONTHS[unit] ?? 1) * size), 1), zone);
}
