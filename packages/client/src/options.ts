import { parseToken, TOKEN_LENGTH } from '@kaana/api-key';
import { systemTime, type Time } from './time.ts';
import type { Fetch } from './transport.ts';

/** `url` and `apiKey` may be `undefined` so that environment variables can be passed as they are; it is refused at once. */
export type KaanaClientOptions = {
  /** Where the server is, e.g. `https://kaana.example.com`; with or without `/trpc` at the end. */
  readonly url: string | undefined;
  /** The API key of your service. */
  readonly apiKey: string | undefined;
  /** Another `fetch`, for a proxy or a test. */
  readonly fetch?: Fetch | undefined;
  /** Milliseconds that one attempt may take, answer included; 10,000 by default. To limit a call as a whole, pass a signal. */
  readonly timeoutMs?: number | undefined;
  /** How many more attempts a call may make, where that is safe; 2 by default, 0 for none. */
  readonly retries?: number | undefined;
  /**
   * Id or name of the organization that the key has to belong to. With a key of another one, each call fails with
   * `tenant_mismatch` instead of working on the wrong data.
   */
  readonly organization?: string | undefined;
  /** For tests: another clock, timers and random numbers. */
  readonly time?: Partial<Time> | undefined;
};

export type Settings = {
  /** Ends in `/trpc`. */
  readonly endpoint: string;
  readonly apiKey: string;
  readonly fetch: Fetch;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly organization: string | null;
  readonly time: Time;
};

/** Beyond it `setTimeout` fires at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const MAX_RETRIES = 10;

/** None of these messages repeats what was given: it may be the key, in the wrong place. */
const refuse = (message: string): never => {
  throw new TypeError(`createKaanaClient: ${message}`);
};

const endpointOf = (url: unknown): string => {
  if (typeof url !== 'string' || url === '') return refuse('url is missing.');
  if (!URL.canParse(url)) {
    return refuse('url is not an absolute URL, such as https://kaana.example.com.');
  }
  const { protocol, username, password, search, hash, origin, pathname } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:')
    return refuse('url has to begin with http:// or https://.');
  if (username !== '' || password !== '') return refuse('url must not contain a user name or a password.');
  if (search !== '' || hash !== '') return refuse('url must not contain a query or a fragment.');
  const base = `${origin}${pathname}`.replace(/\/+$/, '');
  return base.endsWith('/trpc') ? base : `${base}/trpc`;
};

const apiKeyOf = (apiKey: unknown): string => {
  if (apiKey === undefined || apiKey === null || apiKey === '') return refuse('apiKey is missing.');
  if (typeof apiKey !== 'string') return refuse('apiKey has to be a string.');
  const parsed = parseToken(apiKey);
  if (parsed.ok) return apiKey;
  if (parsed.reason === 'checksum') {
    return refuse(
      'apiKey has the form of an API key, but its checksum is wrong: it was mistyped or cut together.',
    );
  }
  if (parseToken(apiKey.trim()).ok) return refuse('apiKey has white space before or after it.');
  return refuse(`apiKey is not an API key: those are ${TOKEN_LENGTH} characters that begin with "kaana_".`);
};

/** What an HTTP header carries unchanged: printable Latin-1, no space at either end. */
const HEADER_TEXT = /^[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa1-\xff])?$/;

const organizationOf = (organization: unknown): string | null => {
  if (organization === undefined) return null;
  if (typeof organization !== 'string' || organization === '') {
    return refuse('organization has to be the id or the name of an organization.');
  }
  if (HEADER_TEXT.test(organization)) return organization;
  return refuse('organization contains characters that a header cannot carry: give its id.');
};

const wholeNumber = (name: string, value: unknown, min: number, max: number, fallback: number): number => {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  return refuse(`${name} has to be a whole number from ${min} to ${max}.`);
};

/** Late, so that what a test or an instrumentation puts in its place is used. */
const platformFetch: Fetch = (url, init) => globalThis.fetch(url, init);

/** Throws a `TypeError` that says what is wrong with the options. */
export const readOptions = (options: KaanaClientOptions): Settings => {
  const { fetch = platformFetch } = options;
  if (typeof fetch !== 'function') return refuse('fetch has to be a function.');
  return {
    endpoint: endpointOf(options.url),
    apiKey: apiKeyOf(options.apiKey),
    fetch,
    timeoutMs: wholeNumber('timeoutMs', options.timeoutMs, 1, MAX_TIMEOUT_MS, 10_000),
    retries: wholeNumber('retries', options.retries, 0, MAX_RETRIES, 2),
    organization: organizationOf(options.organization),
    time: { ...systemTime, ...options.time },
  };
};
