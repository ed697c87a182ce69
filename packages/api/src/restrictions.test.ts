import type { Permission } from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const HOME = '203.0.113.7';
const AWAY = '198.51.100.1';
const allowedIps = ['203.0.113.0/24'];
const scopes: Permission[] = ['projects:read'];

describe('a list in mode "report"', () => {
  it('lets everything pass that its owner may do, and says what the scopes would have refused', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'k', scopes, scopesMode: 'report' });
    expect(key).toMatchObject({ scopes, scopesMode: 'report', allowedIpsMode: 'off', wouldRefuse: null });
    const caller = api.withKey(token);
    expect((await caller.user.me()).permissions).toContain('projects:write');
    await caller.projects.list();
    await caller.projects.create({ name: 'p' });
    api.clock.advance(1_000);
    await caller.projects.create({ name: 'q' });
    await caller.usage.summary();
    // What the role does not have is refused as ever, and nothing that the scopes would do.
    await expectRefusal(caller.members.list(), 'permission_denied');
    await api.domain.wouldRefuse.flush();
    const now = new Date(api.clock()).toISOString();
    expect(await as.member.keys.wouldRefuse({ id: key.id })).toEqual({
      keyId: key.id,
      scopes: {
        mode: 'report',
        since: key.createdAt,
        count: 3,
        entries: [
          { permission: 'projects:write', count: 2, firstAt: key.createdAt, lastAt: now },
          { permission: 'usage:read', count: 1, firstAt: now, lastAt: now },
        ],
      },
      allowedIps: { mode: 'off', since: key.createdAt, count: 0, entries: [], others: null },
    });
    expect((await as.member.keys.list()).data[0]?.wouldRefuse).toEqual({ count: 3, lastAt: now });
    expect((await as.admin.keys.get({ id: key.id })).wouldRefuse).toEqual({ count: 3, lastAt: now });
  });

  it('lets every address pass, and says which would have been refused', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'k', allowedIps, allowedIpsMode: 'report' });
    for (const ip of [HOME, AWAY, AWAY]) await api.withKey(token, { ip }).user.me();
    await api.domain.wouldRefuse.flush();
    expect((await as.member.keys.wouldRefuse({ id: key.id })).allowedIps).toMatchObject({
      mode: 'report',
      count: 2,
      entries: [{ ip: AWAY, count: 2 }],
      others: null,
    });
  });

  it('says what the list of today would refuse, and since when that is so', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({ name: 'k', scopes, scopesMode: 'report' });
    await api.withKey(token).usage.summary();
    await api.withKey(token).members.list();
    await api.domain.wouldRefuse.flush();
    api.clock.advance(5_000);
    const wider: Permission[] = [...scopes, 'usage:read'];
    expect(await as.admin.keys.update({ id: key.id, scopes: wider })).toMatchObject({
      scopesMode: 'report',
      wouldRefuse: { count: 1 },
    });
    const { scopes: report } = await as.admin.keys.wouldRefuse({ id: key.id });
    expect(report).toMatchObject({ count: 1, entries: [{ permission: 'members:read' }] });
    expect(report.since).toBe(new Date(api.clock()).toISOString());
    // Another field leaves it.
    api.clock.advance(5_000);
    await as.admin.keys.update({ id: key.id, name: 'renamed' });
    expect((await as.admin.keys.wouldRefuse({ id: key.id })).scopes.since).toBe(report.since);
  });

  it('counts what a key hands out beyond its scopes', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({
      name: 'k',
      scopes: ['keys:write', 'members:write'],
      scopesMode: 'report',
    });
    await api.withKey(token).keys.create({ name: 'child', scopes });
    await api.withKey(token).members.invite({ email: `v${Math.random()}@x.test`, name: 'v', role: 'viewer' });
    await api.domain.wouldRefuse.flush();
    const { entries } = (await as.admin.keys.wouldRefuse({ id: key.id })).scopes;
    expect(entries.map(({ permission, count }) => [permission, count])).toEqual(
      expect.arrayContaining([
        ['projects:read', 2],
        ['keys:read', 1],
        ['usage:read', 1],
      ]),
    );
  });

  it('counts nothing while it is off or enforced', async () => {
    const { as } = await api.createTenant();
    for (const mode of ['off', 'enforce'] as const) {
      const { key, token } = await as.member.keys.create({
        name: mode,
        scopes,
        scopesMode: mode,
        allowedIps,
        allowedIpsMode: mode,
      });
      const call = api.withKey(token, { ip: AWAY }).usage.summary();
      if (mode === 'off') await call;
      else await expectRefusal(call, 'ip_not_allowed');
      await api.domain.wouldRefuse.flush();
      expect(await as.member.keys.wouldRefuse({ id: key.id })).toMatchObject({
        scopes: { mode, count: 0 },
        allowedIps: { mode, count: 0 },
      });
    }
  });
});

describe('suggested scopes', () => {
  it('are what the key was used for, through us and through services that verify it', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'k' });
    expect(await as.member.keys.suggestScopes({ id: key.id })).toMatchObject({
      suggested: null,
      enough: false,
      observedSince: null,
      requests: 0,
    });
    const caller = api.withKey(token);
    await caller.projects.list();
    await expectRefusal(caller.members.list(), 'permission_denied');
    await as.admin.keys.verify({ token, permissions: ['usage:read'] });
    // Only asked: no use.
    await as.admin.keys.verify({ token, permissions: ['projects:write'], cost: 0 });
    await api.domain.recorder.flush();
    const used = new Date(api.clock()).toISOString();
    api.clock.advance(1_000);
    expect(await as.member.keys.suggestScopes({ id: key.id })).toMatchObject({
      keyId: key.id,
      suggested: ['projects:read', 'usage:read'],
      enough: false,
      observedSince: used,
      observedDays: 0,
      requests: 2,
      scopes: null,
      scopesMode: 'off',
      permissions: [
        { permission: 'projects:read', lastUsedAt: used },
        { permission: 'projects:write', lastUsedAt: null },
        { permission: 'keys:read', lastUsedAt: null },
        { permission: 'keys:write', lastUsedAt: null },
        { permission: 'keys:delegate', lastUsedAt: null },
        { permission: 'usage:read', lastUsedAt: used },
      ],
    });
    // What is suggested can be taken as it is, and refuses nothing of what was seen.
    const { suggested } = await as.member.keys.suggestScopes({ id: key.id });
    await as.member.keys.update({ id: key.id, scopes: suggested });
    await caller.projects.list();
    await expectRefusal(caller.keys.list(), 'permission_denied');
  });
});

describe('a change of mode', () => {
  it('narrows with the next request, and widens with the next request', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({
      name: 'k',
      scopes,
      scopesMode: 'report',
      allowedIps,
      allowedIpsMode: 'report',
    });
    const away = api.withKey(token, { ip: AWAY });
    const home = api.withKey(token, { ip: HOME });
    await away.usage.summary();
    await as.member.keys.update({ id: key.id, allowedIpsMode: 'enforce' });
    await expectRefusal(away.usage.summary(), 'ip_not_allowed');
    await home.usage.summary();
    await as.member.keys.update({ id: key.id, scopesMode: 'enforce' });
    await expectRefusal(home.usage.summary(), 'permission_denied');
    await home.projects.list();
    await as.member.keys.update({ id: key.id, scopesMode: 'off', allowedIpsMode: 'off' });
    await away.usage.summary();
  });

  it('is in the audit log, with before and after', async () => {
    const { as } = await api.createTenant();
    const { key } = await as.member.keys.create({ name: 'k', scopes });
    await as.member.keys.update({ id: key.id, scopesMode: 'report' });
    const { data } = await as.admin.audit.list({ targetId: key.id });
    expect(data.map(({ changes }) => changes)).toMatchObject([
      { scopesMode: { from: 'enforce', to: 'report' } },
      { scopes: { from: null, to: scopes }, scopesMode: { from: null, to: 'enforce' } },
    ]);
    expect(Object.keys(data[0]?.changes ?? {})).toEqual(['scopesMode']);
  });

  it('needs a list', async () => {
    const { as } = await api.createTenant();
    await expectRefusal(as.member.keys.create({ name: 'k', scopesMode: 'report' }), 'invalid_input');
    const { key } = await as.member.keys.create({ name: 'k' });
    await expectRefusal(as.member.keys.update({ id: key.id, allowedIpsMode: 'enforce' }), 'invalid_input');
    expect(await as.member.keys.update({ id: key.id, allowedIps })).toMatchObject({
      allowedIpsMode: 'enforce',
    });
  });
});

describe('whoever may not give a key without scopes', () => {
  const scoped = async () => {
    const { as } = await api.createTenant('enterprise');
    const held: Permission[] = ['keys:write', 'keys:read', 'projects:read'];
    const { key, token } = await as.admin.keys.create({ name: 'scoped', scopes: held });
    return { as, key, caller: api.withKey(token) };
  };

  it('makes no key whose scopes are not enforced', async () => {
    const { caller } = await scoped();
    for (const scopesMode of ['off', 'report'] as const)
      await expectRefusal(caller.keys.create({ name: 'k', scopes, scopesMode }), 'permission_denied');
  });

  it('takes the enforcement from no key, itself included', async () => {
    const { as, key, caller } = await scoped();
    const { key: other } = await as.admin.keys.create({ name: 'other', scopes });
    for (const id of [key.id, other.id]) {
      for (const scopesMode of ['off', 'report'] as const) {
        await expectRefusal(caller.keys.update({ id, scopesMode }), 'permission_denied');
        await expectRefusal(caller.keys.update({ id, scopes, scopesMode }), 'permission_denied');
      }
    }
  });

  it('may enforce, and gets no hold of a key whose scopes are only reported', async () => {
    const { as, caller } = await scoped();
    const { key } = await as.admin.keys.create({ name: 'k', scopes, scopesMode: 'report' });
    await expectRefusal(caller.keys.rotate({ id: key.id }), 'permission_denied');
    // The list stays in the mode that it has: such a key could do all.
    await expectRefusal(caller.keys.update({ id: key.id, scopes }), 'permission_denied');
    expect(await caller.keys.update({ id: key.id, scopesMode: 'enforce' })).toMatchObject({
      scopesMode: 'enforce',
    });
    await caller.keys.rotate({ id: key.id });
  });
});

describe('a key that is held to some addresses', () => {
  it('makes, changes and rotates only keys that are held to them too', async () => {
    const { as } = await api.createTenant('enterprise');
    const { key, token } = await as.admin.keys.create({ name: 'k', allowedIps });
    const caller = api.withKey(token, { ip: HOME });
    const { key: other } = await as.admin.keys.create({ name: 'other' });
    for (const wider of [undefined, ['203.0.0.0/16'], ['::/0'], [...allowedIps, AWAY]])
      await expectRefusal(caller.keys.create({ name: 'child', allowedIps: wider }), 'permission_denied');
    const reported = { name: 'child', allowedIps, allowedIpsMode: 'report' } as const;
    await expectRefusal(caller.keys.create(reported), 'permission_denied');
    await caller.keys.create({ name: 'child', allowedIps: [HOME] });
    for (const change of [
      { allowedIps: null },
      { allowedIpsMode: 'off' },
      { allowedIpsMode: 'report' },
    ] as const)
      await expectRefusal(caller.keys.update({ id: key.id, ...change }), 'permission_denied');
    await expectRefusal(caller.keys.rotate({ id: other.id }), 'permission_denied');
    await caller.keys.update({ id: other.id, allowedIps });
    await caller.keys.rotate({ id: other.id });
    await caller.keys.update({ id: key.id, name: 'renamed', allowedIps: [HOME] });
  });
});

describe('a key of before, stored without modes', () => {
  it('has its lists enforced, in the list as at the door', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'k', scopes, allowedIps });
    const fields = { scopesMode: 1, scopesChangedAt: 1, allowedIpsMode: 1, allowedIpsChangedAt: 1 };
    await api.database.raw('api_keys').updateOne({ _id: key.id as never }, { $unset: fields });
    await expectRefusal(api.withKey(token, { ip: AWAY }).projects.list(), 'ip_not_allowed');
    await expectRefusal(api.withKey(token, { ip: HOME }).usage.summary(), 'permission_denied');
    await api.withKey(token, { ip: HOME }).projects.list();
    const shown = await as.member.keys.get({ id: key.id });
    expect(shown).toMatchObject({ scopesMode: 'enforce', allowedIpsMode: 'enforce' });
    expect((await as.member.keys.wouldRefuse({ id: key.id })).scopes.since).toBe(key.createdAt);
    expect(await as.member.keys.update({ id: key.id, scopesMode: 'report' })).toMatchObject({
      scopesMode: 'report',
    });
  });
});
