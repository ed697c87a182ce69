import { ServerError } from '../errors.ts';
import { type DateParts, datePartsOf, isoYearStart } from '../values/calendar.ts';
import { fromLocal, type TimeZone, timeZone, utcInstant } from '../values/time-zone.ts';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60), 2)}${pad(size % 60, 2)}`;
}

/** What a letter after % stands for, from a date's parts and its zone's offset in minutes. */
const SHOW: Record<string, (parts: DateParts, offset: number) => string> = {
  '%': () => '%',
  b: ({ month }) => (MONTHS[month - 1] ?? '').slice(0, 3),
  B: ({ month }) => MONTHS[month - 1] ?? '',
  d: ({ day }) => pad(day, 2),
  G: ({ isoWeekYear }) => pad(isoWeekYear, 4),
  H: ({ hour }) => pad(hour, 2),
  j: ({ dayOfYear }) => pad(dayOfYear, 3),
  L: ({ millisecond }) => pad(millisecond, 3),
  m: ({ month }) => pad(month, 2),
  M: ({ minute }) => pad(minute, 2),
  S: ({ second }) => pad(second, 2),
  u: ({ isoDayOfWeek }) => String(isoDayOfWeek),
  U: ({ week }) => pad(week, 2),
  V: ({ isoWeek }) => pad(isoWeek, 2),
  w: ({ dayOfWeek }) => String(dayOfWeek),
  Y: ({ year }) => pad(year, 4),
  z: (_parts, offset) => offsetText(offset),
  Z: (_parts, offset) => `${offset < 0 ? '-' : '+'}${pad(Math.abs(offset), 3)}`,
};

/** The letters of a format; everything else is taken as it is. */
function tokens(format: string, known: ReadonlySet<string>): { letter?: string; text?: string }[] {
  const found: { letter?: string; text?: string }[] = [];
  const points = [...format];
  for (let i = 0; i < points.length; i++) {
    if (points[i] !== '%') {
      found.push({ text: points[i] as string });
      continue;
    }
    const letter = points[++i];
    if (letter === undefined) throw new ServerError(18535, "Unmatched '%' at end of format string");
    if (!known.has(letter))
      throw new ServerError(18536, `Invalid format character '%${letter}' in format string`);
    found.push({ letter });
  }
  return found;
}

const SHOWN = new Set(Object.keys(SHOW));

export function checkFormat(format: string, reading: boolean): void {
  tokens(format, reading ? READABLE : SHOWN);
}

export function formatDate(format: string, instant: number, zone: TimeZone): string {
  const parts = datePartsOf(instant, zone);
  if (parts.year < 0 || parts.year > 9999)
    throw new ServerError(
      18537,
      `$dateToString is only defined on year 0-9999, tried to use year ${parts.year}`,
    );
  const offset = Math.trunc(zone.offsetAt(instant) / 60_000);
  return tokens(format, SHOWN)
    .map(({ letter, text }) => (letter === undefined ? text : SHOW[letter]?.(parts, offset)))
    .join('');
}

interface Read {
  year?: number;
  month?: number;
  day?: number;
  dayOfYear?: number;
  isoWeekYear?: number;
  isoWeek?: number;
  isoDayOfWeek?: number;
  hour?: number;
  minute?: number;
  second?: number;
  millisecond?: number;
  zone?: TimeZone;
}

const number =
  (field: Exclude<keyof Read, 'zone'>) =>
  (read: Read, text: string): void => {
    read[field] = Number(text);
  };

const month = (read: Read, text: string): void => {
  read.month =
    MONTHS.findIndex((name) => name.slice(0, 3).toLowerCase() === text.slice(0, 3).toLowerCase()) + 1;
};

/** What a letter after % reads. */
const READ: Record<string, { pattern: string; take: (read: Read, text: string) => void }> = {
  b: { pattern: 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec', take: month },
  B: { pattern: MONTHS.join('|'), take: month },
  d: { pattern: '\\d{2}', take: number('day') },
  G: { pattern: '\\d{4}', take: number('isoWeekYear') },
  H: { pattern: '\\d{2}', take: number('hour') },
  j: { pattern: '\\d{3}', take: number('dayOfYear') },
  L: { pattern: '\\d{3}', take: number('millisecond') },
  m: { pattern: '\\d{2}', take: number('month') },
  M: { pattern: '\\d{2}', take: number('minute') },
  S: { pattern: '\\d{2}', take: number('second') },
  u: { pattern: '[1-7]', take: number('isoDayOfWeek') },
  V: { pattern: '\\d{2}', take: number('isoWeek') },
  Y: { pattern: '\\d{4}', take: number('year') },
  z: {
    pattern: 'Z|UTC|GMT|[+-]\\d{2}(?::?\\d{2})?|[A-Za-z]+(?:/[A-Za-z_]+)+',
    take: (read, text) => {
      read.zone = timeZone(text);
    },
  },
  Z: {
    pattern: '[+-]?\\d{1,4}',
    take: (read, text) => {
      const offset = Number(text) * 60_000;
      read.zone = { utc: offset === 0, offsetAt: () => offset };
    },
  },
};

const READABLE = new Set(['%', ...Object.keys(READ)]);

function unreadable(text: string, why: string): ServerError {
  return new ServerError('ConversionFailure', `Error parsing date string '${text}'; ${why}`);
}

function finish(read: Read, text: string, zone: TimeZone): Date {
  if (read.zone && !zone.utc)
    throw unreadable(
      text,
      'you cannot pass in a date/time string with time zone information together with a timezone argument',
    );
  const { hour = 0, minute = 0, second = 0, millisecond = 0 } = read;
  if (hour > 24 || minute > 59 || second > 60) throw unreadable(text, 'the parsed time was invalid');
  const time = hour * 3_600_000 + minute * 60_000 + second * 1000 + millisecond;
  let start: number;
  if (read.isoWeekYear !== undefined) {
    if (read.isoWeek !== undefined && (read.isoWeek < 1 || read.isoWeek > 53))
      throw unreadable(text, 'the parsed date was invalid');
    start =
      isoYearStart(read.isoWeekYear) +
      (((read.isoWeek ?? 1) - 1) * 7 + (read.isoDayOfWeek ?? 1) - 1) * 86_400_000;
  } else if (read.year !== undefined && read.dayOfYear !== undefined)
    start = utcInstant(read.year, 1, read.dayOfYear);
  else {
    const { year, month: ofYear, day } = read;
    if (year === undefined || ofYear === undefined || day === undefined)
      throw unreadable(text, 'an incomplete date/time string has been found');
    if (ofYear < 1 || ofYear > 12 || day < 1 || day > new Date(utcInstant(year, ofYear + 1, 0)).getUTCDate())
      throw unreadable(text, 'the parsed date was invalid');
    start = utcInstant(year, ofYear, day);
  }
  return new Date(fromLocal(start + time, read.zone ?? zone));
}

/** Reads a date in a given format. */
export function readDate(text: string, format: string, zone: TimeZone): Date {
  const parsed = tokens(format, READABLE);
  const letters = parsed.flatMap(({ letter }) => (letter === undefined || letter === '%' ? [] : [letter]));
  const source = parsed
    .map(({ letter, text: plain }) =>
      letter === undefined || letter === '%'
        ? (plain ?? '%').replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
        : `(${READ[letter]?.pattern})`,
    )
    .join('');
  const found = new RegExp(`^${source}$`, 'i').exec(text);
  if (!found) throw unreadable(text, 'the string does not have the format');
  const read: Read = {};
  for (const [i, letter] of letters.entries()) READ[letter]?.take(read, found[i + 1] ?? '');
  if ((read.isoWeekYear === undefined) !== (read.isoWeek === undefined && read.isoDayOfWeek === undefined))
    if (read.isoWeekYear === undefined)
      throw unreadable(text, 'mixing of ISO dates with natural dates is not allowed');
  return finish(read, text, zone);
}

const NAMES = MONTHS.map((name) => `${name}|${name.slice(0, 3)}`).join('|');

/** The ways to write a day that are understood without a format. */
const DAYS: RegExp[] = [
  /^(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2})/,
  /^(?<year>\d{4})\/(?<month>\d{1,2})\/(?<day>\d{1,2})/,
  /^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})(?!\d)/,
  /^(?<month>\d{1,2})\/(?<day>\d{1,2})\/(?<year>\d{4})/,
  /^(?<day>\d{1,2})[.-](?<month>\d{1,2})[.-](?<year>\d{4})/,
  /^(?<year>\d{4})-?W(?<isoWeek>\d{2})(?:-?(?<isoDayOfWeek>[1-7]))?/,
  /^(?<year>\d{4})-(?<dayOfYear>\d{3})/,
  new RegExp(
    `^(?:\\w{3,9},? )?(?<name>${NAMES})\\.? (?<day>\\d{1,2})(?:st|nd|rd|th)?,? (?<year>\\d{4})`,
    'i',
  ),
  new RegExp(
    `^(?:\\w{3,9},? )?(?<day>\\d{1,2})(?:st|nd|rd|th)?[ -](?<name>${NAMES})[ -,]+(?<year>\\d{4})`,
    'i',
  ),
];

const TIME =
  /^[T ,]*(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)? ?(?<half>[ap]\.?m\.?(?![a-z]))?/i;
const ZONE = /^ ?(?<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?|[A-Za-z]+\/[A-Za-z_/]+)$/i;

/** Reads a date written in one of the usual ways. */
export function readAnyDate(text: string, zone: TimeZone): Date {
  const trimmed = text.trim();
  const day = DAYS.map((pattern) => pattern.exec(trimmed)).find((found) => found !== null);
  if (!day) throw unreadable(text, 'an incomplete date/time string has been found, with elements missing');
  const read: Read = {};
  const groups = day.groups ?? {};
  for (const field of ['year', 'month', 'day', 'isoWeek', 'isoDayOfWeek', 'dayOfYear'] as const) {
    const given = groups[field];
    if (given !== undefined) read[field] = Number(given);
  }
  if (groups.name) month(read, groups.name);
  if (read.isoWeek !== undefined && read.year !== undefined) read.isoWeekYear = read.year;
  let rest = trimmed.slice(day[0].length);
  const time = TIME.exec(rest);
  if (time) {
    const { hour = '0', minute = '0', second = '0', fraction = '0', half } = time.groups ?? {};
    read.hour = Number(hour);
    if (half) read.hour = (read.hour % 12) + (/^p/i.test(half) ? 12 : 0);
    [read.minute, read.second] = [Number(minute), Number(second)];
    read.millisecond = Number(fraction.padEnd(3, '0').slice(0, 3));
    rest = rest.slice(time[0].length);
  }
  if (rest !== '') {
    const suffix = ZONE.exec(rest)?.groups?.zone;
    if (suffix === undefined) throw unreadable(text, 'unexpected characters behind the date');
    read.zone = timeZone(/^(z|utc|gmt)$/i.test(suffix) ? suffix.toUpperCase() : suffix);
  }
  return finish(read, text, zone);
}
