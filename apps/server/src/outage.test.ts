import { randomBytes } from 'node:crypto';
import { appRouter, createCaller, proceduresOf, restRoutes } from '@kaana/api';
import { mintToken } from '@kaana/api-key';
import { generatePepper, parsePeppers } from '@kaana/api-key/digest';
import { createDomain, createPasswords, type Domain, KaanaError, type Stores } from '@kaana/core';
import type { InjectOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { bearer, expectProblem, expectProblemShape, openTestServer } from './testing/index.ts';

/** The same stores, but while `isAway` says so every method rejects as the contract of stores has it. */
const interruptible = (stores: Stores, isAway: (store: string) => boolean): Stores =>
  Object.fromEntries(
    Object.entries(stores).map(([name, store]) => [
      name,
      new Proxy(store, {
        get: (target, method, receiver) => {
          const run: unknown = Reflect.get(target, method, receiver);
          if (typeof run !== 'function') return run;
          return (...args: unknown[]) =>
            isAway(name)
              ? Promise.reject(new KaanaError('store_unavailable', 'away', { retryAfterSeconds: 1 }))
              : (run as (...args: unknown[]) => unknown).apply(target, args);
        },
      }),
    ]),
  ) as unknown as Stores;

/** A server whose stores can be taken away, all or some. */
const openServer = async () => {
  const away = new Set<string>();
  let domain: Domain | undefined;
  const server = await openTestServer({
    domain: (api) => {
      domain = createDomain({
        stores: interruptible(api.database.stores, (store) => away.has(store) || away.has('all')),
        peppers: parsePeppers(generatePepper('p1')),
        passwords: createPasswords(4),
        clock: api.clock,
      });
      return domain;
    },
  });
  if (!domain) throw new Error('no domain was made');
  return { server, away, domain };
};

/** An input that a procedure would take if its fields were there; what is refused for it is refused after the store. */
const INPUTS: Record<string, object> = {
  'session.signIn': { email: 'ada@acme.test', password: 'demo-password' },
  'keys.leaked': { token: mintToken() },
};

type Body = { result?: unknown; error?: { data: { problem: Parameters<typeof expectProblemShape>[0] } } };

describe('while the store fails', () => {
  it('every route of REST answers 503, never 401, 403 or a success', async () => {
    const { server, away } = await openServer();
    await using _server = server;
    away.add('all');
    for (const { method, path, procedure, input } of restRoutes()) {
      const url = `/api${path.replace('{id}', 'some_id')}`;
      const headers = bearer(mintToken());
      const payload = method === 'POST' || method === 'PATCH' ? (INPUTS[procedure] ?? {}) : undefined;
      const response = await server.app.inject({
        method,
        url,
        headers,
        ...(input && payload ? { payload } : {}),
      });
      expectProblem(response, 'store_unavailable');
    }
  });

  it.each(['cookie', 'key'] as const)('every procedure of tRPC answers 503 to a %s', async (credential) => {
    const { server, away } = await openServer();
    await using _server = server;
    away.add('all');
    for (const [name, { type }] of proceduresOf(appRouter)) {
      if (credential === 'key' && name === 'session.current') continue;
      const headers =
        credential === 'key'
          ? bearer(mintToken())
          : { cookie: `kaana_session=${randomBytes(32).toString('base64url')}` };
      const request: InjectOptions =
        type === 'query'
          ? { url: `/trpc/${name}`, headers }
          : { method: 'POST', url: `/trpc/${name}`, headers, payload: INPUTS[name] ?? {} };
      const response = await server.app.inject(request);
      const { error, result } = response.json<Body>();
      expect(result, name).toBeUndefined();
      if (error)
        expectProblemShape(error.data.problem, 'store_unavailable', response.headers['x-request-id']);
      expect([response.statusCode, response.headers['retry-after']], name).toEqual([503, '1']);
      expect(response.headers['set-cookie'], name).toBeUndefined();
    }
  });

  it('a known key is served again as soon as the store is back, and whichever store is away, never wrongly', async () => {
    const { server, away, domain } = await openServer();
    await using _server = server;
    const { accounts } = await server.api.createTenant('enterprise');
    const { value } = await domain.sessions.signIn(
      { email: accounts.admin.email, password: 'correct horse battery' },
      { requestId: null, ip: null },
    );
    const caller = createCaller({
      ...server.api.context({ type: 'session', value }),
      domain,
    });
    const { token } = await caller.keys.create({ name: 'k' });
    const get = () => server.app.inject({ url: '/api/user', headers: bearer(token) });
    for (const store of ['credentials', 'limits', 'all']) {
      away.add(store);
      expectProblem(await get(), 'store_unavailable');
      away.clear();
      expect((await get()).statusCode, store).toBe(200);
    }
    // Counts are written behind: what cannot be written does not fail a request, and is not lost.
    away.add('usage');
    for (let count = 0; count < 3; count++) expect((await get()).statusCode).toBe(200);
    await expect(domain.recorder.flush()).rejects.toMatchObject({ code: 'store_unavailable' });
    away.clear();
    await domain.recorder.flush();
    const { totals } = await caller.usage.summary();
    expect(totals).toMatchObject({ served: 6, serverError: 1 });
  });
});
