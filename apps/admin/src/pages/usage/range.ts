import type { UsageCounts, UsageSeries } from '../../trpc.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const RANGES = [
  { value: '1h', label: 'Last hour', ms: HOUR_MS, interval: 'minute' },
  { value: '24h', label: '24 hours', ms: DAY_MS, interval: 'hour' },
  { value: '7d', label: '7 days', ms: 7 * DAY_MS, interval: 'hour' },
  { value: '30d', label: '30 days', ms: 30 * DAY_MS, interval: 'day' },
  { value: '90d', label: '90 days', ms: 90 * DAY_MS, interval: 'day' },
] as const;
export type Range = (typeof RANGES)[number];
export const DEFAULT_RANGE = RANGES[1];

const INTERVAL_MS = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS } as const;

/** Where a range that ends now begins: on a whole minute, so that it changes once a minute and not at every look. */
export const rangeStart = (range: Range, now: number): string => {
  const start = now - range.ms;
  return new Date(start - (start % MINUTE_MS)).toISOString();
};

export type Span = {
  readonly from: string;
  readonly to?: string;
  readonly interval: UsageSeries['interval'];
};

/** Hours are kept for 130 days; more than so many bars nobody can tell apart. */
const HOURS_UP_TO_MS = 8 * DAY_MS;

/** Days that somebody chose, whole ones, where they are; `null` where they are none. */
export const chosenSpan = (firstDay: string, lastDay: string): Span | null => {
  const from = new Date(`${firstDay}T00:00:00`);
  const to = new Date(`${lastDay}T00:00:00`);
  to.setDate(to.getDate() + 1);
  const length = to.getTime() - from.getTime();
  if (!(length > 0)) return null;
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    interval: length <= HOURS_UP_TO_MS ? 'hour' : 'day',
  };
};

export type Bar = { readonly at: number; readonly counts: UsageCounts };

const NONE: UsageCounts = { total: 0, served: 0, clientError: 0, denied: 0, rateLimited: 0, serverError: 0 };

/** One bar for each interval, also for those without requests, which the server leaves out. */
export const barsOf = ({ from, to, interval, data }: UsageSeries): readonly Bar[] => {
  const step = INTERVAL_MS[interval];
  const floor = (at: number) => at - (at % step);
  const found = new Map(data.map(({ at, counts }) => [floor(Date.parse(at)), counts]));
  const bars: Bar[] = [];
  for (let at = floor(Date.parse(from)); at < Date.parse(to); at += step) {
    bars.push({ at, counts: found.get(at) ?? NONE });
  }
  return bars;
};

const TIME = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const DAY_TIME = new Intl.DateTimeFormat('en', {
  weekday: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
// The server's days are days of UTC.
const DAY = new Intl.DateTimeFormat('en', {
  weekday: 'short',
  month: 'short',
  day: 'numeric',
  timeZone: 'UTC',
});

export const barLabel = (at: number, interval: UsageSeries['interval']): string =>
  ({ minute: TIME, hour: DAY_TIME, day: DAY })[interval].format(at);
