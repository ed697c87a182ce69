import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { KaanaError } from '@kaana/core';
import type { FastifyInstance } from 'fastify';
import { sendProblem } from './errors.ts';
import { createNonce, securityHeaders } from './security-headers.ts';

const YEAR_SECONDS = 365 * 24 * 3600;

/** Where the page says which style elements are its own; the admin app hands it to the libraries that make some. */
const NONCE_PLACEHOLDER = '__CSP_NONCE__';

/** The built admin app at `/`: files by name, and `index.html` for the addresses that the app itself reads. */
export const registerAdminApp = async (app: FastifyInstance, root: string): Promise<void> => {
  const indexPath = join(root, 'index.html');
  const hasApp = existsSync(indexPath);
  if (hasApp) {
    await app.register(async (scope) => {
      scope.addHook('onSend', async (_request, reply) => {
        reply.headers(securityHeaders());
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
      const nonce = createNonce();
      const page = await readFile(indexPath, 'utf8');
      return reply
        .headers(securityHeaders(nonce))
        .header('cache-control', 'no-cache')
        .type('text/html; charset=utf-8')
        .send(page.replaceAll(NONCE_PLACEHOLDER, nonce));
    }
    return sendProblem(
      reply,
      request,
      new KaanaError('not_found', `There is nothing at ${path.slice(0, 200)}.`),
    );
  });
};
