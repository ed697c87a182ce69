import type { Problem, RateLimitState } from '@kaana/core';

export type Headers = Record<string, string>;

/** RateLimit and RateLimit-Policy (IETF httpapi draft-ietf-httpapi-ratelimit-headers). */
export const rateLimitHeaders = ({
  limit,
  remaining,
  resetSeconds,
  windowSeconds,
}: RateLimitState): Headers => ({
  ratelimit: `"account";r=${remaining};t=${resetSeconds}`,
  'ratelimit-policy': `"account";q=${limit};w=${windowSeconds}`,
});

/** A quoted-string (RFC 9110, section 5.6.4): printable ASCII, and neither quote nor backslash. */
const quoted = (text: string): string => `"${text.replace(/[^\x20-\x7e]|["\\]/g, "'")}"`;

const challenge = ({ code, detail }: Problem): string =>
  code === 'credentials_missing' || code === 'session_invalid'
    ? 'Bearer realm="Kaana"'
    : `Bearer realm="Kaana", error="invalid_token", error_description=${quoted(detail)}`;

/** What goes with an error besides its body: Retry-After (RFC 9110), WWW-Authenticate (RFC 6750). */
export const problemHeaders = (problem: Problem): Headers => ({
  ...(problem.retryAfterSeconds === undefined ? {} : { 'retry-after': String(problem.retryAfterSeconds) }),
  ...(problem.status === 401 ? { 'www-authenticate': challenge(problem) } : {}),
});
