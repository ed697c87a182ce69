import { redactTokens } from '@kaana/api-key';
import { type Failure, FailureSignal, failureOfProblem, ownFailure } from './error.ts';

/** What the client asks of a `fetch`. The platform's own fits, and so do those of undici and of test doubles. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;
export type FetchInit = {
  method: string;
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
  redirect: 'manual';
};
export type FetchResponse = {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
};

/** What of the reason of a failed connection is kept: enough for a log line. */
const MAX_REASON_LENGTH = 300;

/**
 * The texts along the causes: `fetch` itself says only "fetch failed". Text, not the errors: those of some
 * implementations carry the request with its headers.
 */
const reasonOf = (error: unknown): string => {
  const texts: string[] = [];
  for (let at = error; at instanceof Error && texts.length < 4; at = at.cause) {
    const { code } = at as { code?: unknown };
    // An AggregateError (one error for each address that was tried) has no message.
    const text = at.message || (typeof code === 'string' ? code : at.name);
    if (!texts.includes(text)) texts.push(text);
  }
  return redactTokens(texts.join(': ')).slice(0, MAX_REASON_LENGTH) || 'unknown reason';
};

/** `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. */
export const retryAfterOf = (header: string | null, now: number): number | null => {
  if (header === null) return null;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const date = /[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now) / 1000));
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const isEnvelope = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && ('result' in value || 'error' in value);

/** Whether it is an answer of tRPC's to a batch of so many calls: one for each, or one error for all. */
const answers = (json: unknown, calls: number): boolean =>
  Array.isArray(json)
    ? json.length === calls && json.every(isEnvelope)
    : isEnvelope(json) && 'error' in (json as object);

const callsIn = (url: string): number => (new URL(url).pathname.split('/').at(-1) ?? '').split(',').length;

const unexpected = (response: FetchResponse, now: number): Failure => {
  const { status, headers } = response;
  const redirected = status === 0 || (status >= 300 && status < 400);
  const detail = redirected
    ? `The server redirects (status ${status}), and the API key is not sent on to another address. Set url to where Kaana itself is.`
    : `The answer, with status ${status}, is not Kaana's. Is url right, and what stands in front of the server?`;
  return ownFailure('unexpected_response', 'Unexpected Response', detail, {
    status,
    requestId: headers.get('x-request-id'),
    retryAfterSeconds: retryAfterOf(headers.get('retry-after'), now),
  });
};

type TrpcRequest = {
  method?: string | undefined;
  headers?: unknown;
  body?: unknown;
  signal?: AbortSignal | null | undefined;
};
type TrpcResponse = { readonly ok: boolean; json(): Promise<unknown> };

/**
 * One HTTP exchange on behalf of tRPC's link. It gives back what tRPC understands, and throws a `FailureSignal` for all
 * else; left to itself, tRPC would report a gateway's HTML page as a syntax error, without the status.
 */
export const createTransport =
  (fetch: Fetch, headers: Readonly<Record<string, string>>, now: () => number) =>
  async (url: string, { method, headers: own, body, signal }: TrpcRequest = {}): Promise<TrpcResponse> => {
    let response: FetchResponse;
    let text: string;
    try {
      response = await fetch(url, {
        method: method ?? 'GET',
        headers: { accept: 'application/json', ...(own as Record<string, string>), ...headers },
        ...(typeof body === 'string' ? { body } : {}),
        signal: signal ?? new AbortController().signal,
        redirect: 'manual',
      });
      text = await response.text();
    } catch (error) {
      const detail = `No answer from ${new URL(url).origin}: ${reasonOf(error)}`;
      throw new FailureSignal(ownFailure('network_error', 'Network Error', detail));
    }
    const json = parseJson(text);
    if (answers(json, callsIn(url))) return { ok: response.ok, json: async () => json };
    // What the server refuses before it comes to tRPC (a body too large, shutting down) is a bare problem.
    throw new FailureSignal((response.ok ? null : failureOfProblem(json)) ?? unexpected(response, now()));
  };
