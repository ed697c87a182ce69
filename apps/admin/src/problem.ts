import { TRPCClientError } from '@trpc/client';

/** What every error of the API carries (RFC 9457). */
export type Problem = {
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string | null;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  readonly retryAfterSeconds: number | null;
};

const UNREACHABLE: Problem = {
  title: 'Server unreachable',
  status: 0,
  code: 'unreachable',
  detail: 'The server did not answer. Check your connection, and try again.',
  requestId: null,
  errors: [],
  retryAfterSeconds: null,
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const text = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise);

const fieldErrors = (value: unknown): Problem['errors'] =>
  Array.isArray(value)
    ? value
        .filter(isRecord)
        .map((row) => ({ path: text(row.path, ''), message: text(row.message, 'is invalid') }))
    : [];

/** Any error, as a problem to show. What has no problem inside never came from our server: it is unreachable. */
export const problemOf = (error: unknown): Problem => {
  const data: unknown = error instanceof TRPCClientError ? error.data : null;
  const problem = isRecord(data) ? data.problem : null;
  if (!isRecord(problem) || typeof problem.status !== 'number') return UNREACHABLE;
  return {
    title: text(problem.title, 'Error'),
    status: problem.status,
    code: text(problem.code, 'internal'),
    detail: text(problem.detail, 'Something went wrong.'),
    requestId: typeof problem.requestId === 'string' ? problem.requestId : null,
    errors: fieldErrors(problem.errors),
    retryAfterSeconds: typeof problem.retryAfterSeconds === 'number' ? problem.retryAfterSeconds : null,
  };
};

/** Worth asking again: nothing answered, or what answered cannot for now. */
export const isUnavailable = (problem: Problem): boolean => problem.status === 0 || problem.status === 503;

/** What is wrong with one field; `path` is dotted, and a list's entries belong to the list. */
export const fieldError = (problem: Problem | null, path: string): string | undefined => {
  const row = problem?.errors.find((error) => error.path === path || error.path.startsWith(`${path}.`));
  return row && `${row.message.charAt(0).toUpperCase()}${row.message.slice(1)}.`.replace(/\.\.$/, '.');
};
