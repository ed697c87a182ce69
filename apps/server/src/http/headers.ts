import type { ResponseState } from '@kaana/api';
import { type Problem, policyName, type RateLimitState, REQUEST_WINDOW_MS } from '@kaana/core';

export type Headers = Record<string, string>;

/** RateLimit and RateLimit-Policy (IETF httpapi draft-ietf-httpapi-ratelimit-headers). */
const rateLimitHeaders = ({ limit, remaining, resetSeconds, windowSeconds }: RateLimitState): Headers => ({
  ratelimit: `"account";r=${remaining};t=${resetSeconds}`,
  'ratelimit-policy': `"account";q=${limit};w=${windowSeconds}`,
});

/** Of a key that several policies apply to: all of them, and of each that was asked where it stands. */
const listed = ({ rateLimit, quotas }: ResponseState): Headers => {
  const states = (quotas?.states ?? []).map((state) => ({ ...state, name: policyName(state) }));
  const plan = rateLimit
    ? [{ name: 'account', remaining: rateLimit.remaining, resetSeconds: rateLimit.resetSeconds }]
    : [];
  const item = (name: string, parameters: readonly [string, number | null][]) =>
    [`"${name}"`, ...parameters.flatMap(([key, value]) => (value === null ? [] : [`${key}=${value}`]))].join(
      ';',
    );
  return {
    ratelimit: [...plan, ...states]
      .map(({ name, remaining, resetSeconds }) =>
        item(name, [
          ['r', remaining],
          ['t', resetSeconds],
        ]),
      )
      .join(', '),
    'ratelimit-policy': [
      { name: 'account', limit: quotas?.plan ?? 0, windowSeconds: REQUEST_WINDOW_MS / 1000 },
      ...states,
    ]
      .map(({ name, limit, windowSeconds }) =>
        item(name, [
          ['q', limit],
          ['w', windowSeconds],
        ]),
      )
      .join(', '),
  };
};

/** What an answer says about limits; `null` where none was asked. */
export const limitHeaders = (response: ResponseState): Headers | null => {
  if (response.quotas) return listed(response);
  return response.rateLimit ? rateLimitHeaders(response.rateLimit) : null;
};

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
