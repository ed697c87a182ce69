import { ServerError } from '../errors.ts';

/** A time zone: how far its clocks are ahead of UTC, in milliseconds, at an instant. */
export interface TimeZone {
  utc: boolean;
  offsetAt(instant: number): number;
}

export const UTC: TimeZone = { utc: true, offsetAt: () => 0 };

const DAY = 86_400_000;
const ZONES = new Map<string, TimeZone>([
  ['UTC', UTC],
  ['GMT', UTC],
  ['Z', UTC],
]);

function named(name: string): TimeZone | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  return {
    utc: false,
    offsetAt(instant) {
      const parts: Record<string, string> = {};
      for (const { type, value } of format.formatToParts(instant)) parts[type] = value;
      const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year);
      const local = utcInstant(
        year,
        Number(parts.month),
        Number(parts.day),
        Number(parts.hour),
        Number(parts.minute),
        Number(parts.second),
        0,
      );
      return local - Math.floor(instant / 1000) * 1000;
    },
  };
}

/** By its name in the Olson database, or by its offset: `+05:30`, `+0530`, `+05`. */
export function timeZone(name: string): TimeZone {
  const known = ZONES.get(name);
  if (known) return known;
  const fixed = /^([+-])(\d{2})(?::?(\d{2}))?$/.exec(name);
  let zone: TimeZone | undefined;
  if (fixed) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3] ?? 0);
    const offset = (fixed[1] === '-' ? -1 : 1) * minutes * 60_000;
    zone = { utc: offset === 0, offsetAt: () => offset };
  } else if (/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) zone = named(name);
  if (!zone) throw new ServerError(40485, `unrecognized time zone identifier: "${name}"`);
  if (ZONES.size > 200) ZONES.clear();
  ZONES.set(name, zone);
  return zone;
}

/** `Date.UTC`, but the years 0 to 99 are what they say, and parts may be out of their ranges. */
export function utcInstant(
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
  millisecond = 0,
): number {
  const months = year * 12 + month - 1;
  const date = new Date(0);
  date.setUTCFullYear(Math.floor(months / 12), ((months % 12) + 12) % 12, 1);
  return date.getTime() + (day - 1) * DAY + hour * 3_600_000 + minute * 60_000 + second * 1000 + millisecond;
}

/** What the zone's clocks show, as if it were UTC. */
export function toLocal(instant: number, zone: TimeZone): number {
  return instant + zone.offsetAt(instant);
}

/** The instant at which the zone's clocks show this; one that they skip is as far behind the jump. */
export function fromLocal(local: number, zone: TimeZone): number {
  const [before, after] = [zone.offsetAt(local - DAY), zone.offsetAt(local + DAY)];
  if (before === after || zone.offsetAt(local - before) === before) return local - before;
  return zone.offsetAt(local - after) === after ? local - after : local - before;
}
