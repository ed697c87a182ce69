import { kaanaErrorOf, problemOf } from '@kaana/api';
import { KaanaError } from '@kaana/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { problemHeaders } from './headers.ts';

/** What Fastify itself raises, by status: it knows more kinds than a caller can make use of. */
const ownError = (error: { statusCode?: number; message?: string }): KaanaError | null => {
  switch (error.statusCode) {
    case 400:
      return new KaanaError(
        'invalid_input',
        `The request cannot be read: ${error.message ?? 'bad request'}.`,
      );
    case 404:
      return new KaanaError('not_found', 'There is nothing at this address.');
    case 413:
      return new KaanaError('payload_too_large', 'The request body is larger than 1 MiB.');
    case 414:
    case 431:
      return new KaanaError('invalid_input', 'The address or the headers of the request are too long.');
    case 415:
      return new KaanaError('unsupported_media_type', 'Send the body as application/json.');
    case 503:
      return new KaanaError('overloaded', 'The server is shutting down or busy. Try again in a second.', {
        retryAfterSeconds: 1,
      });
    default:
      return null;
  }
};

export const sendProblem = (reply: FastifyReply, request: FastifyRequest, error: unknown): FastifyReply => {
  const problem = problemOf(error, request.id);
  if (problem.status >= 500) {
    request.server.logger.error({ err: causeOf(error), requestId: request.id }, problem.title);
  }
  return reply
    .code(problem.status)
    .headers(problemHeaders(problem))
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
};

/** The innermost known cause, for the log. */
export const causeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? causeOf(error.cause) : error;

/** One error shape for everything that is not tRPC's own. */
export const registerErrors = (app: FastifyInstance): void => {
  app.setErrorHandler((error, request, reply) => {
    const known = kaanaErrorOf(error) ?? ownError(error as { statusCode?: number; message?: string });
    return sendProblem(reply, request, known ?? error);
  });
};
