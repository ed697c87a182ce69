import { createHash } from 'node:crypto';
import { DAY_MS, revokeIdleKeys, revokeIdleKeysInTurn } from '@kaana/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type Tenant, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

/** Sessions end before keys are idle. */
const again = ({ accounts }: Tenant) => api.signIn(accounts.admin.email);

const revoke = () => revokeIdleKeys(api.database.stores, api.clock);

it('revokes what its organization’s policy calls idle, once, and tells why', async () => {
  const tenant = await api.createTenant();
  const { as } = tenant;
  const never = await as.member.keys.create({ name: 'never used' });
  const old = await as.member.keys.create({ name: 'used once' });
  const used = await as.member.keys.create({ name: 'used' });
  await api.withKey(old.token).user.me();
  await api.domain.recorder.flush();
  api.clock.advance(31 * DAY_MS);
  const admin = await again(tenant);
  const young = await admin.keys.create({ name: 'young' });
  await api.withKey(used.token).user.me();
  await api.domain.recorder.flush();

  await admin.organization.update({ policies: { idleDays: 30 } });
  expect(await revoke()).toBe(0);
  await admin.organization.update({ policies: { idleAction: 'disable' } });
  // Several processes may come to it at the same moment.
  const counts = await Promise.all([revoke(), revoke(), revoke()]);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2);

  for (const { key, token } of [never, old]) {
    await expectRefusal(api.withKey(token).user.me(), 'key_revoked');
    expect(await admin.keys.get({ id: key.id })).toMatchObject({
      status: 'revoked',
      revokedReason: 'Not used for 30 days (policy idleDays)',
    });
    const { data } = await admin.audit.list({ targetId: key.id, action: 'key.revoked' });
    expect(data).toMatchObject([{ actor: { type: 'system' } }]);
  }
  for (const { token } of [used, young]) await api.withKey(token).user.me();
  expect(await revoke()).toBe(0);
});

it('leaves alone a key whose last use got lost, where its counts are there', async () => {
  const tenant = await api.createTenant();
  const { key, token } = await tenant.as.member.keys.create({ name: 'k' });
  api.clock.advance(31 * DAY_MS);
  const admin = await again(tenant);
  await api.withKey(token).user.me();
  await api.domain.recorder.flush();
  await api.database.raw('key_activity').deleteOne({ _id: key.id as never });
  await admin.organization.update({ policies: { idleDays: 30, idleAction: 'disable' } });
  expect(await revoke()).toBe(0);
  await api.withKey(token).user.me();
});

it('leaves alone a key that is used by its children alone, and not one whose children are idle too', async () => {
  const tenant = await api.createTenant('enterprise');
  const inUse = await tenant.as.admin.keys.create({ name: 'in use by a child' });
  const idle = await tenant.as.admin.keys.create({ name: 'idle with its child' });
  const [busy] = await Promise.all(
    [inUse, idle].map(({ token }) =>
      api.withKey(token).keys.createChild({
        name: 'child',
        scopes: ['projects:read'],
        expiresAt: new Date(api.clock() + 30 * DAY_MS).toISOString(),
      }),
    ),
  );
  await api.domain.recorder.flush();
  api.clock.advance(20 * DAY_MS);
  await api.withKey(busy?.token ?? '').projects.list();
  await api.domain.recorder.flush();
  const admin = await again(tenant);
  await admin.organization.update({ policies: { idleDays: 10, idleAction: 'disable' } });
  await revoke();
  expect((await admin.keys.get({ id: inUse.key.id })).status).toBe('active');
  await api.withKey(busy?.token ?? '').projects.list();
  expect((await admin.keys.get({ id: idle.key.id })).status).toBe('revoked');
});

it('counts from the last rotation, too, and over more keys than one page', async () => {
  const tenant = await api.createTenant('enterprise');
  const { as } = tenant;
  const { key } = await as.member.keys.create({ name: 'rotated' });
  for (let count = 0; count < 4; count++) await as.admin.keys.create({ name: `k${count}` });
  api.clock.advance(31 * DAY_MS);
  const admin = await again(tenant);
  await admin.keys.rotate({ id: key.id });
  await admin.organization.update({ policies: { idleDays: 30, idleAction: 'disable' } });
  await revokeIdleKeys(api.database.stores, api.clock, 2);
  expect((await admin.keys.list({ status: 'revoked' })).data).toHaveLength(4);
  expect((await admin.keys.get({ id: key.id })).status).toBe('active');
});

it('gives a key of another system its time from the import on, however old it is', async () => {
  const tenant = await api.createTenant('enterprise');
  const { as, accounts } = tenant;
  const value = createHash('sha256').update(`old ${Math.random()}`).digest('hex');
  const { results } = await as.admin.keys.import({
    keys: [
      {
        owner: accounts.member.email,
        name: 'made elsewhere',
        hash: { format: 'sha256', value },
        createdAt: new Date(api.clock() - 400 * DAY_MS).toISOString(),
      },
    ],
  });
  const policies = { idleDays: 30, idleAction: 'disable' as const };
  expect(await as.admin.organization.policyImpact({ policies })).toMatchObject({ revoked: 0 });
  await as.admin.organization.update({ policies });
  await revoke();
  const id = results[0]?.id ?? '';
  expect((await as.admin.keys.get({ id })).status).toBe('active');
  api.clock.advance(31 * DAY_MS);
  await revoke();
  expect((await (await again(tenant)).keys.get({ id })).status).toBe('revoked');
});

it('is done by one process at a time', async () => {
  const { stores } = api.database;
  const { as } = await api.createTenant();
  await as.member.keys.create({ name: 'k' });
  await as.admin.organization.update({ policies: { idleDays: 1, idleAction: 'disable' } });
  api.clock.advance(2 * DAY_MS);
  expect(await revokeIdleKeysInTurn(stores, api.clock)).toBe(1);
  await as.member.keys.create({ name: 'k' });
  api.clock.advance(2 * DAY_MS);
  expect(await revokeIdleKeysInTurn(stores, api.clock)).toBe(0);
});
