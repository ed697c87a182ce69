import { endOrphans, type Permission } from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { type Caller, createTestApi, type Tenant, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const HOUR = 3600_000;
const DAY = 24 * HOUR;
const HOME = '203.0.113.7';
const inFuture = (ms: number) => new Date(api.clock() + ms).toISOString();

type Made = Awaited<ReturnType<Caller['keys']['create']>>;
type ChildInput = Parameters<Caller['keys']['createChild']>[0];
const child = (change: Partial<ChildInput> = {}): ChildInput => ({
  name: 'child',
  scopes: ['projects:read'],
  expiresAt: inFuture(HOUR),
  ...change,
});
const delegate = ({ token }: Made, change: Partial<ChildInput> = {}): Promise<Made> =>
  api.withKey(token, { ip: HOME }).keys.createChild(child(change));
const use = ({ token }: Made, ip = HOME) => api.withKey(token, { ip }).projects.list();

const makeParent = async (
  tenant: Tenant,
  input: Partial<Parameters<Caller['keys']['create']>[0]> = {},
): Promise<Made> => tenant.as.admin.keys.create({ name: 'parent', ...input });

const setUp = async (input?: Partial<Parameters<Caller['keys']['create']>[0]>) => {
  const tenant = await api.createTenant('enterprise');
  return { tenant, admin: tenant.as.admin, parent: await makeParent(tenant, input) };
};

describe('a child key', () => {
  it('does what its scopes say, and shows where it comes from', async () => {
    const { admin, parent } = await setUp();
    const made = await delegate(parent, { scopes: ['projects:read', 'keys:delegate'] });
    expect(made.key).toMatchObject({ parentId: parent.key.id, status: 'active', scopesMode: 'enforce' });
    await use(made);
    await expectRefusal(api.withKey(made.token).projects.create({ name: 'p' }), 'permission_denied');
    const grandchild = await delegate(made);
    await use(grandchild);
    const { data } = await admin.keys.list({ parentId: parent.key.id });
    expect(data.map(({ id }) => id)).toEqual([made.key.id]);
    expect((await admin.keys.list({ parentId: parent.key.id, sort: 'name' })).data).toHaveLength(1);
    expect((await admin.keys.get({ id: parent.key.id })).parentId).toBeNull();
    const [event] = (await admin.audit.list({ targetId: made.key.id })).data;
    expect(event).toMatchObject({
      action: 'key.created',
      actor: { keyId: parent.key.id },
      changes: { parentId: { from: null, to: parent.key.id } },
    });
  });

  it('counts among the active keys of a standard account, however many ask at once', async () => {
    const tenant = await api.createTenant();
    const parent = await makeParent(tenant);
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => delegate(parent)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    await expectRefusal(delegate(parent), 'key_limit_reached');
    await expectRefusal(tenant.as.admin.keys.create({ name: 'k' }), 'key_limit_reached');
    expect((await tenant.as.admin.keys.list({ status: 'active' })).data).toHaveLength(5);
    await tenant.as.admin.keys.revoke({ id: parent.key.id });
    expect((await tenant.as.admin.keys.list({ status: 'active' })).data).toEqual([]);
    for (let n = 0; n < 5; n++) await tenant.as.admin.keys.create({ name: 'k' });
  });

  it('is one of a hundred that a key may have at a time, and makes room when it expires', async () => {
    const { parent } = await setUp();
    const outcomes = await Promise.allSettled(Array.from({ length: 104 }, () => delegate(parent)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
    await expectRefusal(delegate(parent), 'key_limit_reached');
    api.clock.advance(HOUR);
    await delegate(parent);
  });

  it('counts against the limits and credits of all that it comes from', async () => {
    const { admin, parent } = await setUp({
      limits: [{ name: 'daily', limit: 5, windowSeconds: 86_400 }],
      credits: { remaining: 100 },
    });
    const made = await delegate(parent, { limits: [{ name: 'daily', limit: 2, windowSeconds: 86_400 }] });
    await use(made);
    await use(made);
    expect((await expectRefusal(use(made), 'rate_limited')).limit).toBe('key:daily');
    const other = await delegate(parent, { credits: { remaining: 50 } });
    await use(other);
    expect((await expectRefusal(use(other), 'rate_limited')).limit).toBe('parent:daily');
    await expectRefusal(use(parent), 'rate_limited');
    // Of the parent: two children made, and three requests of theirs.
    expect((await admin.keys.get({ id: parent.key.id })).credits).toMatchObject({ remaining: 95 });
    expect((await admin.keys.get({ id: other.key.id })).credits).toMatchObject({ remaining: 49 });
    await admin.keys.update({ id: parent.key.id, limits: null });
    await admin.keys.credits({ id: parent.key.id, remaining: 0 });
    expect((await expectRefusal(use(other), 'credits_exhausted')).limit).toBe('parent:credits');
  });
});

describe('a child key is never more than its parent', () => {
  it('in scopes', async () => {
    const { parent } = await setUp({ scopes: ['keys:delegate', 'projects:read'] });
    for (const scope of ['projects:write', 'keys:read', 'keys:write', 'members:write'] as Permission[]) {
      await expectRefusal(delegate(parent, { scopes: ['projects:read', scope] }), 'permission_denied');
    }
    const { scopes: _scopes, ...unscoped } = child();
    await expectRefusal(api.withKey(parent.token).keys.createChild(unscoped as ChildInput), 'invalid_input');
  });

  it('in what would outlive it: neither keys nor accounts of its own', async () => {
    const { admin, parent } = await setUp();
    for (const scope of ['keys:write', 'members:write'] as const) {
      await expectRefusal(delegate(parent, { scopes: [scope] }), 'permission_denied');
    }
    const made = await delegate(parent);
    for (const change of [
      { scopes: ['keys:write'] as Permission[] },
      { scopes: null },
      { scopesMode: 'off' as const },
      { scopesMode: 'report' as const },
    ]) {
      const refused = await admin.keys
        .update({ id: made.key.id, ...change })
        .catch((error: unknown) => error);
      expect(refused, JSON.stringify(change)).toBeInstanceOf(Error);
    }
    expect((await admin.keys.get({ id: made.key.id })).scopes).toEqual(['projects:read']);
  });

  it('in time', async () => {
    const { admin, parent } = await setUp({ expiresAt: inFuture(2 * DAY) });
    await expectRefusal(delegate(parent, { expiresAt: inFuture(2 * DAY + 1) }), 'invalid_input');
    await expectRefusal(delegate(parent, { expiresAt: inFuture(-1) }), 'invalid_input');
    const made = await delegate(parent, { expiresAt: inFuture(2 * DAY) });
    await expectRefusal(admin.keys.update({ id: made.key.id, expiresAt: null }), 'invalid_input');
    await expectRefusal(
      admin.keys.update({ id: made.key.id, expiresAt: inFuture(3 * DAY) }),
      'invalid_input',
    );
    const endless = await setUp();
    await expectRefusal(delegate(endless.parent, { expiresAt: inFuture(32 * DAY) }), 'invalid_input');
    const { expiresAt: _expiresAt, ...unending } = child();
    await expectRefusal(
      api.withKey(endless.parent.token).keys.createChild(unending as ChildInput),
      'invalid_input',
    );
  });

  it('in addresses, given or inherited', async () => {
    const { admin, parent } = await setUp({ allowedIps: ['203.0.113.0/24'] });
    for (const allowedIps of [['203.0.112.0/23'], ['198.51.100.1'], ['203.0.113.7', '::/0']]) {
      await expectRefusal(delegate(parent, { allowedIps }), 'permission_denied');
    }
    const narrow = await delegate(parent, { allowedIps: [HOME] });
    const inherited = await delegate(parent);
    expect(inherited.key.allowedIps).toEqual(['203.0.113.0/24']);
    await use(narrow);
    await expectRefusal(use(narrow, '203.0.113.8'), 'ip_not_allowed');
    await expectRefusal(use(inherited, '198.51.100.1'), 'ip_not_allowed');
    await expectRefusal(admin.keys.update({ id: narrow.key.id, allowedIps: null }), 'permission_denied');
    await expectRefusal(
      admin.keys.update({ id: narrow.key.id, allowedIps: ['0.0.0.0/0'] }),
      'permission_denied',
    );
    await admin.keys.update({ id: parent.key.id, allowedIps: ['203.0.113.8'] });
    await expectRefusal(use(narrow), 'ip_not_allowed');
    await expectRefusal(use(inherited), 'ip_not_allowed');
    await use(inherited, '203.0.113.8');
  });

  it('in depth', async () => {
    const { parent } = await setUp();
    const scopes: Permission[] = ['keys:delegate', 'projects:read'];
    let deepest = parent;
    for (let depth = 0; depth < 3; depth++) deepest = await delegate(deepest, { scopes });
    await use(deepest);
    await expectRefusal(delegate(deepest), 'permission_denied');
  });

  it('and is made by a key alone, that may', async () => {
    const { tenant, admin } = await setUp();
    await expectRefusal(admin.keys.createChild(child()), 'permission_denied');
    await expectRefusal(admin.keys.children(), 'permission_denied');
    await expectRefusal(delegate(await makeParent(tenant, { scopes: ['keys:write'] })), 'permission_denied');
    const { as, accounts } = tenant;
    const ofMember = await as.member.keys.create({ name: 'k' });
    const made = await delegate(ofMember, { scopes: ['projects:read', 'projects:write'] });
    await expectRefusal(delegate(ofMember, { scopes: ['audit:read'] }), 'permission_denied');
    await as.admin.members.update({ id: accounts.member.id, role: 'viewer' });
    await expectRefusal(delegate(ofMember), 'permission_denied');
    await expectRefusal(api.withKey(made.token).projects.create({ name: 'p' }), 'permission_denied');
    await use(made);
  });

  it('nor than its organization’s policies let keys be', async () => {
    const { admin, parent } = await setUp();
    await admin.organization.update({ policies: { maxLifetimeDays: 1 } });
    await expectRefusal(delegate(parent, { expiresAt: inFuture(2 * DAY) }), 'policy_violation');
    await admin.organization.update({
      policies: { maxLifetimeDays: null, allowedScopes: ['keys:delegate', 'usage:read'] },
    });
    await expectRefusal(delegate(parent), 'policy_violation');
  });
});

describe('a key with keys:delegate alone', () => {
  it('sees and revokes what comes from it, and nothing else', async () => {
    const { tenant, admin, parent: other } = await setUp();
    const scopes: Permission[] = ['keys:delegate', 'projects:read'];
    const parent = await makeParent(tenant, { scopes });
    const caller = api.withKey(parent.token);
    const stranger = await delegate(other, { scopes });
    const made = await delegate(parent, { scopes });
    const grandchild = await delegate(made);
    expect((await caller.keys.children()).data.map(({ id }) => id)).toEqual([grandchild.key.id, made.key.id]);
    expect(
      await api
        .withKey(grandchild.token)
        .keys.children()
        .catch(() => null),
    ).toBeNull();
    await expectRefusal(caller.keys.list(), 'permission_denied');
    await expectRefusal(caller.keys.get({ id: made.key.id }), 'permission_denied');
    await expectRefusal(caller.keys.revoke({ id: made.key.id }), 'permission_denied');
    await expectRefusal(caller.keys.rotate({ id: made.key.id }), 'permission_denied');
    await expectRefusal(caller.keys.create({ name: 'k', scopes }), 'permission_denied');
    for (const id of [stranger.key.id, other.key.id, parent.key.id, 'key_of_nobody']) {
      await expectRefusal(caller.keys.revokeChild({ id }), 'not_found');
    }
    // A child neither reaches its parent nor its siblings.
    const sibling = await delegate(parent);
    for (const id of [parent.key.id, sibling.key.id]) {
      await expectRefusal(api.withKey(made.token).keys.revokeChild({ id }), 'not_found');
    }
    await caller.keys.revokeChild({ id: grandchild.key.id, reason: 'done' });
    await expectRefusal(use(grandchild), 'key_revoked');
    await expectRefusal(caller.keys.revokeChild({ id: grandchild.key.id }), 'already_revoked');
    const foreign = await setUp();
    await expectRefusal(api.withKey(foreign.parent.token).keys.revokeChild({ id: made.key.id }), 'not_found');
    expect((await caller.keys.children({ status: 'active', limit: 1 })).nextCursor).not.toBeNull();
    expect((await admin.keys.get({ id: made.key.id })).status).toBe('active');
  });
});

describe('what happens to a key happens to those that come from it', () => {
  const family = async (input?: Partial<Parameters<Caller['keys']['create']>[0]>) => {
    const made = await setUp(input);
    const first = await delegate(made.parent, { scopes: ['keys:delegate', 'projects:read'] });
    return { ...made, first, second: await delegate(first) };
  };

  it('revocation', async () => {
    const { admin, parent, first, second } = await family();
    const events = (await admin.audit.list({ limit: 200 })).data.length;
    await admin.keys.revoke({ id: parent.key.id });
    for (const key of [first, second]) {
      expect((await expectRefusal(use(key), 'key_revoked')).message).toContain('parent');
      expect(await admin.keys.get({ id: key.key.id })).toMatchObject({
        status: 'revoked',
        revokedReason: 'The key that it comes from was revoked',
      });
    }
    await expectRefusal(delegate(first), 'key_revoked');
    await endOrphans(api.database.stores, api.clock);
    const told = (await admin.audit.list({ limit: 200 })).data;
    expect(told.slice(0, told.length - events).map(({ action, target }) => [action, target.id])).toEqual(
      expect.arrayContaining([parent, first, second].map(({ key }) => ['key.revoked', key.id])),
    );
    expect(told).toHaveLength(events + 3);
  });

  it('revocation, also where the process dies before it has told the descendants', async () => {
    const { tenant, admin, parent, first, second } = await family();
    await api.database
      .raw('api_keys')
      .updateOne(
        { _id: parent.key.id as never },
        { $set: { status: 'revoked', slot: null, revokedAt: new Date(api.clock()) } },
      );
    await expectRefusal(use(second), 'key_revoked');
    expect((await admin.keys.get({ id: first.key.id })).status).toBe('revoked');
    expect((await api.stored(tenant, first.key.id))?.status).toBe('active');
    await Promise.all([1, 2, 3].map(() => endOrphans(api.database.stores, api.clock, 1)));
    await endOrphans(api.database.stores, api.clock, 1);
    expect((await api.stored(tenant, first.key.id))?.slot).toBeNull();
    expect((await admin.audit.list({ targetId: second.key.id, action: 'key.revoked' })).data).toHaveLength(1);
    // Nothing comes to it any more: after a while it is not looked at again.
    api.clock.advance(2 * HOUR);
    await endOrphans(api.database.stores, api.clock);
    expect(await api.stored(tenant, parent.key.id)).not.toHaveProperty('delegates');
  });

  it('expiry, also one that was brought forward', async () => {
    const { tenant, admin, parent, first, second } = await family();
    await admin.keys.update({ id: parent.key.id, expiresAt: inFuture(60_000) });
    await use(second);
    expect((await admin.keys.get({ id: second.key.id })).expiresAt).toBe(inFuture(60_000));
    api.clock.advance(60_000);
    for (const key of [first, second]) {
      expect((await expectRefusal(use(key), 'key_expired')).message).toContain('parent');
      expect((await admin.keys.get({ id: key.key.id })).status).toBe('expired');
    }
    await endOrphans(api.database.stores, api.clock);
    expect((await api.stored(tenant, second.key.id))?.expiresAt).toEqual(new Date(api.clock()));
    await expectRefusal(use(second), 'key_expired');
    await expectRefusal(
      admin.keys.update({ id: second.key.id, expiresAt: inFuture(HOUR) }),
      'already_expired',
    );
  });

  it('narrower scopes, wider ones not', async () => {
    const { admin, parent, first } = await family();
    await admin.keys.update({ id: parent.key.id, scopes: ['usage:read', 'keys:delegate'] });
    await expectRefusal(use(first), 'permission_denied');
    expect((await api.withKey(first.token).user.me()).permissions).toEqual(['keys:delegate']);
    await admin.keys.update({ id: parent.key.id, scopes: null });
    await use(first);
    await expectRefusal(api.withKey(first.token).usage.summary(), 'permission_denied');
  });

  it('but a rotation of its secret does not', async () => {
    const { admin, parent, first, second } = await family();
    await admin.keys.rotate({ id: parent.key.id, overlapSeconds: 0 });
    await use(second);
    // A child's own rotation keeps all its bounds.
    const rotated = await admin.keys.rotate({ id: first.key.id, overlapSeconds: 0 });
    expect(rotated.key).toMatchObject({ parentId: parent.key.id, expiresAt: first.key.expiresAt });
    await use(rotated);
    await admin.keys.revoke({ id: parent.key.id });
    await expectRefusal(use(rotated), 'key_revoked');
  });

  it('scopes in report mode are noted on the key whose they are', async () => {
    const { admin, parent } = await setUp({ scopes: ['keys:delegate'], scopesMode: 'report' });
    const made = await delegate(parent);
    await use(made);
    await api.domain.wouldRefuse.flush();
    expect((await admin.keys.get({ id: parent.key.id })).wouldRefuse).not.toBeNull();
    expect((await admin.keys.get({ id: made.key.id })).wouldRefuse).toBeNull();
  });

  it('and verification says so', async () => {
    const { admin, parent, second } = await family();
    const verify = () => admin.keys.verify({ token: second.token, ip: HOME, explain: true });
    const before = await verify();
    expect(before).toMatchObject({ valid: true, permissions: ['projects:read'] });
    expect(before.checks?.every(({ outcome }) => outcome === 'passed')).toBe(true);
    await api.database
      .raw('api_keys')
      .updateOne({ _id: parent.key.id as never }, { $set: { status: 'revoked' } });
    const { checks, code, valid } = await verify();
    expect({ code, valid }).toEqual({ code: 'key_revoked', valid: false });
    expect(checks?.filter(({ outcome }) => outcome === 'failed')).toMatchObject([
      { check: 'ancestors', code: 'key_revoked', values: { statuses: ['active', 'revoked'] } },
    ]);
  });
});

describe('a child that is made while its parent is revoked', () => {
  it('never works afterwards, and ends with it, whichever comes first', async () => {
    const { tenant, admin } = await setUp();
    for (let round = 0; round < 12; round++) {
      const parent = await makeParent(tenant);
      const creations = Array.from({ length: 6 }, () => delegate(parent).catch(() => null));
      await Promise.all(creations.slice(0, round % 3));
      await admin.keys.revoke({ id: parent.key.id });
      const made = (await Promise.all(creations)).filter((key) => key !== null);
      for (const key of made) await expectRefusal(use(key), 'key_revoked');
      await endOrphans(api.database.stores, api.clock);
      for (const { key } of made) {
        expect(await api.stored(tenant, key.id)).toMatchObject({ status: 'revoked', slot: null });
      }
    }
    const { data } = await admin.audit.list({ limit: 200, action: 'key.revoked' });
    expect(new Set(data.map(({ target }) => target.id)).size).toBe(data.length);
  });
});
