import { redactTokens } from '@kaana/api-key';

/**
 * The one table of errors: code -> HTTP status (RFC 9110), tRPC code, title (RFC 9457 `title`).
 * Everything that the outside can see go wrong is a row here; both wire shapes are made from it.
 */
export const ERRORS = {
  credentials_missing: { status: 401, trpc: 'UNAUTHORIZED', title: 'Invalid API Key' },
  key_malformed: { status: 401, trpc: 'UNAUTHORIZED', title: 'Invalid API Key' },
  key_unknown: { status: 401, trpc: 'UNAUTHORIZED', title: 'Invalid API Key' },
  key_revoked: { status: 401, trpc: 'UNAUTHORIZED', title: 'Invalid API Key' },
  key_expired: { status: 401, trpc: 'UNAUTHORIZED', title: 'Invalid API Key' },
  session_invalid: { status: 401, trpc: 'UNAUTHORIZED', title: 'Invalid Session' },
  credits_exhausted: { status: 402, trpc: 'PAYMENT_REQUIRED', title: 'Payment Required' },
  permission_denied: { status: 403, trpc: 'FORBIDDEN', title: 'Unauthorized' },
  account_inactive: { status: 403, trpc: 'FORBIDDEN', title: 'Unauthorized' },
  tenant_mismatch: { status: 403, trpc: 'FORBIDDEN', title: 'Unauthorized' },
  ip_not_allowed: { status: 403, trpc: 'FORBIDDEN', title: 'Unauthorized' },
  origin_not_allowed: { status: 403, trpc: 'FORBIDDEN', title: 'Unauthorized' },
  signature_invalid: { status: 403, trpc: 'FORBIDDEN', title: 'Unauthorized' },
  invalid_input: { status: 400, trpc: 'BAD_REQUEST', title: 'Invalid Input' },
  policy_violation: { status: 400, trpc: 'BAD_REQUEST', title: 'Invalid Input' },
  not_found: { status: 404, trpc: 'NOT_FOUND', title: 'Not Found' },
  method_not_allowed: { status: 405, trpc: 'METHOD_NOT_SUPPORTED', title: 'Method Not Allowed' },
  key_limit_reached: { status: 409, trpc: 'CONFLICT', title: 'Conflict' },
  already_revoked: { status: 409, trpc: 'CONFLICT', title: 'Conflict' },
  already_expired: { status: 409, trpc: 'CONFLICT', title: 'Conflict' },
  already_exists: { status: 409, trpc: 'CONFLICT', title: 'Conflict' },
  rotation_in_progress: { status: 409, trpc: 'CONFLICT', title: 'Conflict' },
  webhook_limit_reached: { status: 409, trpc: 'CONFLICT', title: 'Conflict' },
  rotation_not_in_progress: { status: 409, trpc: 'CONFLICT', title: 'Conflict' },
  new_secret_used: { status: 409, trpc: 'CONFLICT', title: 'Conflict' },
  last_admin: { status: 409, trpc: 'CONFLICT', title: 'Conflict' },
  changed_meanwhile: { status: 409, trpc: 'CONFLICT', title: 'Conflict' },
  payload_too_large: { status: 413, trpc: 'PAYLOAD_TOO_LARGE', title: 'Content Too Large' },
  unsupported_media_type: { status: 415, trpc: 'UNSUPPORTED_MEDIA_TYPE', title: 'Unsupported Media Type' },
  rate_limited: { status: 429, trpc: 'TOO_MANY_REQUESTS', title: 'Too Many Requests' },
  internal: { status: 500, trpc: 'INTERNAL_SERVER_ERROR', title: 'Internal Error' },
  store_unavailable: { status: 503, trpc: 'SERVICE_UNAVAILABLE', title: 'Temporarily Unavailable' },
  overloaded: { status: 503, trpc: 'SERVICE_UNAVAILABLE', title: 'Temporarily Unavailable' },
} as const satisfies Record<string, { status: number; trpc: string; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** One field of the input that is wrong; `path` is dotted, empty for the input as a whole. */
export type FieldError = { readonly path: string; readonly message: string };

export type ErrorExtras = {
  /** With `invalid_input` and `policy_violation`. */
  readonly errors?: readonly FieldError[];
  /** Whole seconds, for `Retry-After`; with `rate_limited`, `store_unavailable`, `overloaded`. */
  readonly retryAfterSeconds?: number;
  /** Which limit refused, as `RateLimit` names it; with `rate_limited` and `credits_exhausted`. */
  readonly limit?: string;
  /** What went wrong underneath; for the log alone, it never leaves the process. */
  readonly cause?: unknown;
};

/**
 * An error that the caller may see: a row of `ERRORS` and a sentence that says what to do. It is an answer, not a
 * fault, so that it has no stack: taking one costs more than all else in refusing a bad key.
 */
export class KaanaError extends Error {
  override readonly name = 'KaanaError';
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly limit: string | undefined;

  constructor(code: ErrorCode, detail: string, extras: ErrorExtras = {}) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(detail, extras.cause === undefined ? undefined : { cause: extras.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.errors = extras.errors;
    this.retryAfterSeconds = extras.retryAfterSeconds;
    this.limit = extras.limit;
  }
}

const redactField = ({ path, message }: FieldError): FieldError => ({
  path: redactTokens(path),
  message: redactTokens(message),
});

/** RFC 9457 problem details. `detail` is for people, `code` for programs. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail: string;
  requestId: string;
  errors?: readonly FieldError[];
  retryAfterSeconds?: number;
  limit?: string;
};

/**
 * The wire shape of an error. Anything that is not a `KaanaError` becomes `internal` and tells nothing. Messages repeat
 * what was wrong with the input; a token that stood there is not repeated.
 */
export const toProblem = (error: unknown, requestId: string): Problem => {
  const known =
    error instanceof KaanaError
      ? error
      : new KaanaError('internal', 'Something went wrong on our side. Please report the requestId.');
  const row = ERRORS[known.code];
  return {
    type: `urn:kaana:error:${known.code}`,
    title: row.title,
    status: row.status,
    code: known.code,
    detail: redactTokens(known.message),
    requestId,
    ...(known.errors ? { errors: known.errors.map(redactField) } : {}),
    ...(known.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: known.retryAfterSeconds }),
    ...(known.limit === undefined ? {} : { limit: known.limit }),
  };
};
