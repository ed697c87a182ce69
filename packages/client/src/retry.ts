import type { Failure } from './error.ts';

/** The first back-off is drawn from 0 to this, each further one from twice as much. */
const BASE_MS = 100;
const MAX_BACKOFF_MS = 5_000;

/**
 * The longest `Retry-After` that is waited for. Past it, the call fails at once and `retryAfterSeconds` says when: to come
 * back earlier than asked would be refused again, and to hold a caller for minutes helps nobody.
 */
export const MAX_RETRY_AFTER_SECONDS = 30;

/**
 * A query changes nothing, so that asking again is always safe; it is done where the next answer may be another one. 502
 * and 504 are a gateway's words for a network error. Not after a timeout: the caller has waited long enough, and a
 * server that is too slow for its callers does not get faster by being asked three times.
 */
const mayRepeatQuery = ({ code, status }: Failure): boolean =>
  code === 'network_error' || status === 429 || status === 502 || status === 503 || status === 504;

/**
 * A mutation is repeated only where the first one has certainly done nothing:
 * - 429: refused by the limit, which stands before the procedure.
 * - `overloaded`: refused because too many were waiting, which is decided before anything is written.
 *
 * Not where it may have happened:
 * - `network_error`, `timeout`: the request, or only its answer, may have been lost.
 * - `store_unavailable`: the database may have taken the write and been lost before it said so.
 * - any other 503: a gateway that gave up waiting says 503 too.
 *
 * To repeat those could create a second key whose token nobody has seen, or rotate away a secret that was just handed
 * out. Whoever calls can look first: `keys.list`, `projects.list`.
 */
const mayRepeatMutation = ({ code, status }: Failure): boolean => status === 429 || code === 'overloaded';

/**
 * Milliseconds to wait before the next attempt; `null`: there is none.
 *
 * Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): callers who failed together
 * do not come back together. With `Retry-After` the jitter comes on top, never before.
 *
 * `retry`: 0 for the first one. `random`: at least 0, less than 1.
 */
export const retryDelayMs = (
  type: 'query' | 'mutation',
  failure: Failure,
  retry: number,
  random: number,
): number | null => {
  if (!(type === 'query' ? mayRepeatQuery(failure) : mayRepeatMutation(failure))) return null;
  const retryAfterSeconds = failure.retryAfterSeconds ?? 0;
  if (retryAfterSeconds > MAX_RETRY_AFTER_SECONDS) return null;
  return retryAfterSeconds * 1000 + random * Math.min(MAX_BACKOFF_MS, BASE_MS * 2 ** retry);
};
