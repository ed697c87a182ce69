import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, keepAlive, verdict } from './call.ts';
import { ADMIN, type Fleet, setLimit, startFleet, UNLIMITED } from './fleet.ts';
import { eventually } from './server.ts';
import { signIn } from './session.ts';

type Issued = { key: { id: string }; token: string };
type Health = { key: { id: string }; score: number; findings: { code: string }[]; safeToRemove: unknown };

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
const get = async (server: number, path: string) =>
  JSON.parse((await call(agent, url(server), `/api${path}`, { token: admin })).text);
const create = async (body: object): Promise<Issued> =>
  JSON.parse((await call(agent, url(0), '/api/keys', { method: 'POST', token: admin, body })).text);
const codesOf = ({ findings }: Health) => findings.map(({ code }) => code);

it('is told of one key and of all, the worst first, by every process', async () => {
  const wide = await create({ name: 'wide' });
  const expiresAt = new Date(Date.now() + 60 * 86_400_000).toISOString();
  const narrow = await create({ name: 'narrow', scopes: ['projects:read'], expiresAt });
  for (const server of [0, 1]) {
    const health: Health = await get(server, `/keys/${wide.key.id}/health`);
    expect(codesOf(health)).toEqual(['unscoped_admin', 'no_expiry']);
    expect(health.safeToRemove).toBeNull();
    const all: Health[] = (await get(server, '/keys/health?limit=100')).data;
    expect(all.map(({ score }) => score)).toEqual(all.map(({ score }) => score).toSorted((a, b) => a - b));
    expect(all.find(({ key }) => key.id === narrow.key.id)).toMatchObject({ score: 100, findings: [] });
  }
});

it('says that a key which was revoked is still tried', async () => {
  const { key, token } = await create({ name: 'still tried' });
  await call(agent, url(0), `/api/keys/${key.id}/revoke`, { method: 'POST', token: admin, body: {} });
  expect(verdict(await call(agent, url(1), '/api/user', { token }))).toBe('401 key_revoked');
  // Attempts are written behind.
  const codes = await eventually(async () => {
    const found = codesOf(await get(0, `/keys/${key.id}/health`));
    return found.length > 0 && found;
  });
  expect(codes).toEqual(['ghost_use']);
  const listed: Health[] = (await get(0, '/keys/health?finding=ghost_use')).data;
  expect(listed.map((health) => health.key.id)).toContain(key.id);
});
