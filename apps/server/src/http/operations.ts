import { type AttemptOutcome, KaanaError } from '@kaana/core';
import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';

/** What operators and their monitors look at: is it alive, can it serve, how is it doing. */
export const registerOperations = (
  app: FastifyInstance,
  ping: () => Promise<void>,
  webhookAttempts: ReadonlyMap<AttemptOutcome, number>,
): void => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const byStatus = new Map<number, number>();
  // Before it is sent: a hook for afterwards costs every request two listeners.
  app.addHook('onSend', (_request, reply, payload, done) => {
    byStatus.set(reply.statusCode, (byStatus.get(reply.statusCode) ?? 0) + 1);
    done(null, payload);
  });
  new Counter({
    name: 'kaana_http_requests_total',
    help: 'HTTP requests answered, by status',
    labelNames: ['status'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [status, count] of byStatus) this.inc({ status }, count);
    },
  });
  new Counter({
    name: 'kaana_webhook_attempts_total',
    help: 'Attempts to tell webhooks, by outcome',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [outcome, count] of webhookAttempts) this.inc({ outcome }, count);
    },
  });

  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async () => {
    try {
      await ping();
    } catch (cause) {
      throw new KaanaError('store_unavailable', 'The database does not answer.', {
        retryAfterSeconds: 1,
        cause,
      });
    }
    return { status: 'ready' };
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
};
