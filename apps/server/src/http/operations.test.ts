import { mintToken } from '@kaana/api-key';
import { describe, expect, it } from 'vitest';
import { bearer, expectProblem, openTestServer } from '../testing/index.ts';

describe('for operators', () => {
  it('says that it lives, that it can serve, and how it is doing', async () => {
    await using server = await openTestServer({ webhookAttempts: new Map([['delivered', 3]]) });
    expect((await server.app.inject('/healthz')).json()).toEqual({ status: 'ok' });
    expect((await server.app.inject('/readyz')).json()).toEqual({ status: 'ready' });
    await server.app.inject('/api/user');
    const metrics = await server.app.inject('/metrics');
    expect(metrics.headers['content-type']).toMatch(/^text\/plain/);
    expect(metrics.body).toContain('kaana_http_requests_total{status="200"} 2');
    expect(metrics.body).toContain('kaana_http_requests_total{status="401"} 1');
    expect(metrics.body).toContain('kaana_webhook_attempts_total{outcome="delivered"} 3');
    expect(metrics.body).toContain('process_cpu_seconds_total');
  });

  it('is not ready while the database does not answer, whatever the reason, but lives', async () => {
    let reason: Error | null = new Error('mongodb://user:password@host is away');
    await using server = await openTestServer({
      ping: async () => {
        if (reason) throw reason;
      },
    });
    const response = await server.app.inject('/readyz');
    expectProblem(response, 'store_unavailable');
    expect(response.body).not.toContain('password');
    expect((await server.app.inject('/healthz')).statusCode).toBe(200);
    reason = null;
    expect((await server.app.inject('/readyz')).statusCode).toBe(200);
  });
});

describe('no token reaches the log', () => {
  it('from wherever in a request it may stand, also when everything is logged and the answer is a failure', async () => {
    await using server = await openTestServer({
      settings: { logLevel: 'trace' },
      domain: (api) => ({
        ...api.domain,
        authentication: {
          ...api.domain.authentication,
          key: (token) => Promise.reject(new Error(`cannot look up ${token}`)),
        },
      }),
    });
    const token = mintToken();
    const json = { 'content-type': 'application/json' };
    const responses = [
      await server.app.inject({ url: '/api/user', headers: bearer(token) }),
      await server.app.inject({ url: `/api/projects/${token}?limit=${token}`, headers: bearer(token) }),
      await server.app.inject({ url: `/${token}`, headers: { 'x-request-id': token, 'user-agent': token } }),
      await server.app.inject({ url: `/trpc/${token}?input=${token}`, headers: bearer(token) }),
      await server.app.inject({
        url: '/trpc/user.me',
        headers: { ...bearer(token), cookie: `kaana_session=${token}` },
      }),
      await server.app.inject({
        method: 'POST',
        url: '/api/keys/verify',
        headers: { ...bearer(token), ...json },
        payload: { token },
      }),
      await server.app.inject({
        method: 'POST',
        url: '/api/keys',
        headers: { ...bearer(token), ...json },
        payload: `{"${token}`,
      }),
    ];
    expect(responses[0]?.statusCode).toBe(500);
    expect(server.lines.length).toBeGreaterThan(0);
    const secret = token.slice(12);
    expect(server.lines.join('')).not.toContain(secret);
    for (const { body, headers } of responses)
      expect(`${body}${JSON.stringify(headers)}`).not.toContain(secret);
    expect((await server.app.inject('/metrics')).body).not.toContain(secret);
  });
});
