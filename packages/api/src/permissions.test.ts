import { PERMISSIONS, type Permission, ROLE_TABLE, ROLES } from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

describe('a key inherits the permissions of its owner, as they are now', () => {
  it.each(ROLES)('%s', async (role) => {
    const { as, accounts } = await api.createTenant();
    await as.admin.members.update({ id: accounts.viewer.id, role: 'member' });
    const { token } = await as.viewer.keys.create({ name: 'k' });
    await as.admin.members.update({ id: accounts.viewer.id, role });
    const me = await api.withKey(token).user.me();
    expect(me.permissions).toEqual(ROLE_TABLE[role].permissions);
    expect(me.role).toBe(role);
  });

  it('narrows with the next request after the role does', async () => {
    const { as, accounts } = await api.createTenant();
    const { token } = await as.member.keys.create({ name: 'k' });
    await api.withKey(token).projects.create({ name: 'p' });
    await as.admin.members.update({ id: accounts.member.id, role: 'viewer' });
    await expectRefusal(api.withKey(token).projects.create({ name: 'p' }), 'permission_denied');
    await api.withKey(token).projects.list();
  });

  it('stops with the next request after the account is deactivated, and works again when it is reactivated', async () => {
    const { as, accounts } = await api.createTenant();
    const { token } = await as.member.keys.create({ name: 'k' });
    await as.admin.members.update({ id: accounts.member.id, status: 'deactivated' });
    await expectRefusal(api.withKey(token).user.me(), 'account_inactive');
    await expectRefusal(as.member.user.me(), 'session_invalid');
    await expectRefusal(api.signIn(accounts.member.email), 'account_inactive');
    await as.admin.members.update({ id: accounts.member.id, status: 'active' });
    await api.withKey(token).user.me();
    await expectRefusal(as.member.user.me(), 'session_invalid');
  });
});

describe('whoever makes a key cannot give it more than they have', () => {
  const scoped = async (scopes: Permission[]) => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({ name: 'scoped', scopes });
    return { as, key, caller: api.withKey(token) };
  };

  it('makes only keys scoped within its own scopes', async () => {
    const { caller } = await scoped(['keys:write', 'projects:read']);
    const { key } = await caller.keys.create({ name: 'child', scopes: ['projects:read'] });
    expect(key.scopes).toEqual(['projects:read']);
    await expectRefusal(
      caller.keys.create({ name: 'wider', scopes: ['projects:write'] }),
      'permission_denied',
    );
    await expectRefusal(caller.keys.create({ name: 'unscoped' }), 'permission_denied');
  });

  it('cannot widen itself or another key', async () => {
    const { as, key, caller } = await scoped(['keys:write', 'keys:read']);
    const { key: other } = await as.admin.keys.create({ name: 'other', scopes: ['projects:read'] });
    for (const id of [key.id, other.id]) {
      await expectRefusal(caller.keys.update({ id, scopes: null }), 'permission_denied');
      await expectRefusal(caller.keys.update({ id, scopes: ['members:write'] }), 'permission_denied');
    }
  });

  it('cannot get hold of a wider key by rotating it', async () => {
    const { as, caller } = await scoped(['keys:write', 'keys:read']);
    const { key: wider } = await as.admin.keys.create({ name: 'wider' });
    await expectRefusal(caller.keys.rotate({ id: wider.id }), 'permission_denied');
  });

  it('cannot make accounts or roles that may more', async () => {
    const { as, caller } = await scoped(['members:write', 'projects:read', 'keys:read', 'usage:read']);
    const [, member] = (await as.admin.members.list()).data;
    const id = member?.id ?? '';
    for (const role of ['admin', 'member'] as const) {
      await expectRefusal(
        caller.members.invite({ email: `${role}@x.test`, name: 'x', role }),
        'permission_denied',
      );
    }
    await expectRefusal(caller.members.update({ id, role: 'admin' }), 'permission_denied');
    const { member: viewer } = await caller.members.invite({
      email: `v${Date.now()}@x.test`,
      name: 'v',
      role: 'viewer',
    });
    expect(viewer.role).toBe('viewer');
  });

  it('asks for each permission: a key with one scope can do what that scope says, and no more', async () => {
    const { as } = await api.createTenant('enterprise');
    const project = await as.admin.projects.create({ name: 'p' });
    const attempts: [Permission, (caller: ReturnType<TestApi['withKey']>) => Promise<unknown>][] = [
      ['projects:read', (caller) => caller.projects.get({ id: project.id })],
      ['projects:write', (caller) => caller.projects.update({ id: project.id, name: `p${Math.random()}` })],
      ['keys:read', (caller) => caller.keys.list()],
      ['keys:verify', (caller) => caller.keys.verify({ token: 'x' })],
      ['members:read', (caller) => caller.members.list()],
      ['usage:read', (caller) => caller.usage.summary()],
      ['audit:read', (caller) => caller.audit.list()],
      ['organization:write', (caller) => caller.organization.update({ name: `Renamed ${Math.random()}` })],
      ['keys:write', (caller) => caller.keys.create({ name: 'k', scopes: ['keys:write'] })],
    ];
    for (const scope of PERMISSIONS) {
      const { token } = await as.admin.keys.create({ name: scope, scopes: [scope] });
      const caller = api.withKey(token);
      for (const [needed, attempt] of attempts) {
        if (needed === scope) await attempt(caller);
        else await expectRefusal(attempt(caller), 'permission_denied');
      }
    }
  });
});

describe('keys of others', () => {
  it('are an admin’s to see and revoke, and nobody else’s', async () => {
    const { as } = await api.createTenant();
    const { key } = await as.member.keys.create({ name: 'k' });
    const { key: adminKey } = await as.admin.keys.create({ name: 'k' });
    expect((await as.admin.keys.list()).data).toHaveLength(2);
    expect((await as.member.keys.list()).data.map(({ id }) => id)).toEqual([key.id]);
    expect((await as.viewer.keys.list()).data).toEqual([]);
    await expectRefusal(as.member.keys.get({ id: adminKey.id }), 'not_found');
    await expectRefusal(as.member.keys.revoke({ id: adminKey.id }), 'not_found');
    await expectRefusal(as.member.usage.summary({ keyId: adminKey.id }), 'not_found');
    await as.admin.keys.revoke({ id: key.id });
  });
});

describe('roles in the app', () => {
  it('lets a viewer read and not write', async () => {
    const { as } = await api.createTenant();
    const project = await as.member.projects.create({ name: 'p' });
    expect((await as.viewer.projects.list()).data).toHaveLength(1);
    await expectRefusal(as.viewer.projects.create({ name: 'p' }), 'permission_denied');
    await expectRefusal(as.viewer.projects.update({ id: project.id, name: 'q' }), 'permission_denied');
    await expectRefusal(as.viewer.projects.delete({ id: project.id }), 'permission_denied');
    await expectRefusal(as.member.members.list(), 'permission_denied');
    await expectRefusal(as.member.audit.list(), 'permission_denied');
    await expectRefusal(as.member.organization.update({ name: 'x' }), 'permission_denied');
  });

  it('keeps an active admin, also when two admins remove each other at once', async () => {
    const { as, accounts } = await api.createTenant();
    await expectRefusal(as.admin.members.update({ id: accounts.admin.id, role: 'member' }), 'last_admin');
    await expectRefusal(
      as.admin.members.update({ id: accounts.admin.id, status: 'deactivated' }),
      'last_admin',
    );
    for (let round = 0; round < 10; round++) {
      const fresh = await api.createTenant();
      await fresh.as.admin.members.update({ id: fresh.accounts.member.id, role: 'admin' });
      await Promise.allSettled([
        fresh.as.admin.members.update({ id: fresh.accounts.member.id, status: 'deactivated' }),
        fresh.as.member.members.update({ id: fresh.accounts.admin.id, role: 'viewer' }),
      ]);
      expect(await api.database.stores.accounts.countActiveAdmins(fresh.organization.id)).toBeGreaterThan(0);
    }
  });
});
