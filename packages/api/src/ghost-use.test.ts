import { DAY_MS } from '@kaana/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

it('attempts with a revoked token are counted with address and agent, and never the token', async () => {
  const { as } = await api.createTenant();
  const { key, token } = await as.member.keys.create({ name: 'k' });
  expect(await as.member.keys.ghostUse({ id: key.id })).toMatchObject({
    total: 0,
    firstAt: null,
    sources: [],
  });
  await as.member.keys.revoke({ id: key.id });
  for (const ip of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) {
    await expectRefusal(api.withKey(token, { ip }).user.me(), 'key_revoked');
  }
  await api.domain.ghosts.flush();
  await expectRefusal(api.withKey(token, { ip: '192.0.2.1' }).user.me(), 'key_revoked');
  await api.domain.ghosts.flush();
  const shown = await as.member.keys.ghostUse({ id: key.id });
  expect(shown).toMatchObject({ total: 4, counts: { revoked: 4, expired: 0 }, others: 0 });
  expect(shown.sources.toSorted((a, b) => b.count - a.count)).toMatchObject([
    { address: '192.0.2.1', userAgent: 'vitest', reason: 'revoked', start: key.start, count: 3 },
    { address: '192.0.2.2', count: 1 },
  ]);
  const stored = JSON.stringify(await api.database.raw('ghost_use').find().toArray());
  const digest = (await api.database.raw('api_keys').findOne({ _id: key.id as never }))?.secrets[0].digest;
  for (const secret of [token, digest]) expect(stored).not.toContain(secret);
});

it('tells expired, rotated out and a deactivated owner apart', async () => {
  const { as, accounts } = await api.createTenant();
  const expiresAt = new Date(api.clock() + DAY_MS).toISOString();
  const { key, token } = await as.member.keys.create({ name: 'k', expiresAt });
  const rotated = await as.member.keys.rotate({ id: key.id, overlapSeconds: 0 });
  api.clock.advance(1);
  await expectRefusal(api.withKey(token).user.me(), 'key_expired');
  await as.admin.members.update({ id: accounts.member.id, status: 'deactivated' });
  await expectRefusal(api.withKey(rotated.token).user.me(), 'account_inactive');
  api.clock.advance(DAY_MS);
  await expectRefusal(api.withKey(rotated.token).user.me(), 'key_expired');
  await api.domain.ghosts.flush();
  const admin = await api.signIn(accounts.admin.email);
  expect((await admin.keys.ghostUse({ id: key.id })).counts).toEqual({
    revoked: 0,
    expired: 1,
    rotatedOut: 1,
    ownerInactive: 1,
  });
});

it('stays small under a flood of addresses, and keeps the busiest', async () => {
  const { as } = await api.createTenant();
  const { key, token } = await as.member.keys.create({ name: 'k' });
  await as.member.keys.revoke({ id: key.id });
  const refuse = (ip: string) => expectRefusal(api.withKey(token, { ip }).user.me(), 'key_revoked');
  for (let count = 0; count < 5; count++) await refuse('198.51.100.1');
  for (let count = 0; count < 100; count++) await refuse(`192.0.2.${count}`);
  await api.domain.ghosts.flush();
  const shown = await as.member.keys.ghostUse({ id: key.id });
  expect(shown.total).toBe(105);
  expect(shown.sources).toHaveLength(20);
  expect(shown.sources).toContainEqual(expect.objectContaining({ address: '198.51.100.1', count: 5 }));
  expect(shown.others).toBe(105 - shown.sources.reduce((sum, { count }) => sum + count, 0));
});

it('loses nothing where several processes write at once', async () => {
  const { as } = await api.createTenant();
  const { key, token } = await as.member.keys.create({ name: 'k' });
  await as.member.keys.revoke({ id: key.id });
  const { GhostRecorder } = await import('@kaana/core');
  const recorders = Array.from(
    { length: 4 },
    () => new GhostRecorder(api.database.stores.ghostUse, api.clock),
  );
  const refusal = await api.domain.authentication.key(token, null).catch((error: unknown) => error);
  for (const recorder of recorders) recorder.record(refusal, '192.0.2.1', 'curl');
  await Promise.all(recorders.map((recorder) => recorder.flush()));
  expect(await as.member.keys.ghostUse({ id: key.id })).toMatchObject({
    total: 4,
    sources: [{ address: '192.0.2.1', count: 4 }],
  });
});
