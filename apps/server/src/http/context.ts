import { type Context, credentialOf, type ResponseState } from '@kaana/api';
import { type Domain, normalizeAddress } from '@kaana/core';
import type { FastifyRequest } from 'fastify';

const textOf = (header: string | string[] | undefined): string | null =>
  (Array.isArray(header) ? header[0] : header) ?? null;

/** What a procedure gets to know of an HTTP request. */
export const createContext = (
  domain: Domain,
  request: FastifyRequest,
  sessionCookie: string | undefined,
): Context => {
  const { headers } = request;
  const response: ResponseState = {};
  return {
    domain,
    origin: { requestId: request.id, ip: normalizeAddress(request.ip) },
    userAgent: headers['user-agent'] ?? null,
    credential: credentialOf(headers.authorization, sessionCookie),
    organization: textOf(headers['kaana-organization']),
    response,
  };
};
