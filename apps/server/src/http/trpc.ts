import {
  type AppRouter,
  appRouter,
  type Context,
  problemOf,
  type ResponseState,
  requestIds,
} from '@kaana/api';
import { type Domain, KaanaError } from '@kaana/core';
import { type FastifyTRPCPluginOptions, fastifyRequestHandler } from '@trpc/server/adapters/fastify';
import { parse, serialize } from 'cookie';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { createContext } from './context.ts';
import { endOfTurn } from './end-of-turn.ts';
import { causeOf } from './errors.ts';
import { type Headers, limitHeaders, problemHeaders } from './headers.ts';
import { refuseOtherMethods } from './methods.ts';
import { answerDirectly } from './trpc-direct.ts';

export const SESSION_COOKIE = 'kaana_session';

/** As tRPC's adapter says it: another Accept would bring another format. */
const VARY = { vary: 'trpc-accept, accept' };

const sessionCookie = (session: NonNullable<ResponseState['session']> | null, secure: boolean): string =>
  serialize(SESSION_COOKIE, session?.value ?? '', {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure,
    expires: session?.expiresAt ?? new Date(0),
  });

/**
 * A browser says where a request comes from. What another site makes a browser send is refused before it can act on
 * somebody's session; `SameSite` on the cookie is the second lock. A key is sent by no browser on its own.
 */
const isForeign = (request: FastifyRequest): boolean => {
  const { origin, authorization, 'sec-fetch-site': site } = request.headers;
  if (authorization !== undefined) return false;
  if (site === 'cross-site') return true;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== request.host;
};

export const registerTrpc = async (
  app: FastifyInstance,
  domain: Domain,
  publicUrl?: string,
): Promise<void> => {
  await app.register(async (scope) => {
    const publicHost = publicUrl === undefined ? undefined : new URL(publicUrl).host;
    scope.addHook('onRequest', (request, _reply, done) => {
      if (request.method === 'GET' || !isForeign(request)) return done();
      const { origin } = request.headers;
      if (origin && publicHost && URL.canParse(origin) && new URL(origin).host === publicHost) return done();
      done(new KaanaError('origin_not_allowed', 'Another site sent this request.'));
    });
    const secureByUrl = publicUrl?.startsWith('https:') ?? false;
    const secureRequests = new WeakMap<Context, boolean>();
    const headersOf = (context: Context | undefined, errors: readonly Error[]): Headers => {
      const headers: Headers = {};
      const limits = context && limitHeaders(context.response);
      if (limits) Object.assign(headers, limits);
      if (context?.response.session !== undefined) {
        headers['set-cookie'] = sessionCookie(
          context.response.session,
          secureRequests.get(context) ?? secureByUrl,
        );
      }
      const [error] = errors;
      if (error) Object.assign(headers, problemHeaders(problemOf(error, context?.origin.requestId ?? '')));
      return headers;
    };
    const logFault = (error: Error, requestId: string) => {
      const problem = problemOf(error, requestId);
      if (problem.status >= 500) app.logger.error({ err: causeOf(error), requestId }, problem.title);
    };
    const trpcOptions: FastifyTRPCPluginOptions<AppRouter>['trpcOptions'] = {
      router: appRouter,
      createContext: ({ req }) => {
        const context = createContext(domain, req, parse(req.headers.cookie ?? '')[SESSION_COOKIE]);
        secureRequests.set(context, secureByUrl || req.protocol === 'https');
        return context;
      },
      responseMeta: ({ ctx, errors }) => ({ headers: headersOf(ctx, errors) }),
      onError: ({ error, ctx, req }) => {
        if (!ctx) requestIds.set(error, req.id);
        logFault(error, req.id);
      },
    };
    // tRPC reads the text itself. Its own Fastify plugin would take multipart bodies too, and fail on them with 500.
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    );
    scope.route<{ Params: { path: string } }>({
      method: ['GET', 'POST'],
      url: '/trpc/:path',
      handler: async (request, reply) => {
        // A mutation without input has no body, and so no type.
        request.raw.headers['content-type'] ??= 'application/json';
        const { path } = request.params;
        // A caller with a key, which is all that a request with this header can be.
        if (request.headers.authorization !== undefined) {
          const context = createContext(domain, request, undefined);
          const answer = await answerDirectly(request, context);
          if (answer) {
            await endOfTurn();
            for (const error of answer.errors) logFault(error, request.id);
            return reply
              .code(answer.status)
              .headers(headersOf(context, answer.errors))
              .headers(VARY)
              .type('application/json')
              .send(answer.body);
          }
        }
        await fastifyRequestHandler({ ...trpcOptions, req: request, res: reply, path });
      },
    });
    refuseOtherMethods(scope, '/trpc/:path', ['GET', 'POST']);
  });
};
