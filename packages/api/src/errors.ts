import { ERRORS, type FieldError, KaanaError, type Problem, toProblem } from '@kaana/core';
import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server';
import { z } from 'zod';

/** A megabyte of mistakes is not answered with many more. */
const MAX_FIELD_ERRORS = 20;
const MAX_MESSAGE = 300;

const shortened = (text: string): string =>
  text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;

const fieldErrors = (error: z.core.$ZodError): FieldError[] =>
  error.issues
    .slice(0, MAX_FIELD_ERRORS)
    .map(({ path, message }) => ({ path: shortened(path.join('.')), message: shortened(message) }));

const describe = (errors: readonly FieldError[]): string =>
  errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');

/** The errors that tRPC itself raises, as rows of our table. */
const ownError = (error: TRPCError): KaanaError | null => {
  if (error.cause instanceof z.core.$ZodError && error.code === 'BAD_REQUEST') {
    const errors = fieldErrors(error.cause);
    return new KaanaError('invalid_input', describe(errors), { errors });
  }
  switch (error.code) {
    case 'PARSE_ERROR':
    case 'BAD_REQUEST':
      return new KaanaError('invalid_input', 'The request cannot be read: its input is not valid JSON.');
    case 'NOT_FOUND':
      return new KaanaError('not_found', 'No such procedure.');
    case 'METHOD_NOT_SUPPORTED':
      return new KaanaError('method_not_allowed', 'Queries take GET, mutations take POST.');
    case 'PAYLOAD_TOO_LARGE':
      return new KaanaError('payload_too_large', 'The request body is too large.');
    case 'UNSUPPORTED_MEDIA_TYPE':
      return new KaanaError('unsupported_media_type', 'Send the body as application/json.');
    default:
      return null;
  }
};

/** The `KaanaError` inside whatever a procedure has thrown; `null`: a fault of ours. */
export const kaanaErrorOf = (error: unknown): KaanaError | null => {
  if (error instanceof KaanaError) return error;
  if (!(error instanceof TRPCError)) return null;
  return error.cause instanceof KaanaError ? error.cause : ownError(error);
};

/** What a procedure has thrown as tRPC knows it: a domain error under the tRPC code of its row. */
export const toTrpcError = (error: unknown): TRPCError =>
  error instanceof KaanaError
    ? new TRPCError({ code: ERRORS[error.code].trpc, message: error.message, cause: error })
    : getTRPCErrorFromUnknown(error);

/** The request of an error that came before there was a context to know it from. */
export const requestIds = new WeakMap<Error, string>();

export const problemOf = (error: unknown, requestId: string): Problem =>
  toProblem(kaanaErrorOf(error) ?? error, requestId);
