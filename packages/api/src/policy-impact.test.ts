import { DAY_MS, policyImpact, THROTTLES } from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const inDays = (days: number) => new Date(api.clock() + days * DAY_MS).toISOString();
const NOTHING = { revoked: 0, narrowed: 0, violating: 0, idle: 0, examples: [], complete: true };

describe('what a change of policies would hit', () => {
  it('is told by key, owner and reason, and nothing is changed by asking', async () => {
    const { as, accounts } = await api.createTenant();
    const unscoped = await as.member.keys.create({ name: 'unscoped' });
    const lasting = await as.admin.keys.create({
      name: 'lasting',
      scopes: ['projects:read', 'usage:read'],
      expiresAt: inDays(60),
    });
    const kept = await as.admin.keys.create({
      name: 'kept',
      scopes: ['projects:read'],
      expiresAt: inDays(10),
    });
    const gone = await as.admin.keys.create({ name: 'gone' });
    await as.admin.keys.revoke({ id: gone.key.id });
    const before = await as.admin.organization.get();
    const events = (await as.admin.audit.list({ limit: 200 })).data.length;

    const impact = await as.admin.organization.policyImpact({
      policies: { maxLifetimeDays: 30, allowedScopes: ['projects:read'], unscopedAllowed: false },
    });
    expect(impact).toMatchObject({
      checkedKeys: 3,
      complete: true,
      revoked: 0,
      narrowed: 2,
      violating: 2,
      idle: 0,
    });
    expect(impact.examples.map(({ id }) => id)).toEqual([lasting.key.id, unscoped.key.id]);
    expect(impact.examples.map(({ id }) => id)).not.toContain(kept.key.id);
    const [first, second] = impact.examples;
    expect(first).toMatchObject({ name: 'lasting', start: lasting.key.start, loses: ['usage:read'] });
    expect(first?.reasons.map(({ effect, policy }) => `${effect} ${policy}`)).toEqual([
      'narrowed allowedScopes',
      'violating maxLifetimeDays',
      'violating allowedScopes',
    ]);
    const { id, name, email } = accounts.member;
    expect(second?.owner).toEqual({ id, name, email });
    expect(second?.loses).toEqual([
      'projects:write',
      'keys:read',
      'keys:write',
      'keys:delegate',
      'usage:read',
    ]);
    expect(second?.reasons.map(({ policy }) => policy)).toEqual([
      'allowedScopes',
      'maxLifetimeDays',
      'unscopedAllowed',
    ]);

    expect(await as.admin.organization.get()).toEqual(before);
    expect((await as.admin.audit.list({ limit: 200 })).data).toHaveLength(events);
  });

  it('agrees with what the policies do once they are saved', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({ name: 'k' });
    const policies = { allowedScopes: ['projects:read' as const], expiryRequired: true };
    const { examples } = await as.admin.organization.policyImpact({ policies });
    await as.admin.organization.update({ policies });
    const { permissions } = await api.withKey(token).user.me();
    for (const lost of examples[0]?.loses ?? []) expect(permissions).not.toContain(lost);
    expect(permissions).toEqual(['projects:read']);
    await expectRefusal(as.admin.keys.rotate({ id: key.id }), 'policy_violation');
  });

  it('leaves out what the policies of today do already', async () => {
    const { as } = await api.createTenant();
    await as.admin.keys.create({ name: 'k' });
    await as.admin.organization.update({
      policies: { expiryRequired: true, allowedScopes: ['projects:read'] },
    });
    for (const policies of [
      {},
      { onLeak: 'flag' as const },
      { expiryRequired: true },
      { allowedScopes: ['projects:read' as const, 'usage:read' as const] },
    ]) {
      expect(await as.admin.organization.policyImpact({ policies })).toEqual({ ...NOTHING, checkedKeys: 1 });
    }
  });

  it('tells idle keys that would be revoked from those that would be shown, by their last use', async () => {
    const { as, accounts } = await api.createTenant();
    const idle = await as.member.keys.create({ name: 'idle' });
    const used = await as.member.keys.create({ name: 'used' });
    api.clock.advance(40 * DAY_MS);
    await api.withKey(used.token).user.me();
    await api.domain.recorder.flush();
    const admin = await api.signIn(accounts.admin.email);
    const flag = await admin.organization.policyImpact({ policies: { idleDays: 30 } });
    expect(flag).toMatchObject({ revoked: 0, idle: 1 });
    const disable = await admin.organization.policyImpact({
      policies: { idleDays: 30, idleAction: 'disable' },
    });
    expect(disable).toMatchObject({ revoked: 1, idle: 0 });
    expect(disable.examples).toMatchObject([
      { id: idle.key.id, reasons: [{ effect: 'revoked', policy: 'idleDays' }] },
    ]);
    // The other half of the rule was there before: it is still what ends the key.
    await admin.organization.update({ policies: { idleDays: 30 } });
    expect(await admin.organization.policyImpact({ policies: { idleAction: 'disable' } })).toMatchObject({
      revoked: 1,
    });
    expect(await admin.organization.policyImpact({ policies: { idleDays: 41 } })).toMatchObject({
      revoked: 0,
      idle: 0,
    });
  });

  it('shows the gravest first, ten at most, and stops where there are too many keys', async () => {
    const { as, accounts, organization } = await api.createTenant('enterprise');
    for (let count = 0; count < 12; count++) await as.admin.keys.create({ name: `unscoped ${count}` });
    api.clock.advance(2 * DAY_MS);
    const admin = await api.signIn(accounts.admin.email);
    await admin.keys.create({ name: 'young' });
    const change = { expiryRequired: true, idleDays: 1, idleAction: 'disable' } as const;
    const impact = await admin.organization.policyImpact({ policies: change });
    expect(impact).toMatchObject({ checkedKeys: 13, violating: 13, revoked: 12 });
    expect(impact.examples).toHaveLength(10);
    expect(impact.examples.map(({ name }) => name)).not.toContain('young');
    const { stores } = api.database;
    const bounds = { page: 5, maxKeys: 10 };
    expect(await policyImpact(stores, organization, change, api.clock, bounds)).toMatchObject({
      checkedKeys: 10,
      complete: false,
    });
    expect(await policyImpact(stores, organization, change, api.clock, { page: 5 })).toMatchObject({
      checkedKeys: 13,
      complete: true,
      counts: { violating: 13 },
    });
  });

  it('is not asked too often, since it looks at every key', async () => {
    const { as } = await api.createTenant();
    const other = await api.createTenant();
    const ask = (caller: typeof as.admin) => caller.organization.policyImpact({ policies: { idleDays: 30 } });
    for (let count = 0; count < THROTTLES.policyImpact.limit; count++) await ask(as.admin);
    const refusal = await expectRefusal(ask(as.admin), 'rate_limited');
    expect(refusal.retryAfterSeconds).toBeGreaterThan(0);
    await ask(other.as.admin);
  });

  it('is for admins, and shows a key no names that it may not see', async () => {
    const { as } = await api.createTenant();
    const { token } = await as.admin.keys.create({ name: 'policy bot', scopes: ['organization:write'] });
    const policies = { expiryRequired: true };
    const impact = await api.withKey(token).organization.policyImpact({ policies });
    expect(impact).toMatchObject({ violating: 1, examples: [] });
    for (const caller of [as.member, as.viewer]) {
      await expectRefusal(caller.organization.policyImpact({ policies }), 'permission_denied');
    }
    await expectRefusal(as.admin.organization.policyImpact({ policies: { idleDays: 0 } }), 'invalid_input');
  });
});
