import { type Domain, KaanaError, type Origin, type QuotaState, type RateLimitState } from '@kaana/core';

/** What a request carries to say who it is. Exactly one counts: an `Authorization` header shuts out the cookie. */
export type Credential =
  | { readonly type: 'none' }
  | { readonly type: 'key'; readonly token: string }
  | { readonly type: 'session'; readonly value: string }
  | { readonly type: 'refused'; readonly error: KaanaError };

/** What a procedure tells the transport besides its result. Written by procedures, read by adapters. */
export type ResponseState = {
  rateLimit?: RateLimitState;
  /** Of a key that more than the plan's limit applies to; `plan`: what that is, where it was not asked. */
  quotas?: { readonly plan: number; readonly states: readonly QuotaState[] };
  /** A new session's cookie, or `null` to clear it. */
  session?: { readonly value: string; readonly expiresAt: Date } | null;
};

/** One request. Plain data, but for the domain that it is put to. */
export type Context = {
  readonly domain: Domain;
  readonly origin: Origin;
  readonly userAgent: string | null;
  readonly credential: Credential;
  /** `Kaana-Organization`: the id or name of the organization that the caller believes to be in. */
  readonly organization: string | null;
  readonly response: ResponseState;
};

const BEARER = 'bearer ';

/**
 * Reads `Authorization` (RFC 6750) or the session cookie's value. What follows `Bearer ` is taken to the letter: a
 * space too many makes another key, as the user guide says.
 */
export const credentialOf = (
  authorization: string | undefined,
  sessionCookie: string | undefined,
): Credential => {
  if (authorization === undefined) {
    return sessionCookie ? { type: 'session', value: sessionCookie } : { type: 'none' };
  }
  if (authorization.slice(0, BEARER.length).toLowerCase() === BEARER) {
    return { type: 'key', token: authorization.slice(BEARER.length) };
  }
  return {
    type: 'refused',
    error: new KaanaError(
      'credentials_missing',
      'The Authorization header does not use Bearer authentication. Send "Authorization: Bearer YOUR_API_KEY".',
    ),
  };
};
