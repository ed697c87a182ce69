import type { AppRouter } from '@kaana/api';
import { redactTokens } from '@kaana/api-key';
import { isTRPCClientError, type TRPCClientErrorLike } from '@trpc/client';

type Problem = NonNullable<TRPCClientErrorLike<AppRouter>['data']>['problem'];

/**
 * The server's own codes, and three of the client:
 * - `network_error`: no answer. Whether the server has seen the request is unknown.
 * - `timeout`: no whole answer within `timeoutMs`. The same holds.
 * - `unexpected_response`: an answer, but not Kaana's: a gateway, a redirect, a wrong `url`.
 */
export type KaanaApiErrorCode = Problem['code'] | 'network_error' | 'timeout' | 'unexpected_response';

/** One field of the input that is wrong; `path` is dotted, empty for the input as a whole. */
export type KaanaFieldError = { readonly path: string; readonly message: string };

/** How a call ended that did not succeed. Plain data: decided on first, thrown afterwards. */
export type Failure = {
  /** HTTP status; `null` where there was no answer. */
  readonly status: number | null;
  readonly code: KaanaApiErrorCode;
  readonly title: string;
  readonly detail: string;
  /** What to quote when asking the server's operator; `null` where there was no answer of Kaana's. */
  readonly requestId: string | null;
  /** What the server asks to wait; `null` where it does not say. */
  readonly retryAfterSeconds: number | null;
  /** With `invalid_input`: the fields. Empty otherwise. */
  readonly errors: readonly KaanaFieldError[];
};

/**
 * The one error that calls reject with, but for what a caller's own `AbortSignal` gives as its reason.
 *
 * It has no `cause`: what lies underneath (requests, answers, errors of a `fetch`) may hold the API key in its headers,
 * and loggers print causes. What it says has passed `redactTokens`, since a token may also be among the input.
 */
export class KaanaApiError extends Error implements Failure {
  override readonly name = 'KaanaApiError';
  readonly status: number | null;
  readonly code: KaanaApiErrorCode;
  readonly title: string;
  readonly detail: string;
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;
  readonly errors: readonly KaanaFieldError[];

  /** `procedure`: what was called, for the message. */
  constructor(failure: Failure, procedure: string) {
    const detail = redactTokens(failure.detail);
    const requestId = failure.requestId === null ? null : redactTokens(failure.requestId);
    const request = requestId === null ? '' : `, request ${requestId}`;
    super(redactTokens(`${procedure}: ${detail} (${failure.code}${request})`));
    this.status = failure.status;
    this.code = failure.code;
    this.title = redactTokens(failure.title);
    this.detail = detail;
    this.requestId = requestId;
    this.retryAfterSeconds = failure.retryAfterSeconds;
    this.errors = failure.errors.map(({ path, message }) => ({
      path: redactTokens(path),
      message: redactTokens(message),
    }));
  }
}

/** Carries a failure through tRPC's links. Never reaches a caller. */
export class FailureSignal extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.code);
    this.failure = failure;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const isWait = (value: unknown): value is number => typeof value === 'number' && value >= 0;
const isFieldError = (value: unknown): value is KaanaFieldError =>
  isRecord(value) && typeof value.path === 'string' && typeof value.message === 'string';

/**
 * Problem details (RFC 9457) as a failure; `null`: this is none of Kaana's. A newer server may send a code that is not in
 * the type; it is handed on as it is.
 */
export const failureOfProblem = (problem: unknown): Failure | null => {
  if (!isRecord(problem)) return null;
  const { status, code, title, detail, requestId, retryAfterSeconds, errors } = problem;
  if (typeof status !== 'number' || typeof code !== 'string') return null;
  return {
    status,
    code: code as Problem['code'],
    title: typeof title === 'string' ? title : code,
    detail: typeof detail === 'string' ? detail : code,
    requestId: typeof requestId === 'string' && requestId !== '' ? requestId : null,
    retryAfterSeconds: isWait(retryAfterSeconds) ? retryAfterSeconds : null,
    errors: Array.isArray(errors) ? errors.filter(isFieldError) : [],
  };
};

/** A failure for which no answer of Kaana's stands. */
export const ownFailure = (
  code: KaanaApiErrorCode,
  title: string,
  detail: string,
  extras: Partial<Pick<Failure, 'status' | 'requestId' | 'retryAfterSeconds'>> = {},
): Failure => ({
  status: null,
  code,
  title,
  detail,
  requestId: null,
  retryAfterSeconds: null,
  errors: [],
  ...extras,
});

/** What has been thrown inside an attempt, as a failure. */
export const failureOf = (error: unknown): Failure => {
  if (error instanceof FailureSignal) return error.failure;
  if (isTRPCClientError<AppRouter>(error)) {
    const known = failureOfProblem(error.data?.problem);
    if (known) return known;
    if (error.cause instanceof FailureSignal) return error.cause.failure;
    if (error.shape) {
      const status = error.data?.httpStatus ?? null;
      return ownFailure('unexpected_response', 'Unexpected Response', error.message, { status });
    }
  }
  // The transport has spoken for everything that comes after it, so that this one was never sent: an input that
  // JSON cannot carry, or a query too long for a URL.
  const reason = error instanceof Error ? error.message : 'unknown reason';
  return ownFailure('invalid_input', 'Invalid Input', `The input cannot be sent: ${reason}`);
};
