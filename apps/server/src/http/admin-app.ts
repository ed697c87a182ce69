import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyHelmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import { KaanaError } from '@kaana/core';
import type { FastifyInstance } from 'fastify';
import { sendProblem } from './errors.ts';

const YEAR_SECONDS = 365 * 24 * 3600;

/** The built admin app at `/`: files by name, and `index.html` for the addresses that the app itself reads. */
export const registerAdminApp = async (app: FastifyInstance, root: string): Promise<void> => {
  await app.register(fastifyHelmet, {
    global: false,
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // Radix measures and positions with style attributes.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        upgradeInsecureRequests: null,
      },
    },
    // Whoever terminates TLS in front says it; from here it could bind other services of the same host.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'same-origin' },
  });
  const indexPath = join(root, 'index.html');
  const hasApp = existsSync(indexPath);
  if (hasApp) {
    await app.register(async (scope) => {
      scope.addHook('onSend', async (_request, reply) => {
        await reply.helmet();
      });
      await scope.register(fastifyStatic, {
        root,
        index: false,
        wildcard: false,
        cacheControl: false,
        // The build leaves a .br and a .gz beside what is worth it.
        preCompressed: true,
        setHeaders: (reply, path) => {
          // What the build names by its content never changes.
          const immutable = path.includes('/assets/');
          reply.header(
            'cache-control',
            immutable ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache',
          );
        },
      });
    });
  }
  app.setNotFoundHandler(async (request, reply) => {
    const [path = ''] = request.url.split('?');
    const isAppAddress = !/^\/(api|trpc)(\/|$)|\.\w+$/.test(path);
    if (hasApp && isAppAddress && (request.method === 'GET' || request.method === 'HEAD')) {
      await reply.helmet();
      return reply
        .header('cache-control', 'no-cache')
        .type('text/html; charset=utf-8')
        .send(await readFile(indexPath));
    }
    return sendProblem(
      reply,
      request,
      new KaanaError('not_found', `There is nothing at ${path.slice(0, 200)}.`),
    );
  });
};
