import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKaanaClient, type Fetch, type KaanaClientOptions } from './index.ts';
import { failureOfCall } from './testing/failures.ts';
import { type ListeningServer, openListeningServer } from './testing/server.ts';

let server: ListeningServer;
beforeAll(async () => {
  server = await openListeningServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A new tenant with a key of its admin's, and a client that uses it and notes what it sends. */
const connect = async (options: Partial<KaanaClientOptions> = {}) => {
  const tenant = await server.api.createTenant();
  const { key, token } = await tenant.as.admin.keys.create({ name: 'service' });
  const requests: string[] = [];
  const fetch: Fetch = (url, init) => {
    requests.push(`${init.method} ${new URL(url).pathname}`);
    return globalThis.fetch(url, init);
  };
  const client = createKaanaClient({ url: server.url, apiKey: token, retries: 0, fetch, ...options });
  return { tenant, key, token, client, requests };
};

describe('calls', () => {
  it('reads and writes as the owner of the key, with the types of the router', async () => {
    const { client, tenant } = await connect();
    const created = await client.projects.create.mutate({ name: 'Atlas' });
    const name: string = created.name;
    expect(name).toBe('Atlas');
    expect(await client.projects.get.query({ id: created.id })).toEqual(created);
    expect((await client.projects.list.query()).data).toEqual([created]);
    expect((await client.user.me.query()).id).toBe(tenant.accounts.admin.id);
  });

  it('takes the address with /trpc at the end too', async () => {
    const { client, requests } = await connect({ url: `${server.url}/trpc/` });
    await client.projects.list.query();
    expect(requests).toEqual(['GET /trpc/projects.list']);
  });

  it('uses the platform’s fetch when it is given none', async () => {
    const { client } = await connect({ fetch: undefined });
    expect((await client.projects.list.query()).data).toEqual([]);
  });

  it('shares one request between the calls of a moment, and gives each its own outcome', async () => {
    const { client, requests } = await connect();
    const [projects, missing, me] = await Promise.all([
      client.projects.list.query(),
      failureOfCall(client.projects.get.query({ id: 'nothing' })),
      client.user.me.query(),
    ]);
    expect(projects.data).toEqual([]);
    expect(missing).toMatchObject({ status: 404, code: 'not_found' });
    expect(me.role).toBe('admin');
    expect(requests).toEqual(['GET /trpc/projects.list,projects.get,user.me']);
  });

  it('makes several requests of what is too much for one', async () => {
    const { client, requests } = await connect();
    await Promise.all(Array.from({ length: 60 }, () => client.projects.list.query()));
    expect(requests.map((request) => request.split(',').length)).toEqual([50, 10]);
  });

  it('names the organization that it expects to be in', async () => {
    const { tenant, token } = await connect();
    const { id, name } = tenant.organization;
    for (const organization of [id, name]) {
      const client = createKaanaClient({ url: server.url, apiKey: token, organization });
      expect((await client.user.me.query()).organization.id).toBe(id);
    }
    const elsewhere = createKaanaClient({ url: server.url, apiKey: token, organization: 'Globex' });
    expect(await failureOfCall(elsewhere.user.me.query())).toMatchObject({
      status: 403,
      code: 'tenant_mismatch',
    });
  });

  it('says in the list of keys what uses the key', async () => {
    const { client, key, tenant } = await connect();
    await client.user.me.query();
    await server.api.domain.recorder.flush();
    expect((await tenant.as.admin.keys.get({ id: key.id })).lastUsedUserAgent).toMatch(/^kaana-client\/\d/);
  });
});

describe('keys.verify', () => {
  it('tells who stands behind a key, and what they may do', async () => {
    const { client, tenant } = await connect();
    const { token } = await tenant.as.member.keys.create({ name: 'caller', scopes: ['projects:read'] });
    const verdict = await client.keys.verify.mutate({ token, permissions: ['projects:read'] });
    expect(verdict).toMatchObject({
      valid: true,
      code: 'valid',
      account: { id: tenant.accounts.member.id },
      permissions: ['projects:read'],
    });
    const more = await client.keys.verify.mutate({ token, permissions: ['projects:write'] });
    expect(more).toMatchObject({ valid: false, code: 'permission_denied' });
  });

  it('follows a revocation at once, and knows nothing of other organizations', async () => {
    const { client, tenant } = await connect();
    const { key, token } = await tenant.as.member.keys.create({ name: 'caller' });
    expect(await client.keys.verify.mutate({ token })).toMatchObject({ valid: true });
    await tenant.as.member.keys.revoke({ id: key.id });
    expect(await client.keys.verify.mutate({ token })).toMatchObject({ valid: false, code: 'key_revoked' });
    const stranger = await connect();
    expect(await client.keys.verify.mutate({ token: stranger.token })).toMatchObject({
      valid: false,
      code: 'key_unknown',
    });
  });

  it('answers many at once with one request', async () => {
    const { client, tenant, requests } = await connect();
    const { token } = await tenant.as.member.keys.create({ name: 'caller' });
    const verdicts = await Promise.all(
      Array.from({ length: 20 }, () => client.keys.verify.mutate({ token })),
    );
    expect(verdicts.every(({ valid }) => valid)).toBe(true);
    expect(requests).toHaveLength(1);
  });
});

describe('errors', () => {
  it('names the fields that are wrong', async () => {
    const { client } = await connect();
    const error = await failureOfCall(client.projects.create.mutate({ name: '' }));
    expect(error).toMatchObject({
      name: 'KaanaApiError',
      status: 400,
      code: 'invalid_input',
      title: 'Invalid Input',
      retryAfterSeconds: null,
      errors: [{ path: 'name', message: 'must not be empty' }],
    });
    expect(error.requestId).toMatch(/./);
    expect(error.message).toBe(
      `projects.create: ${error.detail} (invalid_input, request ${error.requestId})`,
    );
  });

  it('tells a revoked key', async () => {
    const { client, tenant, key } = await connect();
    await tenant.as.admin.keys.revoke({ id: key.id });
    expect(await failureOfCall(client.user.me.query())).toMatchObject({
      status: 401,
      code: 'key_revoked',
      title: 'Invalid API Key',
    });
  });

  it('tells a lack of permission', async () => {
    const { tenant } = await connect();
    const { token } = await tenant.as.member.keys.create({ name: 'narrow', scopes: ['projects:read'] });
    const client = createKaanaClient({ url: server.url, apiKey: token });
    const error = await failureOfCall(client.keys.verify.mutate({ token }));
    expect(error).toMatchObject({ status: 403, code: 'permission_denied', title: 'Unauthorized' });
  });

  it('tells when to come back after the limit', async () => {
    const { client } = await connect();
    const calls = Array.from({ length: 101 }, () => client.projects.list.query());
    const outcomes = await Promise.allSettled(calls);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toMatchObject({ status: 429, code: 'rate_limited' });
    expect(refused[0]?.reason.retryAfterSeconds).toBeGreaterThan(0);
  });

  it('tells a wrong address', async () => {
    const { client } = await connect({ url: `${server.url}/elsewhere` });
    expect(await failureOfCall(client.user.me.query())).toMatchObject({ status: 404 });
  });

  it('tells that nobody listens', async () => {
    const { client } = await connect({ url: 'http://127.0.0.1:1' });
    const error = await failureOfCall(client.user.me.query());
    expect(error).toMatchObject({ status: null, code: 'network_error', requestId: null });
    expect(error.detail).toMatch(/^No answer from http:\/\/127\.0\.0\.1:1: /);
  });
});
