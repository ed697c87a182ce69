import { mintToken } from '@kaana/api-key';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearer, expectProblem, expectRateLimit, openTestServer, type TestServer } from '../testing/index.ts';

let server: TestServer;
beforeAll(async () => {
  server = await openTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const send = (
  method: InjectOptions['method'] & string,
  url: string,
  token?: string | null,
  rest: InjectOptions = {},
): Promise<LightMyRequestResponse> =>
  server.app.inject({
    method,
    url,
    ...rest,
    headers: { ...(token ? bearer(token) : {}), ...rest.headers },
  } as InjectOptions);

/** A tenant and a key of its admin. */
const createAdminKey = async () => {
  const tenant = await server.api.createTenant();
  const { key, token } = await tenant.as.admin.keys.create({ name: 'key' });
  return { ...tenant, key, token };
};

describe('the request of the user guide', () => {
  it('is served: GET with the key, and with a Content-Type that has no content', async () => {
    const { as, token } = await createAdminKey();
    await as.admin.projects.create({ name: 'Website' });
    const response = await send('GET', '/api/projects', token, {
      headers: { 'content-type': 'application/json' },
    });
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(response.json()).toMatchObject({ data: [{ name: 'Website' }], nextCursor: null });
    expectRateLimit(response);
  });

  it('says at /api/user who the key acts as', async () => {
    const { token, organization, accounts } = await createAdminKey();
    const response = await send('GET', '/api/user', token);
    expect(response.json()).toMatchObject({
      id: accounts.admin.id,
      email: accounts.admin.email,
      role: 'admin',
      status: 'active',
      organization: { id: organization.id, name: organization.name, plan: 'standard' },
    });
  });

  it('takes the scheme in any case, as RFC 9110 has it', async () => {
    const { token } = await createAdminKey();
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const response = await send('GET', '/api/user', null, {
        headers: { authorization: `${scheme} ${token}` },
      });
      expect(response.statusCode).toBe(200);
    }
  });

  it('goes through the life of a key and of a project', async () => {
    const { token } = await createAdminKey();
    const made = await send('POST', '/api/keys', token, { payload: { name: 'Zapier Integration' } });
    expect(made.statusCode).toBe(201);
    const { key, token: second } = made.json<{ key: { id: string }; token: string }>();
    expect((await send('GET', '/api/user', second)).statusCode).toBe(200);
    expect(
      (await send('PATCH', `/api/keys/${key.id}`, token, { payload: { name: 'n' } })).json(),
    ).toMatchObject({
      name: 'n',
    });
    const rotated = await send('POST', `/api/keys/${key.id}/rotate`, token);
    expect(rotated.statusCode).toBe(200);
    const third = rotated.json<{ token: string }>().token;
    const verified = await send('POST', '/api/keys/verify', token, { payload: { token: third } });
    expect(verified.json()).toMatchObject({ valid: true, key: { id: key.id } });
    expect((await send('POST', `/api/keys/${key.id}/revoke`, token)).json()).toMatchObject({
      status: 'revoked',
    });
    expectProblem(await send('GET', '/api/user', third), 'key_revoked');
    expect((await send('GET', `/api/keys/${key.id}`, token)).json()).toMatchObject({ status: 'revoked' });

    const created = await send('POST', '/api/projects', token, { payload: { name: 'Website' } });
    expect(created.statusCode).toBe(201);
    const { id } = created.json<{ id: string }>();
    expect(
      (await send('PATCH', `/api/projects/${id}`, token, { payload: { name: 'New' } })).json(),
    ).toMatchObject({ id, name: 'New' });
    expect((await send('DELETE', `/api/projects/${id}`, token)).json()).toEqual({ id, deleted: true });
    expectProblem(await send('GET', `/api/projects/${id}`, token), 'not_found');
    for (const url of [
      '/api/usage',
      '/api/usage/series',
      '/api/audit-events',
      '/api/members',
      '/api/organization',
    ])
      expect((await send('GET', url, token)).statusCode, url).toBe(200);
  });

  it('ends a leaked key without asking for one, and says the same of a token that nobody knows', async () => {
    const { token } = await createAdminKey();
    const known = await send('POST', '/api/keys/leaked', null, { payload: { token } });
    const unknown = await send('POST', '/api/keys/leaked', null, { payload: { token: mintToken() } });
    expect([known.statusCode, known.body]).toEqual([202, unknown.body]);
    expectProblem(await send('GET', '/api/user', token), 'key_revoked');
  });
});

describe('401 Invalid API Key', () => {
  const challenge = (response: LightMyRequestResponse) => String(response.headers['www-authenticate']);

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['the scheme alone', 'Bearer'],
    ['another scheme', 'Basic YWxhZGRpbjpvcGVuc2VzYW1l'],
    ['a key without a scheme', mintToken()],
    ['a scheme that merely begins like Bearer', `BearerX ${mintToken()}`],
  ])('for %s', async (_name, authorization) => {
    const response = await send('GET', '/api/user', null, {
      headers: authorization === undefined ? {} : { authorization },
    });
    expectProblem(response, 'credentials_missing');
    // RFC 6750, section 3.1: without credentials the challenge has no error code.
    expect(challenge(response)).not.toContain('error');
  });

  it.each([
    ['two spaces', (token: string) => `Bearer  ${token}`],
    ['a tab', (token: string) => `Bearer \t${token}`],
    ['a space inside', (token: string) => `Bearer ${token.slice(0, 20)} ${token.slice(20)}`],
    ['quotes', (token: string) => `Bearer "${token}"`],
    ['another case', (token: string) => `Bearer ${token.toUpperCase()}`],
    ['the last character missing', (token: string) => `Bearer ${token.slice(0, -1)}`],
    ['two keys', (token: string) => `Bearer ${token}, Bearer ${token}`],
    ['something else', () => 'Bearer abc123def456'],
  ])('for a key with %s', async (_name, authorization) => {
    const { token } = await createAdminKey();
    const response = await send('GET', '/api/user', null, {
      headers: { authorization: authorization(token) },
    });
    const problem = expectProblem(response, 'key_malformed');
    expect(challenge(response)).toContain('error="invalid_token"');
    expect(problem.detail).not.toContain(token);
  });

  it('for a wrong checksum, which it says', async () => {
    const { token } = await createAdminKey();
    const last = token.endsWith('0') ? '1' : '0';
    const response = await send('GET', '/api/user', `${token.slice(0, -1)}${last}`);
    expect(expectProblem(response, 'key_malformed').detail).toContain('checksum');
  });

  it('for a key that nobody made', async () => {
    expectProblem(await send('GET', '/api/user', mintToken()), 'key_unknown');
  });

  it('for a key that was revoked, with the next request', async () => {
    const { as, key, token } = await createAdminKey();
    expect((await send('GET', '/api/user', token)).statusCode).toBe(200);
    await as.admin.keys.revoke({ id: key.id });
    const response = await send('GET', '/api/user', token);
    expectProblem(response, 'key_revoked');
    expect(challenge(response)).toContain('error="invalid_token"');
  });

  it('for a key that has expired', async () => {
    const { as } = await server.api.createTenant();
    const expiresAt = new Date(server.api.clock() + 1000).toISOString();
    const { token } = await as.admin.keys.create({ name: 'k', expiresAt });
    server.api.clock.advance(1000);
    expectProblem(await send('GET', '/api/user', token), 'key_expired');
  });

  it('for a session’s cookie, which means nothing here', async () => {
    const { accounts } = await server.api.createTenant();
    const { value } = await server.api.domain.sessions.signIn(
      { email: accounts.admin.email, password: 'correct horse battery' },
      { requestId: null, ip: null },
    );
    const headers = { cookie: `kaana_session=${value}` };
    expectProblem(await send('GET', '/api/user', null, { headers }), 'credentials_missing');
    expectProblem(
      await send('POST', '/api/keys', null, { headers, payload: { name: 'x' } }),
      'credentials_missing',
    );
  });
});

describe('403 Unauthorized', () => {
  it('for what the role does not include', async () => {
    const { as } = await server.api.createTenant();
    const { token } = await as.member.keys.create({ name: 'k' });
    const response = await send('GET', '/api/members', token);
    expect(expectProblem(response, 'permission_denied').detail).toContain('members:read');
    expectRateLimit(response);
  });

  it('for what the scopes do not include', async () => {
    const { as } = await server.api.createTenant();
    const { token } = await as.admin.keys.create({ name: 'k', scopes: ['projects:read'] });
    expect((await send('GET', '/api/projects', token)).statusCode).toBe(200);
    const response = await send('POST', '/api/projects', token, { payload: { name: 'x' } });
    expectProblem(response, 'permission_denied');
    expectRateLimit(response);
  });

  it('for the key of an account that was deactivated, at once, and no longer once it is active again', async () => {
    const { as, accounts } = await server.api.createTenant();
    const { token } = await as.member.keys.create({ name: 'k' });
    await as.admin.members.update({ id: accounts.member.id, status: 'deactivated' });
    expectProblem(await send('GET', '/api/user', token), 'account_inactive');
    await as.admin.members.update({ id: accounts.member.id, status: 'active' });
    expect((await send('GET', '/api/user', token)).statusCode).toBe(200);
  });

  it('for a request that means another organization', async () => {
    const { organization, token } = await createAdminKey();
    const other = await server.api.createTenant();
    for (const name of [organization.id, organization.name]) {
      const headers = { 'kaana-organization': name };
      expect((await send('GET', '/api/user', token, { headers })).statusCode).toBe(200);
    }
    for (const name of [other.organization.id, other.organization.name, 'nobody']) {
      const response = await send('GET', '/api/user', token, { headers: { 'kaana-organization': name } });
      expectProblem(response, 'tenant_mismatch');
      expectRateLimit(response);
      expect(response.body).not.toContain(other.organization.name);
    }
  });

  it('for an address that the key does not allow', async () => {
    const { as } = await server.api.createTenant();
    const { token } = await as.admin.keys.create({
      name: 'k',
      allowedIps: ['203.0.113.0/24', '2001:db8::/32'],
    });
    for (const remoteAddress of ['203.0.113.9', '::ffff:203.0.113.9', '2001:db8::7'])
      expect((await send('GET', '/api/user', token, { remoteAddress })).statusCode).toBe(200);
    expectProblem(await send('GET', '/api/user', token, { remoteAddress: '198.51.100.1' }), 'ip_not_allowed');
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    expectProblem(
      await send('GET', '/api/user', token, { remoteAddress: '198.51.100.1', headers }),
      'ip_not_allowed',
    );
  });

  it('for an address that is none, sent through a proxy that is believed', async () => {
    await using behindProxy = await openTestServer({ settings: { trustProxy: true } });
    const { as } = await behindProxy.api.createTenant();
    const { token } = await as.admin.keys.create({ name: 'k', allowedIps: ['203.0.113.0/24'] });
    const sendFrom = (address: string) =>
      behindProxy.app.inject({
        url: '/api/user',
        headers: { ...bearer(token), 'x-forwarded-for': address },
      });
    expect((await sendFrom('203.0.113.9')).statusCode).toBe(200);
    // As some proxies write it.
    expect((await sendFrom('203.0.113.9:443')).statusCode).toBe(200);
    for (const address of ['unknown', '[203.0.113.9]', '[::1]', '%', 'x'.repeat(500)])
      expectProblem(await sendFrom(address), 'ip_not_allowed');
  });
});

describe('400 Invalid Input', () => {
  it.each([
    ['limit=abc', 'limit'],
    ['limit=', 'limit'],
    ['limit=0', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=201', 'limit'],
    ['limit=0x10', 'limit'],
    ['limit=1e2', 'limit'],
    [`limit=${'9'.repeat(400)}`, 'limit'],
    ['limit=5&limit=5', 'limit'],
    ['unknown=1', ''],
    ['cursor=', 'cursor'],
    ['__proto__=1', ''],
    ['constructor=1', ''],
  ])('for the query %s', async (query, path) => {
    const { token } = await createAdminKey();
    const response = await send('GET', `/api/projects?${query}`, token);
    const problem = expectProblem(response, 'invalid_input');
    expect(problem.errors?.map((error) => error.path)).toEqual([path]);
    expectRateLimit(response);
  });

  it('but not for numbers, percent-encoding, an empty query or a slash at the end', async () => {
    const { as, token } = await createAdminKey();
    const { id } = await as.admin.projects.create({ name: 'a' });
    await as.admin.projects.create({ name: 'b' });
    const page = await send('GET', '/api/projects?limit=1', token);
    const { data, nextCursor } = page.json<{ data: unknown[]; nextCursor: string }>();
    expect(data).toHaveLength(1);
    const next = await send(
      'GET',
      `/api/projects?%6Cimit=%31&cursor=${encodeURIComponent(nextCursor)}`,
      token,
    );
    expect(next.json()).toMatchObject({ data: [{ id }], nextCursor: null });
    for (const url of ['/api/projects?', '/api/projects/', '/api/projects?limit=5'])
      expect((await send('GET', url, token)).statusCode, url).toBe(200);
    const encoded = [...id].map((character) => `%${character.charCodeAt(0).toString(16)}`).join('');
    expect((await send('GET', `/api/projects/${encoded}`, token)).json()).toMatchObject({ id });
  });

  it.each([
    ['an array', '[]'],
    ['an array of inputs', '[{"name":"x"}]'],
    ['a string', '"name"'],
    ['a number', '1'],
    ['null', 'null'],
    ['no body', ''],
    ['an empty object', '{}'],
    ['a wrong type', '{"name":{"$gt":""}}'],
    ['a field too many', '{"name":"x","admin":true}'],
    ['a repeated prototype', '{"name":"x","constructor":{"prototype":{"admin":true}}}'],
    ['a prototype', '{"name":"x","__proto__":{"admin":true}}'],
    ['half of an object', '{"name":'],
    ['no JSON', 'name=x'],
    ['a NUL', '\0'],
    ['lone surrogates in a field name', '{"\\ud800":1,"name":"x"}'],
  ])('for a body that is %s', async (_name, payload) => {
    const { as, token } = await createAdminKey();
    const headers = { 'content-type': 'application/json' };
    expectProblem(await send('POST', '/api/projects', token, { payload, headers }), 'invalid_input');
    expect((await as.admin.projects.list()).data).toEqual([]);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect('admin' in {}).toBe(false);
  });

  it('is told to callers with a key alone: the others hear of the key first', async () => {
    const requests = [
      await send('GET', '/api/projects?limit=5&limit=5'),
      await send('GET', '/api/projects?limit=abc'),
      await send('POST', '/api/projects', null, { payload: [] }),
      await send('POST', '/api/projects', null, { payload: {} }),
    ];
    for (const response of requests) expectProblem(response, 'credentials_missing');
  });

  it('names the fields that are wrong', async () => {
    const { token } = await createAdminKey();
    const payload = { name: ' ', allowedIps: ['1.2.3.4', 'nonsense'] };
    const response = await send('POST', '/api/keys', token, { payload });
    const problem = expectProblem(response, 'invalid_input');
    expect(problem.errors?.map(({ path }) => path)).toEqual(['name', 'allowedIps.1']);
    expect(problem.detail).toContain('name: must not be empty');
    expectRateLimit(response);
  });

  it('answers a flood of mistakes in few words', async () => {
    const { token } = await createAdminKey();
    const payloads: object[] = [
      { name: 'x', scopes: Array.from({ length: 50_000 }, () => 'nonsense') },
      Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`field${index}`, 1])),
    ];
    for (const payload of payloads) {
      const response = await send('POST', '/api/keys', token, { payload });
      expectProblem(response, 'invalid_input');
      expect(response.body.length).toBeLessThan(20_000);
    }
  });

  it('refuses times that no answer could carry', async () => {
    const { token, key } = await createAdminKey();
    for (const time of ['9999-12-31T23:59:59-12:00', '0000-01-01T00:00:00+12:00']) {
      const at = encodeURIComponent(time);
      expectProblem(
        await send('POST', '/api/keys', token, { payload: { name: 'k', expiresAt: time } }),
        'invalid_input',
      );
      expectProblem(
        await send('PATCH', `/api/keys/${key.id}`, token, { payload: { expiresAt: time } }),
        'invalid_input',
      );
      expectProblem(await send('GET', `/api/usage?to=${at}`, token), 'invalid_input');
      expectProblem(await send('GET', `/api/usage/series?from=${at}`, token), 'invalid_input');
    }
    const last = encodeURIComponent('9999-12-31T23:59:59Z');
    expect((await send('GET', `/api/usage?to=${last}`, token)).statusCode).toBeLessThan(500);
    expect((await send('GET', '/api/keys', token)).statusCode).toBe(200);
  });
});

describe('404 Not Found', () => {
  it('for what is not there, with the quota where a key was looked at', async () => {
    const { token } = await createAdminKey();
    for (const id of [
      'prj_nothing',
      '..%2F..',
      '%00',
      '%F0%9F%94%91',
      "'; drop table",
      '$ne',
      'x'.repeat(64),
    ]) {
      const response = await send('GET', `/api/projects/${id}`, token);
      expectProblem(response, 'not_found');
      expectRateLimit(response);
    }
    for (const url of [
      '/api',
      '/api/',
      '/api/nothing',
      '/api/projects/a/b',
      '/api/user.json',
      '/apifoo/bar.js',
    ])
      expectProblem(await send('GET', url, token), 'not_found');
  });

  it('for what another organization has', async () => {
    const { token } = await createAdminKey();
    const other = await createAdminKey();
    const project = await other.as.admin.projects.create({ name: 'theirs' });
    for (const [method, url] of [
      ['GET', `/api/projects/${project.id}`],
      ['DELETE', `/api/projects/${project.id}`],
      ['GET', `/api/keys/${other.key.id}`],
      ['POST', `/api/keys/${other.key.id}/revoke`],
      ['POST', `/api/keys/${other.key.id}/rotate`],
      ['GET', `/api/usage?keyId=${other.key.id}`],
    ] as const) {
      const response = await send(method, url, token);
      expectProblem(response, 'not_found');
      expectRateLimit(response);
    }
  });

  it('does not repeat a token that stood in the address', async () => {
    const token = mintToken();
    for (const url of [`/api/${token}`, `/${token}.js`, `/api/%zz${token}`]) {
      const response = await send('GET', url);
      expect(response.statusCode).toBeGreaterThanOrEqual(400);
      expect(response.body).not.toContain(token);
    }
  });
});

describe('405 Method Not Allowed', () => {
  it.each([
    ['PUT', '/api/projects', 'GET, POST, HEAD'],
    ['DELETE', '/api/projects', 'GET, POST, HEAD'],
    ['OPTIONS', '/api/projects', 'GET, POST, HEAD'],
    ['POST', '/api/projects/prj_1', 'GET, PATCH, DELETE, HEAD'],
    ['GET', '/api/keys/key_1/revoke', 'POST'],
    ['HEAD', '/api/keys/key_1/revoke', 'POST'],
    ['GET', '/api/keys/leaked', 'POST'],
    ['DELETE', '/api/keys/verify', 'POST'],
    ['POST', '/api/user', 'GET, HEAD'],
    ['POST', '/api/openapi.json', 'GET, HEAD'],
    ['DELETE', '/api/docs', 'GET, HEAD'],
  ] as const)('for %s %s, with what it allows', async (method, url, allow) => {
    const response = await send(method, url);
    expect(String(response.headers.allow).split(', ').toSorted()).toEqual(allow.split(', ').toSorted());
    expect(response.headers['x-request-id']).toBeTruthy();
    if (method === 'HEAD') expect([response.statusCode, response.body]).toEqual([405, '']);
    else expectProblem(response, 'method_not_allowed');
  });

  it('whatever the body is', async () => {
    for (const payload of ['{"half":', 'x'.repeat(100)]) {
      for (const type of ['application/json', 'text/xml']) {
        const headers = { 'content-type': type };
        expectProblem(await send('PUT', '/api/projects', null, { payload, headers }), 'method_not_allowed');
      }
    }
  });

  it('but HEAD goes where GET goes', async () => {
    const { token } = await createAdminKey();
    const response = await send('HEAD', '/api/projects', token);
    expect([response.statusCode, response.body]).toEqual([200, '']);
    expectRateLimit(response);
    expect((await send('HEAD', '/api/projects')).statusCode).toBe(401);
  });
});

describe('409 Conflict', () => {
  it('for the sixth active key, and for what was done already', async () => {
    const { token, key } = await createAdminKey();
    for (let count = 0; count < 4; count++)
      expect((await send('POST', '/api/keys', token, { payload: { name: 'k' } })).statusCode).toBe(201);
    const sixth = await send('POST', '/api/keys', token, { payload: { name: 'k' } });
    expectProblem(sixth, 'key_limit_reached');
    expectRateLimit(sixth);
    expect((await send('POST', `/api/keys/${key.id}/rotate`, token)).statusCode).toBe(200);
    expectProblem(await send('POST', `/api/keys/${key.id}/rotate`, token), 'rotation_in_progress');
    const { data } = (await send('GET', '/api/keys', token)).json<{ data: { id: string }[] }>();
    const other = data.find(({ id }) => id !== key.id)?.id;
    expect((await send('POST', `/api/keys/${other}/revoke`, token)).statusCode).toBe(200);
    const again = await send('POST', `/api/keys/${other}/revoke`, token);
    expectProblem(again, 'already_revoked');
    expectRateLimit(again);
  });

  it('for a key that has expired', async () => {
    const { as, token } = await createAdminKey();
    const expiresAt = new Date(server.api.clock() + 1000).toISOString();
    const { key } = await as.admin.keys.create({ name: 'k', expiresAt });
    server.api.clock.advance(1000);
    expectProblem(
      await send('PATCH', `/api/keys/${key.id}`, token, { payload: { expiresAt: null } }),
      'already_expired',
    );
  });
});

describe('bodies', () => {
  it('of a request that needs none may be empty, whatever the client says about it', async () => {
    const { as, token } = await createAdminKey();
    const bodies: InjectOptions[] = [
      {},
      { headers: { 'content-type': 'application/json' } },
      { headers: { 'content-type': 'application/json' }, payload: '' },
      { payload: {} },
      { headers: { 'content-type': 'application/json; charset=utf-8' }, payload: 'null' },
    ];
    for (const body of bodies) {
      const { key } = await as.member.keys.create({ name: 'k' });
      expect((await send('POST', `/api/keys/${key.id}/revoke`, token, body)).statusCode).toBe(200);
    }
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'text/xml', 'nonsense', 'application/jsonx'])(
    'of type %s are refused with 415',
    async (type) => {
      const { token } = await createAdminKey();
      const headers = { 'content-type': type };
      const response = await send('POST', '/api/projects', token, { payload: '{"name":"x"}', headers });
      expectProblem(response, 'unsupported_media_type');
    },
  );

  it('larger than 1 MiB are refused with 413', async () => {
    const { token } = await createAdminKey();
    const payload = { name: 'x', description: 'x'.repeat(1024 * 1024) };
    expectProblem(await send('POST', '/api/projects', token, { payload }), 'payload_too_large');
  });
});

describe('429 Too Many Requests', () => {
  it('for the 101st request of an account within a minute, over all its keys', async () => {
    const { as, token } = await createAdminKey();
    const { token: second } = await as.admin.keys.create({ name: 'second' });
    const { token: member } = await as.member.keys.create({ name: 'another account' });
    const remaining: number[] = [];
    for (let count = 0; count < 100; count++) {
      // Refused requests count as well: this one has no permission problem, but a wrong query.
      const response = await send(
        'GET',
        count % 2 ? '/api/user' : '/api/projects?limit=x',
        count % 3 ? token : second,
      );
      expect([200, 400]).toContain(response.statusCode);
      remaining.push(expectRateLimit(response));
    }
    expect(remaining).toEqual(Array.from({ length: 100 }, (_, index) => 99 - index));
    for (const key of [token, second]) {
      const response = await send('GET', '/api/user', key);
      expectProblem(response, 'rate_limited');
      expect(expectRateLimit(response)).toBe(0);
      expect(Number(response.headers['retry-after'])).toBeLessThanOrEqual(60);
    }
    expect((await send('GET', '/api/user', member)).statusCode).toBe(200);
  });

  it('exactly, when 150 come at once', async () => {
    const { token } = await createAdminKey();
    const responses = await Promise.all(Array.from({ length: 150 }, () => send('GET', '/api/user', token)));
    expect(responses.filter(({ statusCode }) => statusCode === 200)).toHaveLength(100);
    for (const response of responses) {
      expectRateLimit(response);
      if (response.statusCode !== 200) expectProblem(response, 'rate_limited');
    }
  });
});

describe('every answer', () => {
  it('carries the caller’s own X-Request-Id where it is harmless', async () => {
    const headers = { 'x-request-id': 'trace-42:a.b_c' };
    const response = await send('GET', '/api/user', null, { headers });
    expect(response.headers['x-request-id']).toBe('trace-42:a.b_c');
    expectProblem(response, 'credentials_missing');
  });

  it('carries a new one where it is not', async () => {
    for (const given of ['', 'a b', 'ü', 'x'.repeat(65), '<script>', mintToken(), `x${mintToken()}`]) {
      const response = await send('GET', '/healthz', null, { headers: { 'x-request-id': given } });
      expect(response.statusCode).toBe(200);
      expect(response.headers['x-request-id']).toMatch(/^[\w-]{36}$/);
    }
  });

  it('has one, and lets no cache keep what /api says', async () => {
    const answers: [InjectOptions['method'] & string, string, InjectOptions?][] = [
      ['GET', '/healthz'],
      ['GET', '/readyz'],
      ['GET', '/metrics'],
      ['GET', '/nothing.js'],
      ['GET', '/api/nothing'],
      ['GET', '/api/docs'],
      ['GET', '/api/openapi.json'],
      ['PUT', '/api/user'],
      ['GET', '/api/%zz'],
      ['GET', `/api/projects/${'x'.repeat(6000)}`],
      ['POST', '/api/projects', { payload: '{', headers: { 'content-type': 'application/json' } }],
      ['POST', '/api/projects', { payload: 'x', headers: { 'content-type': 'text/xml' } }],
      ['POST', '/api/projects', { payload: { name: 'x'.repeat(2 ** 21) } }],
      ['GET', '/trpc/user.me'],
      ['GET', '/trpc/no.such'],
      ['GET', '/trpc'],
      ['PUT', '/trpc/user.me'],
      ['POST', '/trpc/session.signIn', { payload: '{', headers: { 'content-type': 'application/json' } }],
      ['GET', '/trpc/%zz'],
    ];
    for (const [method, url, options] of answers) {
      const { headers, statusCode } = await send(method, url, null, options);
      expect(headers['x-request-id'], `${method} ${url.slice(0, 50)} ${statusCode}`).toMatch(/^[\w-]{36}$/);
      expect(headers['x-content-type-options'], url.slice(0, 50)).toBe('nosniff');
      if (/^\/(api|trpc)\//.test(url)) expect(headers['cache-control'], url.slice(0, 50)).toBe('no-store');
      expect(statusCode, url.slice(0, 50)).toBeLessThan(500);
    }
  });
});
