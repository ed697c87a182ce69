import { appRouter, proceduresOf } from '@kaana/api';
import { PASSWORD } from '@kaana/api/testing';
import { mintToken } from '@kaana/api-key';
import type { ErrorCode, Problem } from '@kaana/core';
import { ERRORS } from '@kaana/core';
import { parse } from 'cookie';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bearer,
  expectProblem,
  expectProblemShape,
  expectRateLimit,
  openTestServer,
  type TestServer,
} from '../testing/index.ts';
import { SESSION_COOKIE } from './trpc.ts';

let server: TestServer;
beforeAll(async () => {
  server = await openTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

type Headers = Record<string, string>;
type Answer = { result?: { data: unknown }; error?: { message: string; code: number; data: ErrorData } };
type ErrorData = { code: string; httpStatus: number; path?: string; problem: Problem };

const query = (path: string, input?: unknown, headers: Headers = {}, on = server) =>
  on.app.inject({
    url: `/trpc/${path}${input === undefined ? '' : `?input=${encodeURIComponent(JSON.stringify(input))}`}`,
    headers,
  });
const mutate = (
  path: string,
  input?: unknown,
  headers: Headers = {},
  rest: InjectOptions = {},
  on = server,
) =>
  on.app.inject({
    method: 'POST',
    url: `/trpc/${path}`,
    ...(input === undefined ? {} : { payload: input as object }),
    ...rest,
    headers: { ...headers, ...rest.headers },
  });

/** An error in tRPC's shape, with our problem in it and the headers that go with it. */
const expectRefused = (response: LightMyRequestResponse, code: ErrorCode): Problem => {
  const { error } = response.json<Answer>();
  if (!error) return expect.fail(`expected ${code}: ${response.body}`);
  const { problem } = error.data;
  expectProblemShape(problem, code, response.headers['x-request-id']);
  expect(error.data).toMatchObject({ code: ERRORS[code].trpc, httpStatus: ERRORS[code].status });
  expect(
    Object.keys(error.data).filter((key) => !['code', 'httpStatus', 'path', 'problem'].includes(key)),
  ).toEqual([]);
  expect(error.message).toBe(problem.detail);
  expect(response.statusCode).toBe(ERRORS[code].status);
  expect(response.body).not.toMatch(/\.ts|\.js|node_modules|stack/);
  const { 'www-authenticate': challenge, 'retry-after': wait } = response.headers;
  if (response.statusCode === 401) expect(challenge).toMatch(/^Bearer realm=/);
  if (response.statusCode === 429 || response.statusCode === 503) expect(wait).toMatch(/^[1-9]\d*$/);
  return problem;
};

const signIn = async (email: string, password = PASSWORD, rest: InjectOptions = {}, on = server) =>
  mutate('session.signIn', { email, password }, {}, rest, on);

/** The cookie as a browser would send it back. */
const cookieOf = (response: LightMyRequestResponse): Headers => {
  const value = parse(String(response.headers['set-cookie']))[SESSION_COOKIE];
  return { cookie: `theme=dark; ${SESSION_COOKIE}=${value}; other=1` };
};

const signedIn = async () => {
  const tenant = await server.api.createTenant();
  const response = await signIn(tenant.accounts.admin.email);
  expect(response.statusCode).toBe(200);
  return { ...tenant, response, cookie: cookieOf(response) };
};

describe('signing in', () => {
  it('sets a cookie that no script reads, no other site sends, and that ends with the session', async () => {
    const { response, accounts } = await signedIn();
    expect(response.json()).toMatchObject({
      result: { data: { email: accounts.admin.email, role: 'admin' } },
    });
    const [pair = '', ...attributes] = String(response.headers['set-cookie']).split('; ');
    expect(pair).toMatch(/^kaana_session=[\w-]{43}$/);
    const names = attributes.map((attribute) => attribute.split('=')[0]).toSorted();
    expect(names).toEqual(['Expires', 'HttpOnly', 'Path', 'SameSite']);
    expect(attributes).toContain('Path=/');
    expect(attributes).toContain('SameSite=Lax');
    const expires = attributes.find((attribute) => attribute.startsWith('Expires='))?.slice(8) ?? '';
    expect(Date.parse(expires)).toBeGreaterThan(server.api.clock() + 13 * 24 * 3600_000);
    // The value is in the cookie and nowhere else.
    expect(response.body).not.toContain(pair.split('=')[1]);
  });

  it('sets a Secure cookie where the server is reached by https', async () => {
    await using secure = await openTestServer({ settings: { publicUrl: 'https://keys.example.com' } });
    const { accounts } = await secure.api.createTenant();
    const response = await signIn(accounts.admin.email, PASSWORD, {}, secure);
    expect(String(response.headers['set-cookie'])).toContain('; Secure');
    await using proxied = await openTestServer({ settings: { trustProxy: true } });
    const tenant = await proxied.api.createTenant();
    const headers = { 'x-forwarded-proto': 'https' };
    const through = await signIn(tenant.accounts.admin.email, PASSWORD, { headers }, proxied);
    expect(String(through.headers['set-cookie'])).toContain('; Secure');
  });

  it('takes the e-mail in any case, with blanks around it', async () => {
    const { accounts } = await server.api.createTenant();
    const response = await signIn(`  ${accounts.admin.email.toUpperCase()} `);
    expect(response.statusCode).toBe(200);
  });

  it('says the same of a wrong password and of an e-mail that nobody has', async () => {
    const { accounts } = await server.api.createTenant();
    const wrong = await signIn(accounts.admin.email, 'wrong password');
    const unknown = await signIn(`x${accounts.admin.email}`, 'wrong password');
    const problems = [wrong, unknown].map((response) => expectRefused(response, 'session_invalid'));
    expect(problems.map(({ detail }) => detail)).toEqual(
      Array(2).fill('The e-mail or the password is wrong.'),
    );
    expect(wrong.headers['set-cookie']).toBeUndefined();
    const blank = (response: LightMyRequestResponse) =>
      response.body.replaceAll(String(response.headers['x-request-id']), '');
    expect(blank(wrong)).toBe(blank(unknown));
  });

  it('is refused to a deactivated account, with the right password alone', async () => {
    const { accounts, as } = await server.api.createTenant();
    await as.admin.members.update({ id: accounts.member.id, status: 'deactivated' });
    expectRefused(await signIn(accounts.member.email), 'account_inactive');
    expectRefused(await signIn(accounts.member.email, 'wrong password'), 'session_invalid');
  });

  it('is throttled from the 11th wrong password on, for that account from that address', async () => {
    const { accounts } = await server.api.createTenant();
    const { email } = accounts.admin;
    const here = { remoteAddress: '203.0.113.50' };
    const elsewhere = { remoteAddress: '203.0.113.51' };
    for (let count = 0; count < 9; count++)
      expectRefused(await signIn(email, 'wrong password', here), 'session_invalid');
    // The right one still works, and is not counted.
    for (let count = 0; count < 3; count++)
      expect((await signIn(email, PASSWORD, here)).statusCode).toBe(200);
    expectRefused(await signIn(email, 'wrong password', here), 'session_invalid');
    for (const password of ['wrong password', PASSWORD]) {
      const response = await signIn(email, password, here);
      const { retryAfterSeconds } = expectRefused(response, 'rate_limited');
      expect(response.headers['retry-after']).toBe(String(retryAfterSeconds));
      expect(retryAfterSeconds).toBeLessThanOrEqual(300);
    }
    expect((await signIn(email, PASSWORD, elsewhere)).statusCode).toBe(200);
    expect((await signIn(accounts.member.email, PASSWORD, here)).statusCode).toBe(200);
  });

  it('counts guesses that come at once before it looks at them', async () => {
    const { accounts } = await server.api.createTenant();
    const rest = { remoteAddress: '203.0.113.60' };
    const guess = () => signIn(accounts.admin.email, 'wrong password', rest);
    expect((await guess()).statusCode).toBe(401);
    const responses = await Promise.all(Array.from({ length: 25 }, guess));
    expect(responses.filter(({ statusCode }) => statusCode === 401)).toHaveLength(9);
    expect(responses.filter(({ statusCode }) => statusCode === 429)).toHaveLength(16);
  });
});

describe('a session', () => {
  it('acts as its account', async () => {
    const { cookie, accounts } = await signedIn();
    expect((await query('session.current', undefined, cookie)).json()).toMatchObject({
      result: { data: { id: accounts.admin.id } },
    });
    const response = await mutate('keys.create', { name: 'k' }, cookie);
    expect(response.json()).toMatchObject({ result: { data: { key: { name: 'k' } } } });
    expect(response.headers.ratelimit).toBeUndefined();
  });

  it('really ends with signing out: the old cookie is worth nothing', async () => {
    const { cookie } = await signedIn();
    const response = await mutate('session.signOut', undefined, cookie);
    expect(response.json()).toEqual({ result: { data: { signedOut: true } } });
    const cleared = String(response.headers['set-cookie']);
    expect(cleared).toMatch(/^kaana_session=;/);
    expect(cleared).toContain('Expires=Thu, 01 Jan 1970');
    for (const path of ['session.current', 'user.me', 'keys.list'])
      expect(expectRefused(await query(path, undefined, cookie), 'session_invalid').title).toBe(
        'Invalid Session',
      );
    expectRefused(await mutate('session.signOut', undefined, cookie), 'session_invalid');
  });

  it('ends with its time, and with the deactivation of its account', async () => {
    const { cookie } = await signedIn();
    server.api.clock.advance(15 * 24 * 3600_000);
    expectRefused(await query('user.me', undefined, cookie), 'session_invalid');
    const { as, accounts } = await server.api.createTenant();
    const member = cookieOf(await signIn(accounts.member.email));
    await as.admin.members.update({ id: accounts.member.id, status: 'deactivated' });
    expectRefused(await query('user.me', undefined, member), 'session_invalid');
  });

  it('ends everywhere else when the password is changed', async () => {
    const { cookie, accounts } = await signedIn();
    const { email } = accounts.admin;
    const elsewhere = cookieOf(await signIn(email));
    const newPassword = 'another good password';
    const wrong = await mutate('user.changePassword', { currentPassword: 'wrong', newPassword }, cookie);
    expectRefused(wrong, 'invalid_input');
    const changed = await mutate('user.changePassword', { currentPassword: PASSWORD, newPassword }, cookie);
    expect(changed.json()).toEqual({ result: { data: { changed: true } } });
    expect((await query('user.me', undefined, cookie)).statusCode).toBe(200);
    expectRefused(await query('user.me', undefined, elsewhere), 'session_invalid');
    expectRefused(await signIn(email), 'session_invalid');
    expect((await signIn(email, newPassword)).statusCode).toBe(200);
  });

  it('is nothing that somebody made up', async () => {
    for (const value of ['x', 'a'.repeat(43), '%00', '', '"', mintToken(), 'x'.repeat(4000)]) {
      const headers = { cookie: `${SESSION_COOKIE}=${value}` };
      expectRefused(await query('session.current', undefined, headers), 'session_invalid');
    }
    expectRefused(await query('session.current'), 'session_invalid');
    expectRefused(await query('user.me'), 'credentials_missing');
  });

  it('does not count where there is an Authorization header, right or wrong', async () => {
    const { cookie, as, accounts } = await signedIn();
    const { token } = await as.member.keys.create({ name: 'k' });
    const response = await query('user.me', undefined, { ...cookie, ...bearer(token) });
    expect(response.json()).toMatchObject({ result: { data: { id: accounts.member.id } } });
    expectRateLimit(response);
    for (const [authorization, code] of [
      [`Bearer ${mintToken()}`, 'key_unknown'],
      ['Bearer nonsense', 'key_malformed'],
      ['Basic x', 'credentials_missing'],
      ['', 'credentials_missing'],
    ] as const)
      expectRefused(await query('user.me', undefined, { ...cookie, authorization }), code);
    expectRefused(
      await query('session.current', undefined, { ...cookie, ...bearer(token) }),
      'session_invalid',
    );
  });
});

describe('what another site makes a browser send', () => {
  const foreign: Headers[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:1' },
    { origin: 'http://localhost:80.evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:80' },
    { 'sec-fetch-site': 'same-site', origin: 'http://other.localhost:80' },
  ];

  it.each(foreign)('is refused: %j', async (headers) => {
    const { cookie, as, accounts } = await signedIn();
    for (const response of [
      await mutate('projects.create', { name: 'x' }, { ...cookie, ...headers }),
      await mutate('session.signIn', { email: accounts.admin.email, password: PASSWORD }, headers),
    ]) {
      expectProblem(response, 'origin_not_allowed');
      expect(response.headers['set-cookie']).toBeUndefined();
    }
    expect((await as.admin.projects.list()).data).toEqual([]);
    expect((await query('user.me', undefined, cookie)).statusCode).toBe(200);
  });

  it('cannot be a change by GET, nor one in another Content-Type', async () => {
    const { cookie, as } = await signedIn();
    expectRefused(await query('projects.create', { name: 'x' }, cookie), 'method_not_allowed');
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const headers = { ...cookie, 'content-type': type };
      const response = await mutate('projects.create', undefined, headers, { payload: '{"name":"x"}' });
      expect(response.statusCode).toBe(415);
    }
    expect((await as.admin.projects.list()).data).toEqual([]);
  });

  it('is told from what the app itself sends', async () => {
    const { cookie } = await signedIn();
    const own: Headers[] = [
      {},
      { origin: 'http://127.0.0.1:3000', host: '127.0.0.1:3000', 'sec-fetch-site': 'same-origin' },
      { origin: 'https://keys.example.com', host: 'keys.example.com' },
    ];
    for (const headers of own) {
      const response = await mutate('projects.create', { name: 'x' }, { ...cookie, ...headers });
      expect(response.statusCode, JSON.stringify(headers)).toBe(200);
    }
  });

  it('may come from PUBLIC_URL, behind a proxy that changes the host', async () => {
    await using behind = await openTestServer({ settings: { publicUrl: 'https://keys.example.com' } });
    const { accounts } = await behind.api.createTenant();
    const input = { email: accounts.admin.email, password: PASSWORD };
    const from = (origin: string) =>
      mutate('session.signIn', input, { origin, host: '10.0.0.7:3000' }, {}, behind);
    expect((await from('https://keys.example.com')).statusCode).toBe(200);
    expectProblem(await from('https://keys.example.com.evil.example'), 'origin_not_allowed');
  });

  it('does not concern callers with a key, which no browser sends on its own', async () => {
    const { as } = await server.api.createTenant();
    const { token } = await as.admin.keys.create({ name: 'k' });
    for (const headers of foreign)
      expect(
        (await mutate('projects.create', { name: 'x' }, { ...bearer(token), ...headers })).statusCode,
      ).toBe(200);
  });
});

describe('tRPC', () => {
  it('answers a batch one by one, and counts every call of it', async () => {
    const { as } = await server.api.createTenant();
    const { token } = await as.admin.keys.create({ name: 'k' });
    const input = encodeURIComponent(JSON.stringify({ 0: {}, 1: { id: 'prj_none' } }));
    const response = await server.app.inject({
      url: `/trpc/projects.list,projects.get,user.me?batch=1&input=${input}`,
      headers: bearer(token),
    });
    expect(response.statusCode).toBe(207);
    const [list, missing, me] = response.json<Answer[]>();
    expect(list?.result?.data).toEqual({ data: [], nextCursor: null });
    expect(missing?.error?.data.problem).toMatchObject({ code: 'not_found', status: 404 });
    expect(me?.result?.data).toMatchObject({ role: 'admin' });
    expect(expectRateLimit(response)).toBe(97);
  });

  it('lets no batch get beyond the limit', async () => {
    const { as } = await server.api.createTenant();
    const { token } = await as.admin.keys.create({ name: 'k' });
    const paths = Array.from({ length: 120 }, () => 'user.me').join(',');
    const response = await server.app.inject({ url: `/trpc/${paths}?batch=1`, headers: bearer(token) });
    const answers = response.json<Answer[]>();
    expect(answers.filter(({ result }) => result)).toHaveLength(100);
    for (const { error } of answers) if (error) expect(error.data.problem.code).toBe('rate_limited');
    expect(response.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expectRateLimit(response);
  });

  it('has the same errors as REST, in its own shape, and shows no stack', async () => {
    const { as, token, id } = await server.api.createTenant().then(async (tenant) => {
      const { key, token } = await tenant.as.admin.keys.create({ name: 'k' });
      return { ...tenant, token, id: key.id };
    });
    const headers = bearer(token);
    expectRefused(await query('user.me', undefined, bearer(mintToken())), 'key_unknown');
    const invalid = expectRefused(await query('projects.list', { limit: '5' }, headers), 'invalid_input');
    expect(invalid.errors?.[0]?.path).toBe('limit');
    expectRefused(await query('projects.get', { id: 'none' }, headers), 'not_found');
    expectRefused(await query('no.such', undefined, headers), 'not_found');
    expectRefused(await query('keys.create', undefined, headers), 'method_not_allowed');
    expectRefused(await mutate('user.me', {}, headers), 'method_not_allowed');
    expectRefused(
      await query('user.me', undefined, { ...headers, 'kaana-organization': 'other' }),
      'tenant_mismatch',
    );
    expectRefused(await mutate('projects.create', ['x'], headers), 'invalid_input');
    expectRefused(await mutate('projects.create', undefined, headers), 'invalid_input');
    await as.admin.keys.revoke({ id });
    expectRefused(await query('user.me', undefined, headers), 'key_revoked');
  });

  it('has a problem with a request id also for what cannot be read', async () => {
    const { cookie } = await signedIn();
    const json = { ...cookie, 'content-type': 'application/json' };
    const get = (url: string) => server.app.inject({ url, headers: cookie });
    expectRefused(await get('/trpc/projects.list?input=%7B'), 'invalid_input');
    expectRefused(await get('/trpc/projects.list?connectionParams=%7B'), 'invalid_input');
    expectRefused(await mutate('projects.create', undefined, json, { payload: '{"half":' }), 'invalid_input');
    const mixed = await mutate('projects.create,user.me?batch=1', { 0: {}, 1: {} }, cookie);
    expect(mixed.statusCode).toBe(400);
    expect(mixed.body).toContain(String(mixed.headers['x-request-id']));
  });

  it('takes GET and POST, and a mutation without input without a body', async () => {
    const { cookie } = await signedIn();
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const) {
      const response = await server.app.inject({ method, url: '/trpc/user.me' });
      expectProblem(response, 'method_not_allowed');
      expect(response.headers.allow).toBe('GET, POST, HEAD');
    }
    expect((await mutate('session.signOut', undefined, cookie)).statusCode).toBe(200);
  });

  it.each([
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'user.__proto__',
    'keys.constructor',
  ])('has no procedure %s', async (path) => {
    expectRefused(await query(path), 'not_found');
    expectRefused(await mutate(path, {}), 'not_found');
  });

  it('lets no input touch a prototype', async () => {
    const { cookie, as } = await signedIn();
    const headers = { ...cookie, 'content-type': 'application/json' };
    for (const payload of [
      '{"name":"x","__proto__":{"polluted":true}}',
      '{"name":"x","constructor":{"prototype":{"polluted":true}}}',
      '{"__proto__":{"name":"x"}}',
    ]) {
      const response = await mutate('projects.create', undefined, headers, { payload });
      expect(response.statusCode).toBe(400);
      expect('polluted' in {}).toBe(false);
    }
    expect((await as.admin.projects.list()).data).toEqual([]);
  });

  it('refuses every procedure that is not public to whoever is nobody', async () => {
    for (const [name, { type, meta }] of proceduresOf(appRouter)) {
      if (meta?.access === 'public') continue;
      const response = await (type === 'query' ? query(name) : mutate(name, {}));
      expectRefused(response, 'credentials_missing');
    }
  });
});
