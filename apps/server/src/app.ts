import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { openApiDocument } from '@kaana/api';
import { redactTokens } from '@kaana/api-key';
import { type Domain, KaanaError, toProblem } from '@kaana/core';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import type { Environment } from './environment.ts';
import { registerAdminApp } from './http/admin-app.ts';
import { registerErrors, sendProblem } from './http/errors.ts';
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
  /** Where log lines go; standard output by default. */
  readonly log?: { write(line: string): void };
};

const REQUEST_ID = /^[\w.:-]{1,64}$/;

/** The caller's own id where it is harmless in a log, else a new one. */
const requestIdOf = ({ headers }: IncomingMessage): string => {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? redactTokens(given) : randomUUID();
};

/** The whole HTTP side, without listening. */
export const buildApp = async (dependencies: AppDependencies): Promise<FastifyInstance> => {
  const { domain, ping, adminRoot, settings, log = process.stdout } = dependencies;
  const app = Fastify({
    logger: {
      level: settings.logLevel,
      // Nothing that looks like a token reaches a log, wherever it stood.
      stream: { write: (line) => log.write(redactTokens(line)) },
    },
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: settings.trustProxy,
    genReqId: requestIdOf,
    bodyLimit: 1024 * 1024,
    routerOptions: { maxParamLength: 5000, ignoreTrailingSlash: true },
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id);
      sendProblem(reply, request, new KaanaError('invalid_input', error.message));
    },
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET' || !socket.writable) return;
      const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
      const detail = tooLarge
        ? 'The headers of the request are too long.'
        : 'This is not HTTP as we understand it.';
      const problem = toProblem(new KaanaError('invalid_input', detail), randomUUID());
      const body = JSON.stringify(problem);
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nX-Request-Id: ${problem.requestId}\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
    },
  });

  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  // Content-Type without content is what many clients send; it means no input.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parseJson(request, body as string, done);
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
    done();
  });
  registerErrors(app);
  registerOperations(app, ping);
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
  await registerTrpc(app, domain, settings.publicUrl);
  await registerAdminApp(app, adminRoot);
  return app;
};
