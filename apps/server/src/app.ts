import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { openApiDocument } from '@kaana/api';
import { redactTokens } from '@kaana/api-key';
import { type AttemptOutcome, type Domain, KaanaError, toProblem } from '@kaana/core';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type {} from './drain.ts';
import type { Environment } from './environment.ts';
import type { GithubKeys } from './github-keys.ts';
import { registerAdminApp } from './http/admin-app.ts';
import { registerErrors, sendProblem } from './http/errors.ts';
import { registerGithubLeaks } from './http/github-leaks.ts';
import { createLogger, type LogTarget } from './http/log.ts';
import { refuseOtherMethods } from './http/methods.ts';
import { registerOperations } from './http/operations.ts';
import { referencePage } from './http/reference.ts';
import { originOf, registerRest } from './http/rest.ts';
import { registerTrpc } from './http/trpc.ts';

export const VERSION = '0.1.0';

export type AppDependencies = {
  readonly domain: Domain;
  /** Rejects while the database does not answer. */
  readonly ping: () => Promise<void>;
  /** Folder of the built admin app; where there is none, the server serves its APIs alone. */
  readonly adminRoot: string;
  readonly settings: Pick<Environment, 'trustProxy' | 'logLevel' | 'publicUrl'>;
  /** Where there are none, GitHub's reports are not taken. */
  readonly githubKeys?: GithubKeys | null;
  /** How many attempts to tell webhooks ended how, for the metrics. */
  readonly webhookAttempts?: ReadonlyMap<AttemptOutcome, number>;
  /** Where log lines go; standard output by default. */
  readonly log?: LogTarget;
};

/** For a whole request to arrive. */
const REQUEST_TIMEOUT_MS = 60_000;
/** By Node's code; of what is wrong before there is a request. */
const CLIENT_ERRORS: Record<string, string> = {
  HPE_HEADER_OVERFLOW: 'The headers of the request are too long.',
  ERR_HTTP_REQUEST_TIMEOUT: 'The request did not arrive in time.',
};
const REQUEST_ID = /^[\w.:-]{1,64}$/;

/** The caller's own id where it is harmless in a log, else a new one. */
const requestIdOf = ({ headers }: IncomingMessage): string => {
  const given = headers['x-request-id'];
  const harmless = typeof given === 'string' && REQUEST_ID.test(given) && redactTokens(given) === given;
  return harmless ? given : randomUUID();
};

/** On every answer, also on those that Fastify gives before a route is found. */
const addCommonHeaders = (request: FastifyRequest, reply: FastifyReply): void => {
  if (request.server.draining.begun) reply.header('connection', 'close');
  reply.header('x-request-id', request.id);
  reply.header('x-content-type-options', 'nosniff');
  const { url } = request;
  if (url.startsWith('/api/') || url.startsWith('/trpc/')) reply.header('cache-control', 'no-store');
};

/** The whole HTTP side, without listening. */
export const buildApp = async (dependencies: AppDependencies): Promise<FastifyInstance> => {
  const { domain, ping, adminRoot, settings, githubKeys = null, log = process.stdout } = dependencies;
  const { webhookAttempts = new Map() } = dependencies;
  const app = Fastify({
    trustProxy: settings.trustProxy,
    genReqId: requestIdOf,
    bodyLimit: 1024 * 1024,
    // Nobody holds a connection with half a request.
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Node would refuse what has no Host without a word; the hook below says it in our shape.
    http: { requireHostHeader: false },
    // What arrives while we stop is answered (see `drain.ts`).
    return503OnClosing: false,
    routerOptions: { maxParamLength: 5000, ignoreTrailingSlash: true },
    frameworkErrors: (error, request, reply) => {
      addCommonHeaders(request, reply);
      sendProblem(reply, request, new KaanaError('invalid_input', error.message));
    },
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET' || !socket.writable) return;
      const detail = CLIENT_ERRORS[error.code] ?? 'This is not HTTP as we understand it.';
      const problem = toProblem(new KaanaError('invalid_input', detail), randomUUID());
      const body = JSON.stringify(problem);
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nX-Request-Id: ${problem.requestId}\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
    },
  });

  app.decorate('draining', { begun: false });
  app.decorate('logger', createLogger(settings.logLevel, log));

  // RFC 9110, section 10.1.1, leaves it to us; Node's own 417 has neither our shape nor a request id.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));

  const parseJson = app.getDefaultJsonParser('error', 'error');
  // JSON alone: Fastify would take text/plain too.
  app.removeAllContentTypeParsers();
  // Content-Type without content is what many clients send; it means no input.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parseJson(request, body as string, done);
  });
  app.addHook('onRequest', (request, reply, done) => {
    addCommonHeaders(request, reply);
    // RFC 9112, section 3.2.
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
      done(new KaanaError('invalid_input', 'The request has no Host header.'));
    } else done();
  });
  registerErrors(app);
  registerOperations(app, ping, webhookAttempts);
  registerRest(app, domain);
  app.get('/api/openapi.json', (request) => openApiDocument(originOf(request, settings.publicUrl), VERSION));
  app.get('/api/docs', (request, reply) =>
    reply
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
      )
      .type('text/html; charset=utf-8')
      .send(referencePage(originOf(request, settings.publicUrl))),
  );
  for (const url of ['/api/openapi.json', '/api/docs']) refuseOtherMethods(app, url, ['GET']);
  if (githubKeys) await registerGithubLeaks(app, domain, githubKeys);
  await registerTrpc(app, domain, settings.publicUrl);
  await registerAdminApp(app, adminRoot);
  return app;
};
