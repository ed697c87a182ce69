import { restRoutes } from '@kaana/api';
import type { Domain } from '@kaana/core';
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
import { createContext } from './context.ts';
import { endOfTurn } from './end-of-turn.ts';
import { sendProblem } from './errors.ts';
import { limitHeaders } from './headers.ts';
import { refuseOtherMethods } from './methods.ts';

const toUrl = (path: string) => `/api${path.replace(/\{(\w+)\}/g, ':$1')}`;

/**
 * The REST API: the router's procedures at the addresses of their metadata, and no logic of its own. It takes keys
 * alone; a session's cookie means nothing here, so that no other site can act through somebody's browser.
 */
export const registerRest = (app: FastifyInstance, domain: Domain): void => {
  const allowed = new Map<string, Set<HTTPMethods>>();
  for (const route of restRoutes()) {
    const url = toUrl(route.path);
    allowed.set(url, (allowed.get(url) ?? new Set()).add(route.method));
    app.route({
      method: route.method,
      url,
      handler: async (request, reply) => {
        const context = createContext(domain, request, undefined);
        let result: unknown;
        let refusal: unknown;
        try {
          result = await route.invoke(context, {
            parameters: request.params as Record<string, string>,
            query: request.query as Record<string, string>,
            body: request.body,
          });
        } catch (error) {
          refusal = error;
        }
        await endOfTurn();
        const limits = limitHeaders(context.response);
        if (limits) reply.headers(limits);
        // At once, since a refusal is the cheapest answer there is: Fastify's way for errors is a long one.
        if (refusal !== undefined) return sendProblem(reply, request, refusal);
        reply.code(route.status);
        return result;
      },
    });
  }
  for (const [url, methods] of allowed) refuseOtherMethods(app, url, [...methods]);
};

/** The address under which the caller reaches us. */
export const originOf = (request: FastifyRequest, publicUrl: string | undefined): string =>
  publicUrl ?? `${request.protocol}://${request.host}`;
