import { Server } from 'node:net';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyInstance {
    /** Once set, every answer tells its connection to close. */
    readonly draining: { begun: boolean };
  }
}

/** Connections get so long for one more request, whose answer tells them to go elsewhere; the idle are closed then. */
const FAREWELL_MS = 1_000;
/** What is being answered may take so long. */
const GRACE_MS = 10_000;
const POLL_MS = 25;

const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });

/**
 * Stops listening, answers what has arrived and what still arrives on open connections, and then closes. Node's own
 * `close` ends idle connections at once, and with them a request that is on its way.
 */
export const drain = async (app: FastifyInstance): Promise<void> => {
  const { server } = app;
  app.draining.begun = true;
  // The listening socket alone: `http.Server.close` would go on to the connections.
  Server.prototype.close.call(server);
  const begunAt = performance.now();
  let idleClosed = false;
  while ((await connectionsOf(server)) > 0 && performance.now() - begunAt < GRACE_MS) {
    if (!idleClosed && performance.now() - begunAt > FAREWELL_MS) {
      idleClosed = true;
      server.closeIdleConnections();
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  server.closeAllConnections();
  await app.close();
};
