const SECOND_MS = 1_000;
const HOUR_MS = 3600 * SECOND_MS;

const FIRST_RETRY_MS = 5 * SECOND_MS;
const FACTOR = 4;
const LONGEST_MS = 24 * HOUR_MS;
/** With the first one; the last comes about 78 hours after it. */
export const MAX_TRIES = 11;
/** Of a delay, in either direction: messages that failed together do not come again together. */
const JITTER = 0.15;

/**
 * How long to wait after the `tries`-th attempt has failed: 5 seconds, 20, 80, ..., at most a day, and never less than
 * the receiver asks for. `null`: no more. `random` is from 0 to 1.
 */
export const retryDelayMs = (tries: number, askedMs: number | null, random: number): number | null => {
  if (tries >= MAX_TRIES) return null;
  const delay = Math.min(LONGEST_MS, FIRST_RETRY_MS * FACTOR ** (tries - 1));
  const jittered = delay * (1 - JITTER + 2 * JITTER * random);
  return Math.round(Math.max(jittered, Math.min(askedMs ?? 0, LONGEST_MS)));
};
