import { useSyncExternalStore } from 'react';

const UNITS = [
  ['year', 365 * 24 * 3600],
  ['month', 30 * 24 * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['minute', 60],
] as const;
const TICK_MS = 5_000;

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat('en', {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'short',
});
const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });

/** Where times are shown, e.g. "Europe/Berlin". */
export const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const exactTime = (iso: string): string => exact.format(new Date(iso));
export const dayOf = (iso: string): string => day.format(new Date(iso));

export const relativeTime = (at: number, now: number): string => {
  const seconds = (at - now) / 1000;
  if (Math.abs(seconds) < 10) return seconds > 1 ? 'in a few seconds' : 'just now';
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? (['second', 1] as const);
  return relative.format(Math.round(seconds / size), unit);
};

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  now = Date.now();
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
};

/** One clock for all times on the page. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now);

type TimeProps = { at: string | null; never?: string };

/** "3 hours ago"; hovering shows the exact time. */
export function Time({ at, never = 'Never' }: TimeProps) {
  const current = useNow();
  if (at === null) return <span className="text-ink-muted">{never}</span>;
  const time = new Date(at).getTime();
  // What the server stamped after the last tick of our clock happened now, not in the future.
  const reference = time > current && time - current < TICK_MS ? time : current;
  return (
    <time dateTime={at} title={exactTime(at)} className="whitespace-nowrap">
      {relativeTime(time, reference)}
    </time>
  );
}
