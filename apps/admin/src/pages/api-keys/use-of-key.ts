import type { Key } from '../../trpc.ts';

const DAY_MS = 24 * 3600_000;

/** A key that was used within so many days is in use. */
export const USED_DAYS = 7;
/** One that was not for so long is idle. */
const IDLE_DAYS = 30;

type Used = Pick<Key, 'lastUsedAt'>;

export const isInUse = ({ lastUsedAt }: Used, now: number): boolean =>
  lastUsedAt !== null && now - Date.parse(lastUsedAt) < USED_DAYS * DAY_MS;

export type Verdict = 'inUse' | 'quiet' | 'idle' | 'neverUsed';

/** Whether a key can be removed, judged by its last use. */
export const verdictOf = (key: Used, now: number): Verdict => {
  if (key.lastUsedAt === null) return 'neverUsed';
  if (isInUse(key, now)) return 'inUse';
  return now - Date.parse(key.lastUsedAt) < IDLE_DAYS * DAY_MS ? 'quiet' : 'idle';
};
