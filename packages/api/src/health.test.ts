import { DAY_MS, listHealth } from '@kaana/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

it('lists the worst first, by finding and by what nobody will miss, for a member its own only', async () => {
  const { accounts, as } = await api.createTenant();
  const scopes = ['projects:read'] as const;
  const expiresAt = new Date(api.clock() + 1_000 * DAY_MS).toISOString();
  const idle = await as.member.keys.create({ name: 'idle', expiresAt, scopes: [...scopes] });
  const used = await as.member.keys.create({ name: 'used', expiresAt, scopes: [...scopes] });
  const never = await as.admin.keys.create({ name: 'never' });
  const gone = await as.admin.keys.create({ name: 'gone' });
  const tried = await as.admin.keys.create({ name: 'tried' });
  await api.withKey(idle.token).projects.list();
  await api.domain.recorder.flush();
  await as.admin.keys.revoke({ id: gone.key.id });
  await as.admin.keys.revoke({ id: tried.key.id });
  api.clock.advance(91 * DAY_MS);
  await api.withKey(used.token).projects.list();
  await expectRefusal(api.withKey(tried.token).projects.list(), 'key_revoked');
  await api.domain.recorder.flush();
  await api.domain.ghosts.flush();

  const admin = await api.signIn(accounts.admin.email);
  const namesOf = async (input: Parameters<typeof admin.keys.health>[0], as = admin) =>
    (await as.keys.health(input)).data.map(({ key }) => key.name);
  expect((await admin.keys.health()).data).toMatchObject([
    { key: { name: 'never' }, score: 55, safeToRemove: { reason: 'never_used' } },
    { key: { name: 'tried' }, score: 80, findings: [{ code: 'ghost_use' }], safeToRemove: null },
    { key: { name: 'idle' }, score: 80, findings: [{ code: 'idle' }], safeToRemove: { reason: 'idle' } },
    { key: { name: 'used' }, score: 100, findings: [], safeToRemove: null },
  ]);
  expect(await namesOf({ finding: 'idle' })).toEqual(['idle']);
  expect(await namesOf({ safeToRemove: true })).toEqual(['never', 'idle']);
  expect(await namesOf({ safeToRemove: false })).toEqual(['tried', 'used']);
  const member = await api.signIn(accounts.member.email);
  expect(await namesOf({}, member)).toEqual(['idle', 'used']);
  expect(await member.keys.healthOf({ id: idle.key.id })).toMatchObject({ score: 80, key: { name: 'idle' } });
  await expectRefusal(member.keys.healthOf({ id: never.key.id }), 'not_found');
  const other = await api.createTenant();
  await expectRefusal(other.as.admin.keys.healthOf({ id: idle.key.id }), 'not_found');
  expect(await namesOf({}, other.as.admin)).toEqual([]);
});

it('believes counts where a last use got lost', async () => {
  const { accounts, as } = await api.createTenant();
  const { key, token } = await as.member.keys.create({ name: 'k' });
  api.clock.advance(95 * DAY_MS);
  await api.withKey(token).projects.list();
  await api.domain.recorder.flush();
  await api.database.raw('key_activity').deleteOne({ _id: key.id as never });
  const admin = await api.signIn(accounts.admin.email);
  const { findings, safeToRemove } = await admin.keys.healthOf({ id: key.id });
  expect(findings.map(({ code }) => code)).toEqual(['no_expiry']);
  expect(safeToRemove).toBeNull();
});

it('pages through all keys once, also beyond what it looks at together', async () => {
  const { accounts, as, organization } = await api.createTenant('enterprise');
  for (let count = 0; count < 7; count++) await as.admin.keys.create({ name: `k${count}` });
  const admin = await api.signIn(accounts.admin.email);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await admin.keys.health({ limit: 2, ...(cursor ? { cursor } : {}) });
    seen.push(...page.data.map(({ key }) => key.name));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  expect(seen).toEqual(['k6', 'k5', 'k4', 'k3', 'k2', 'k1', 'k0']);

  const principal = { account: accounts.admin, organization, reach: 'organization' } as never;
  const rows: string[] = [];
  let position: Parameters<typeof listHealth>[2]['position'] | null = { window: null, after: null };
  while (position) {
    const page = await listHealth(api.database.stores, principal, { limit: 2, position }, api.clock(), 3);
    rows.push(...page.rows.map(({ key }) => key.name));
    position = page.next;
  }
  expect(rows).toEqual(seen);
  const other = await as.admin.keys.list({ limit: 2, sort: 'name' });
  for (const bad of ['x', other.nextCursor ?? '', Buffer.from('[1,2,3]').toString('base64url')])
    await expectRefusal(admin.keys.health({ cursor: bad }), 'invalid_input');
});
