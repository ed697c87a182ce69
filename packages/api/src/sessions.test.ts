import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

describe('the sessions of an account', () => {
  it('are listed with the one that asks, and end one by one or all others at once', async () => {
    const { as, accounts } = await api.createTenant();
    const second = await api.signIn(accounts.admin.email);
    const third = await api.signIn(accounts.admin.email);
    const { data } = await third.session.list();
    expect(data).toHaveLength(3);
    expect(data.filter(({ current }) => current)).toHaveLength(1);
    const [own] = (await second.session.list()).data.filter(({ current }) => current);
    await third.session.end({ id: own?.id ?? '' });
    await expectRefusal(second.user.me(), 'session_invalid');
    await expectRefusal(third.session.end({ id: own?.id ?? '' }), 'not_found');
    expect(await third.session.endOthers()).toEqual({ ended: 1 });
    await expectRefusal(as.admin.user.me(), 'session_invalid');
    expect((await third.session.list()).data).toHaveLength(1);
    const ended = (await third.audit.list({ action: 'session.ended' })).data;
    expect(ended).toHaveLength(2);
  });

  it('are nobody else’s to see or end, and no business of a key', async () => {
    const { as } = await api.createTenant();
    const [session] = (await as.member.session.list()).data;
    await expectRefusal(as.admin.session.end({ id: session?.id ?? '' }), 'not_found');
    expect(await as.admin.session.endOthers()).toEqual({ ended: 0 });
    await as.member.user.me();
    const { token } = await as.admin.keys.create({ name: 'a key' });
    const key = api.withKey(token);
    await expectRefusal(key.session.list(), 'permission_denied');
    await expectRefusal(key.session.endOthers(), 'permission_denied');
    await expectRefusal(key.session.end({ id: session?.id ?? '' }), 'permission_denied');
  });
});

describe('the audit log', () => {
  it('is filtered by who, by key, and by time', async () => {
    const { as, accounts } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'a key' });
    const before = new Date(api.clock() + 1).toISOString();
    api.clock.advance(60_000);
    await api.withKey(token).projects.create({ name: 'by key' });
    const list = async (input: Parameters<typeof as.admin.audit.list>[0]) =>
      (await as.admin.audit.list(input)).data.map(({ action }) => action);
    expect(await list({ keyId: key.id })).toEqual(['project.created', 'key.created']);
    expect(await list({ keyId: key.id, to: before })).toEqual(['key.created']);
    expect(await list({ from: before })).toEqual(['project.created']);
    expect(await list({ actorId: accounts.member.id, from: before })).toEqual(['project.created']);
    expect(await list({ actorId: accounts.viewer.id, from: before })).toEqual([]);
  });
});
