import { mintToken } from '@kaana/api-key';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearer, createBusyTenant, openTestServer, type TestServer } from '../testing/index.ts';

let server: TestServer;
let token: string;
let scoped: string;
beforeAll(async () => {
  server = await openTestServer();
  const { as } = await createBusyTenant(server.api);
  ({ token } = await as.admin.keys.create({ name: 'key' }));
  ({ token: scoped } = await as.admin.keys.create({ name: 'scoped', scopes: ['projects:read'] }));
});
afterAll(() => server[Symbol.asyncDispose]());

const json = (value: unknown) => encodeURIComponent(JSON.stringify(value));

/** The answer without what differs from call to call, or between a text and a stream. */
const shown = ({ statusCode, headers, body }: LightMyRequestResponse) => {
  const requestId = String(headers['x-request-id']);
  const shownHeaders = Object.entries(headers).flatMap(([name, value]) =>
    ['x-request-id', 'ratelimit', 'date', 'transfer-encoding', 'content-length'].includes(name)
      ? []
      : [[name, String(value).replace(/; *charset=utf-8$/, '')]],
  );
  return {
    statusCode,
    headers: Object.fromEntries(shownHeaders),
    body: JSON.parse(body.replaceAll(requestId, 'REQUEST')),
  };
};

/** With this header a request takes the way through tRPC's own adapter; to that it means nothing. */
const ADAPTER = { 'trpc-accept': 'application/json' };

const REQUESTS: Record<string, () => InjectOptions> = {
  'a query': () => ({ url: '/trpc/user.me' }),
  'a query with an input': () => ({ url: `/trpc/projects.list?input=${json({ limit: 1 })}` }),
  'an input that the contract refuses': () => ({ url: `/trpc/projects.list?input=${json({ limit: -1 })}` }),
  'an input of null': () => ({ url: `/trpc/projects.list?input=null` }),
  'an input that is no JSON': () => ({ url: '/trpc/projects.list?input=%7B' }),
  'an empty input': () => ({ url: '/trpc/projects.list?input=' }),
  'an input twice': () => ({ url: '/trpc/projects.list?input=%7B%7D&input=%7B%7D' }),
  'a procedure that is not there': () => ({ url: '/trpc/nothing.here' }),
  'a query by POST': () => ({ method: 'POST', url: '/trpc/user.me', payload: {} }),
  'a mutation by GET': () => ({ url: `/trpc/projects.create?input=${json({ name: 'x' })}` }),
  'a mutation with an input that is refused': () => ({
    method: 'POST',
    url: '/trpc/projects.create',
    payload: { nonsense: 1 },
  }),
  'a mutation of what is not there': () => ({
    method: 'POST',
    url: '/trpc/projects.delete',
    payload: { id: 'prj_nothing' },
  }),
  'a mutation without a body': () => ({ method: 'POST', url: '/trpc/projects.create' }),
  'a body that is no JSON': () => ({
    method: 'POST',
    url: '/trpc/projects.create',
    headers: { 'content-type': 'application/json' },
    payload: '{',
  }),
  'a batch of one': () => ({ url: `/trpc/user.me?batch=1&input=${json({})}` }),
  'a batch without inputs': () => ({ url: '/trpc/user.me,organization.get?batch=1' }),
  'a batch with inputs': () => ({
    url: `/trpc/projects.list,user.me?batch=1&input=${json({ 0: { limit: 2 } })}`,
  }),
  'a batch that fails in part': () => ({
    url: `/trpc/user.me,projects.get?batch=1&input=${json({ 1: { id: 'prj_nothing' } })}`,
  }),
  'a batch of failures': () => ({
    url: `/trpc/projects.get,projects.get?batch=1&input=${json({ 0: { id: 'prj_a' }, 1: { id: 'prj_b' } })}`,
  }),
  'a batch whose input is a list': () => ({ url: `/trpc/user.me?batch=1&input=${json([])}` }),
  'a batch with a procedure that is not there': () => ({ url: '/trpc/user.me,nothing.here?batch=1' }),
  'a batch of a query and a mutation': () => ({ url: '/trpc/user.me,projects.create?batch=1' }),
  HEAD: () => ({ method: 'HEAD', url: '/trpc/user.me' }),
};

describe("the direct way through tRPC's protocol", () => {
  it.each(Object.keys(REQUESTS))('answers %s as the adapter does', async (name) => {
    const make = REQUESTS[name];
    if (!make) throw new Error(name);
    for (const credential of [token, scoped, mintToken(), 'kaana_nonsense']) {
      const { headers, ...request } = make();
      const send = (more: Record<string, string>) =>
        server.app.inject({ ...request, headers: { ...headers, ...bearer(credential), ...more } });
      const direct = await send({});
      const adapter = await send(ADAPTER);
      if (request.method === 'HEAD') expect(direct.statusCode).toBe(adapter.statusCode);
      else expect(shown(direct)).toEqual(shown(adapter));
    }
  });

  it('changes what it should, once', async () => {
    const create = (name: string) => ({
      method: 'POST' as const,
      url: '/trpc/projects.create,projects.create?batch=1',
      headers: bearer(token),
      payload: { 0: { name: `${name} 1` }, 1: { name: `${name} 2` } },
    });
    const response = await server.app.inject(create('Project'));
    expect(response.statusCode).toBe(200);
    expect(
      response.json<{ result: { data: { name: string } } }[]>().map(({ result }) => result.data.name),
    ).toEqual(['Project 1', 'Project 2']);
    const listed = await server.app.inject({ url: '/trpc/projects.list', headers: bearer(token) });
    expect(listed.json().result.data.data).toHaveLength(2);
  });

  it('is for those alone who have a key: a cookie beside it means nothing', async () => {
    const { as: _as, accounts } = await server.api.createTenant();
    const { value } = await server.api.domain.sessions.signIn(
      { email: accounts.admin.email, password: 'correct horse battery' },
      { requestId: null, ip: null },
    );
    const response = await server.app.inject({
      url: '/trpc/user.me',
      headers: { authorization: 'Basic x', cookie: `kaana_session=${value}` },
    });
    expect(response.statusCode).toBe(401);
  });
});
