import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, keepAlive, verdict } from './call.ts';
import { ADMIN, type Fleet, setLimit, startFleet, UNLIMITED } from './fleet.ts';
import { signIn } from './session.ts';

/** Child keys through REST, on two processes that share a database. */
type Issued = { key: { id: string; parentId: string | null; status: string }; token: string };

let fleet: Fleet;
let admin = '';
const agent = keepAlive();
beforeAll(async () => {
  fleet = await startFleet([{}, {}]);
  await setLimit(fleet.site, 'Globex', UNLIMITED);
  const session = await signIn(url(0), ADMIN);
  admin = (await session.mutate<Issued>('keys.create', { name: 'admin' })).token;
});
afterAll(async () => {
  agent.destroy();
  await fleet[Symbol.asyncDispose]();
});

const url = (server: number) => fleet.urls[server] ?? '';
const send = (server: number, path: string, token: string, body: object = {}, method = 'POST') =>
  call(agent, url(server), `/api${path}`, { method, token, body });
const everywhere = async (token: string, path = '/projects?limit=1') =>
  Promise.all(
    fleet.urls.map(async (address) => verdict(await call(agent, address, `/api${path}`, { token }))),
  );
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

const SCOPES = ['keys:delegate', 'projects:read', 'usage:read'];
const makeParent = async (): Promise<Issued> =>
  JSON.parse((await send(0, '/keys', admin, { name: 'parent', scopes: SCOPES })).text);
const makeChild = async (parent: string, change: object = {}, server = 0): Promise<Issued> => {
  const answer = await send(server, '/keys/children', parent, {
    name: 'child',
    scopes: ['projects:read'],
    expiresAt: inDays(1),
    ...change,
  });
  expect(verdict(answer)).toBe('201');
  return JSON.parse(answer.text);
};

const SERVED = ['200', '200'];
const REVOKED = ['401 key_revoked', '401 key_revoked'];
const DENIED = ['403 permission_denied', '403 permission_denied'];

describe('a child key', () => {
  it('is served by every process within its scopes, and seen by its parent alone', async () => {
    const parent = await makeParent();
    const child = await makeChild(parent.token);
    expect(child.key.parentId).toBe(parent.key.id);
    expect(await everywhere(child.token)).toEqual(SERVED);
    expect(await everywhere(child.token, '/usage')).toEqual(DENIED);
    expect(await everywhere(parent.token, '/keys/children')).toEqual(SERVED);
    const stranger = await makeParent();
    expect(verdict(await send(1, `/keys/children/${child.key.id}/revoke`, stranger.token))).toBe(
      '404 not_found',
    );
    expect(await everywhere(child.token)).toEqual(SERVED);
  });

  it('cannot be more than its parent, nor make keys of its own', async () => {
    const parent = await makeParent();
    const attempt = async (body: object) =>
      verdict(
        await send(1, '/keys/children', parent.token, {
          name: 'child',
          scopes: ['projects:read'],
          expiresAt: inDays(1),
          ...body,
        }),
      );
    expect(await attempt({ scopes: ['projects:write'] })).toBe('403 permission_denied');
    expect(await attempt({ scopes: ['keys:write'] })).toBe('403 permission_denied');
    expect(await attempt({ expiresAt: inDays(400) })).toBe('400 invalid_input');
    expect(await attempt({ expiresAt: null })).toBe('400 invalid_input');
    const child = await makeChild(parent.token);
    expect(verdict(await send(0, '/keys', child.token, { name: 'own' }))).toBe('403 permission_denied');
    expect(verdict(await send(0, '/keys/children', child.token, { name: 'own' }))).toMatch(/^40[03] /);
  });

  it('ends with its parent on every process at once, and so do its own children', async () => {
    const parent = await makeParent();
    const child = await makeChild(parent.token, { scopes: SCOPES });
    const grandchild = await makeChild(child.token, { expiresAt: inDays(0.5) }, 1);
    // Known to both processes, so that what they remember could be wrong.
    expect(await everywhere(child.token)).toEqual(SERVED);
    expect(await everywhere(grandchild.token)).toEqual(SERVED);
    expect(verdict(await send(0, `/keys/${parent.key.id}/revoke`, admin))).toBe('200');
    expect(await everywhere(grandchild.token)).toEqual(REVOKED);
    expect(await everywhere(child.token)).toEqual(REVOKED);
    for (const { key } of [child, grandchild]) {
      const shown = await call(agent, url(1), `/api/keys/${key.id}`, { token: admin });
      expect(JSON.parse(shown.text)).toMatchObject({ status: 'revoked' });
      const events = await call(agent, url(1), `/api/audit-events?targetId=${key.id}&action=key.revoked`, {
        token: admin,
      });
      expect(JSON.parse(events.text).data).toHaveLength(1);
    }
  });

  it('is narrowed with its parent from its next request on', async () => {
    const parent = await makeParent();
    const child = await makeChild(parent.token, { scopes: ['projects:read', 'usage:read'] });
    expect(await everywhere(child.token, '/usage')).toEqual(SERVED);
    const narrowed = { scopes: ['keys:delegate', 'projects:read'] };
    expect(verdict(await send(1, `/keys/${parent.key.id}`, admin, narrowed, 'PATCH'))).toBe('200');
    expect(await everywhere(child.token, '/usage')).toEqual(DENIED);
    expect(await everywhere(child.token)).toEqual(SERVED);
  });
});
