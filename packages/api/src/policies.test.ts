import { DAY_MS, KaanaError, type PolicyName } from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kaanaErrorOf } from './errors.ts';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const inDays = (days: number) => new Date(api.clock() + days * DAY_MS).toISOString();

const expectViolation = async (doing: Promise<unknown>, policy: PolicyName) => {
  const error = await doing.catch((reason: unknown) => reason);
  const known = kaanaErrorOf(error);
  expect(known, String(error)).toBeInstanceOf(KaanaError);
  expect(known?.code).toBe('policy_violation');
  expect(known?.message).toContain(policy);
  expect(known?.errors?.map(({ message }) => message).join()).toContain(policy);
};

describe('the policies of an organization', () => {
  it('are none at first, are set one by one, and each change leaves one event with what was and what is', async () => {
    const { as } = await api.createTenant();
    const none = {
      maxLifetimeDays: null,
      expiryRequired: false,
      idleDays: null,
      idleAction: 'flag',
      allowedScopes: null,
      unscopedAllowed: true,
      onLeak: 'revoke',
    };
    expect((await as.viewer.organization.get()).policies).toEqual(none);
    await as.admin.organization.update({ policies: { maxLifetimeDays: 90 } });
    await as.admin.organization.update({
      policies: { allowedScopes: ['usage:read', 'projects:read', 'usage:read'] },
    });
    // Nothing new, so nothing is told.
    await as.admin.organization.update({ policies: { allowedScopes: ['projects:read', 'usage:read'] } });
    await as.admin.organization.update({ policies: {} });
    expect((await as.member.organization.get()).policies).toEqual({
      ...none,
      maxLifetimeDays: 90,
      allowedScopes: ['projects:read', 'usage:read'],
    });
    const { data } = await as.admin.audit.list({ action: 'organization.updated' });
    expect(data.map(({ changes }) => changes)).toEqual([
      { allowedScopes: { from: null, to: ['projects:read', 'usage:read'] } },
      { maxLifetimeDays: { from: null, to: 90 } },
    ]);
  });

  it('are both heard where two admins set different ones at once', async () => {
    const { as } = await api.createTenant();
    await Promise.all([
      as.admin.organization.update({ policies: { idleDays: 30 } }),
      as.admin.organization.update({ policies: { expiryRequired: true }, name: `N ${Math.random()}` }),
    ]);
    expect((await as.admin.organization.get()).policies).toMatchObject({
      idleDays: 30,
      expiryRequired: true,
    });
  });

  it('are set by admins alone, and make sense', async () => {
    const { as } = await api.createTenant();
    await expectRefusal(as.member.organization.update({ policies: { idleDays: 30 } }), 'permission_denied');
    for (const policies of [
      { idleDays: 0 },
      { maxLifetimeDays: 1.5 },
      { maxLifetimeDays: 4_000 },
      { allowedScopes: [] },
      { idleDay: 3 } as object,
    ]) {
      await expectRefusal(as.admin.organization.update({ policies }), 'invalid_input');
    }
  });
});

describe('a policy on expiry', () => {
  it('is asked of what is made, changed and rotated, and not of what nobody touches', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'from before' });
    await as.admin.organization.update({ policies: { maxLifetimeDays: 30 } });
    await api.withKey(token).user.me();
    expect(await as.member.keys.get({ id: key.id })).toMatchObject({ status: 'active', expiresAt: null });

    await expectViolation(as.member.keys.create({ name: 'k' }), 'maxLifetimeDays');
    await expectViolation(as.member.keys.create({ name: 'k', expiresAt: inDays(31) }), 'maxLifetimeDays');
    await as.member.keys.create({ name: 'k', expiresAt: inDays(30) });

    await as.member.keys.update({ id: key.id, name: 'renamed all the same' });
    await expectViolation(as.member.keys.rotate({ id: key.id }), 'maxLifetimeDays');
    await expectViolation(as.member.keys.update({ id: key.id, expiresAt: inDays(31) }), 'maxLifetimeDays');
    await as.member.keys.update({ id: key.id, expiresAt: inDays(30) });
    await as.member.keys.rotate({ id: key.id, overlapSeconds: 0 });
    await expectViolation(as.member.keys.update({ id: key.id, expiresAt: null }), 'maxLifetimeDays');
  });

  it('lets a key live on by rotation, and not by moving its expiry again and again', async () => {
    const { as, accounts } = await api.createTenant();
    await as.admin.organization.update({ policies: { maxLifetimeDays: 30 } });
    const { key } = await as.member.keys.create({ name: 'k', expiresAt: inDays(30) });
    api.clock.advance(20 * DAY_MS);
    const member = await api.signIn(accounts.member.email);
    await expectViolation(member.keys.update({ id: key.id, expiresAt: inDays(30) }), 'maxLifetimeDays');
    await member.keys.rotate({ id: key.id, overlapSeconds: 0 });
    await member.keys.update({ id: key.id, expiresAt: inDays(30) });
  });

  it('may ask for any expiry', async () => {
    const { as } = await api.createTenant();
    await as.admin.organization.update({ policies: { expiryRequired: true } });
    await expectViolation(as.admin.keys.create({ name: 'k' }), 'expiryRequired');
    await as.admin.keys.create({ name: 'k', expiresAt: inDays(3_000) });
  });
});

describe('a policy on scopes', () => {
  it('narrows every key at once, and leaves people what they may do', async () => {
    const { as } = await api.createTenant();
    const unscoped = await as.admin.keys.create({ name: 'unscoped' });
    const scoped = await as.admin.keys.create({ name: 'scoped', scopes: ['members:read', 'projects:read'] });
    await api.withKey(unscoped.token).members.list();
    await as.admin.organization.update({ policies: { allowedScopes: ['projects:read', 'keys:write'] } });
    for (const { token } of [unscoped, scoped]) {
      expect((await api.withKey(token).user.me()).permissions).not.toContain('members:read');
      const refusal = await expectRefusal(api.withKey(token).members.list(), 'permission_denied');
      expect(refusal.message).toContain('allowedScopes');
      await api.withKey(token).projects.list();
    }
    await as.admin.members.list();
    // What is taken back comes back: nothing was changed in the keys.
    await as.admin.organization.update({ policies: { allowedScopes: null } });
    await api.withKey(scoped.token).members.list();
  });

  it('is asked of what is made and changed', async () => {
    const { as } = await api.createTenant();
    const before = await as.admin.keys.create({ name: 'unscoped' });
    await as.admin.organization.update({
      policies: { allowedScopes: ['projects:read', 'projects:write'], unscopedAllowed: false },
    });
    await expectViolation(as.admin.keys.create({ name: 'k' }), 'unscopedAllowed');
    await expectViolation(as.admin.keys.create({ name: 'k', scopes: ['usage:read'] }), 'allowedScopes');
    const { key } = await as.admin.keys.create({ name: 'k', scopes: ['projects:read'] });
    await expectViolation(as.admin.keys.update({ id: key.id, scopes: null }), 'unscopedAllowed');
    await expectViolation(as.admin.keys.update({ id: key.id, scopes: ['usage:read'] }), 'allowedScopes');
    await expectViolation(as.admin.keys.rotate({ id: before.key.id }), 'unscopedAllowed');
  });

  it('lets a key that may make keys make and rotate unscoped ones, which the policy cuts as it does itself', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({ name: 'k' });
    await as.admin.organization.update({ policies: { allowedScopes: ['projects:read', 'keys:write'] } });
    const made = await api.withKey(token).keys.create({ name: 'made by a key' });
    expect((await api.withKey(made.token).user.me()).permissions).toEqual(['projects:read', 'keys:write']);
    await api.withKey(token).keys.rotate({ id: key.id });
  });
});
