import type { Key } from '../../trpc.ts';

export type Secret = Key['secrets'][number];

/** The secret that a rotation has replaced, while it still works. */
export const oldSecret = (key: Key, now: number): Secret | null => {
  if (key.status !== 'active') return null;
  const old = key.secrets[1];
  return old && (old.expiresAt === null || new Date(old.expiresAt).getTime() > now) ? old : null;
};

const HOUR = 3600;
const DAY = 24 * HOUR;

/** "24 hours", "7 days". */
export const duration = (seconds: number): string => {
  const [count, unit] =
    seconds >= 2 * DAY && seconds % DAY === 0
      ? [seconds / DAY, 'day']
      : seconds % HOUR === 0
        ? [seconds / HOUR, 'hour']
        : [seconds, 'second'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
};

export const OVERLAP_SECONDS = [HOUR, DAY, 7 * DAY, 30 * DAY] as const;
