import { createHash, randomBytes } from 'node:crypto';
import { DAY_MS, KaanaError } from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type Tenant, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const HOUR = 3600;
const me = (token: string) => api.withKey(token).user.me();
const isServed = (...tokens: string[]) => Promise.all(tokens.map(me));
const actions = async ({ as }: Pick<Tenant, 'as'>, keyId: string) =>
  (await as.admin.audit.list({ targetId: keyId })).data.map(({ action }) => action).toReversed();

const startRotation = async (input: { overlapSeconds?: number; overlapBegins?: 'firstUse' | 'now' } = {}) => {
  const tenant = await api.createTenant();
  const { as } = tenant;
  const { key, token: old } = await as.member.keys.create({ name: 'k' });
  const rotated = await as.member.keys.rotate({ id: key.id, ...input });
  return { ...tenant, id: key.id, old, fresh: rotated.token, rotated: rotated.key, keys: as.member.keys };
};

describe('an overlap that begins with the first use', () => {
  it('lets the old secret work for as long as nobody uses the new one, and from then on for the overlap', async () => {
    const rotation = await startRotation({ overlapSeconds: HOUR });
    const { keys, id, old, fresh } = rotation;
    expect(rotation.rotated.secrets).toMatchObject([
      { unused: true, expiresAt: null, expiresAfterFirstUseSeconds: null },
      { unused: false, expiresAt: null, expiresAfterFirstUseSeconds: HOUR },
    ]);
    api.clock.advance(10 * HOUR * 1000);
    await isServed(old);
    await isServed(fresh, fresh, fresh);
    const ends = new Date(api.clock() + HOUR * 1000).toISOString();
    expect((await keys.get({ id })).secrets).toMatchObject([
      { unused: false, expiresAt: null },
      { unused: false, expiresAt: ends, expiresAfterFirstUseSeconds: null },
    ]);
    api.clock.advance(HOUR * 1000 - 1);
    await isServed(old, fresh);
    api.clock.advance(1);
    await expectRefusal(me(old), 'key_expired');
    await isServed(fresh);
    expect(await actions(rotation, id)).toEqual(['key.created', 'key.rotated', 'key.new_secret_used']);
  });

  it('may be 0: the old secret stops with the first use of the new one', async () => {
    const { old, fresh } = await startRotation({ overlapSeconds: 0, overlapBegins: 'firstUse' });
    await isServed(old);
    await isServed(fresh);
    await expectRefusal(me(old), 'key_expired');
  });

  it('never outlives the key, not even one whose expiry is moved meanwhile', async () => {
    const { as } = await api.createTenant();
    const expiresAt = new Date(api.clock() + DAY_MS).toISOString();
    const { key, token } = await as.member.keys.create({ name: 'k', expiresAt });
    const { token: fresh } = await as.member.keys.rotate({ id: key.id, overlapSeconds: 30 * 24 * HOUR });
    await as.member.keys.update({ id: key.id, expiresAt: null });
    await isServed(fresh, token);
    expect((await as.member.keys.get({ id: key.id })).secrets[1]?.expiresAt).toBe(expiresAt);
    api.clock.advance(DAY_MS);
    await expectRefusal(me(token), 'key_expired');
    await isServed(fresh);
  });

  it('is begun by a verification that counts, and by none that only asks, explains or may not know', async () => {
    const rotation = await startRotation({ overlapSeconds: HOUR });
    const { as, keys, id, fresh } = rotation;
    const stranger = await api.createTenant();
    const isUnused = async () => (await keys.get({ id })).secrets[0]?.unused;
    expect(await as.admin.keys.verify({ token: fresh, cost: 0 })).toMatchObject({ valid: true });
    expect(await as.admin.keys.verify({ token: fresh, explain: true })).toMatchObject({ valid: true });
    expect(await stranger.as.admin.keys.verify({ token: fresh })).toMatchObject({ code: 'key_unknown' });
    await as.admin.keys.get({ id });
    await api.anonymous().keys.leaked({ token: 'nonsense' });
    expect(await isUnused()).toBe(true);
    const { data } = await as.admin.keys.verifyMany({ tokens: [{ token: fresh }, { token: fresh }] });
    expect(data.map(({ valid }) => valid)).toEqual([true, true]);
    expect(await isUnused()).toBe(false);
    expect(await actions(rotation, id)).toEqual(['key.created', 'key.rotated', 'key.new_secret_used']);
  });

  it('is not begun by a request that is refused for where it comes from, or whose owner is away', async () => {
    const { as, accounts } = await api.createTenant();
    const { key } = await as.member.keys.create({ name: 'k', allowedIps: ['192.0.2.1'] });
    const { token } = await as.member.keys.rotate({ id: key.id });
    const isUnused = async () => (await as.admin.keys.get({ id: key.id })).secrets[0]?.unused;
    await expectRefusal(me(token), 'ip_not_allowed');
    await as.admin.members.update({ id: accounts.member.id, status: 'deactivated' });
    await expectRefusal(api.withKey(token, { ip: '192.0.2.1' }).user.me(), 'account_inactive');
    expect(await isUnused()).toBe(true);
    await as.admin.members.update({ id: accounts.member.id, status: 'active' });
    await api.withKey(token, { ip: '192.0.2.1' }).user.me();
    expect(await isUnused()).toBe(false);
    const [event] = (await as.admin.audit.list({ targetId: key.id })).data;
    expect(event).toMatchObject({
      action: 'key.new_secret_used',
      actor: { type: 'key', id: accounts.member.id, keyId: key.id },
      ip: '192.0.2.1',
    });
  });
});

describe('an overlap that begins at once', () => {
  it('ends at its time, used or not, and 0 is at once', async () => {
    const { old, fresh, rotated } = await startRotation({ overlapSeconds: HOUR, overlapBegins: 'now' });
    const ends = new Date(api.clock() + HOUR * 1000).toISOString();
    expect(rotated.secrets).toMatchObject([
      { unused: true },
      { expiresAt: ends, expiresAfterFirstUseSeconds: null },
    ]);
    api.clock.advance(HOUR * 1000);
    await expectRefusal(me(old), 'key_expired');
    await isServed(fresh);
    const atOnce = await startRotation({ overlapSeconds: 0 });
    expect(atOnce.rotated.secrets).toMatchObject([{ unused: false }, { unused: false }]);
    await expectRefusal(me(atOnce.old), 'key_expired');
    await isServed(atOnce.fresh);
    await isServed((await atOnce.keys.rotate({ id: atOnce.id })).token);
  });

  it('is at once by every clock', async () => {
    const { old } = await startRotation({ overlapSeconds: 0 });
    api.clock.advance(-HOUR * 1000);
    await expectRefusal(me(old), 'key_expired');
    api.clock.advance(HOUR * 1000);
  });
});

describe('ending a rotation', () => {
  it('stops the old secret at once, by every clock, before or after the first use', async () => {
    for (const isUsed of [false, true]) {
      const rotation = await startRotation();
      const { keys, id, old, fresh } = rotation;
      if (isUsed) await isServed(fresh);
      await isServed(old);
      await keys.endRotation({ id });
      api.clock.advance(-1000);
      await expectRefusal(me(old), 'key_expired');
      api.clock.advance(1000);
      await isServed(fresh);
      await expectRefusal(keys.endRotation({ id }), 'rotation_not_in_progress');
      await expectRefusal(keys.cancelRotation({ id }), 'rotation_not_in_progress');
      expect((await actions(rotation, id)).at(-1)).toBe('key.rotation_ended');
      await keys.rotate({ id });
    }
  });

  it('is refused for a key that was not rotated, is revoked, or is somebody else’s', async () => {
    const { as } = await api.createTenant();
    const { key } = await as.admin.keys.create({ name: 'k' });
    for (const step of ['endRotation', 'cancelRotation'] as const) {
      await expectRefusal(as.admin.keys[step]({ id: key.id }), 'rotation_not_in_progress');
      await expectRefusal(as.member.keys[step]({ id: key.id }), 'not_found');
      await expectRefusal(as.viewer.keys[step]({ id: key.id }), 'permission_denied');
    }
    await as.admin.keys.rotate({ id: key.id });
    await as.admin.keys.revoke({ id: key.id });
    for (const step of ['endRotation', 'cancelRotation'] as const) {
      await expectRefusal(as.admin.keys[step]({ id: key.id }), 'already_revoked');
    }
  });
});

describe('taking a rotation back', () => {
  it('stops the new secret, leaves the old one as it was, and is told apart by whoever still tries the new one', async () => {
    for (const overlapBegins of ['firstUse', 'now'] as const) {
      const rotation = await startRotation({ overlapSeconds: HOUR, overlapBegins });
      const { keys, id, old, fresh } = rotation;
      const back = await keys.cancelRotation({ id });
      expect(back.secrets[0]).toMatchObject({ expiresAt: null, unused: false });
      expect(back.start).toBe(old.slice(0, back.start.length));
      api.clock.advance(2 * HOUR * 1000);
      await isServed(old);
      await expectRefusal(me(fresh), 'key_expired');
      await api.domain.ghosts.flush();
      expect(await keys.ghostUse({ id })).toMatchObject({ counts: { rotatedOut: 1 } });
      expect(await actions(rotation, id)).toEqual(['key.created', 'key.rotated', 'key.rotation_cancelled']);
      const again = await keys.rotate({ id, overlapSeconds: 0 });
      await isServed(again.token);
      await expectRefusal(me(old), 'key_expired');
      await expectRefusal(me(fresh), 'key_unknown');
    }
  });

  it('is refused once the new secret was used', async () => {
    const { keys, id, old, fresh } = await startRotation();
    await isServed(fresh);
    await expectRefusal(keys.cancelRotation({ id }), 'new_secret_used');
    await isServed(old, fresh);
  });

  it('is not for the key itself, nor for one that may do less or is held to some addresses', async () => {
    const { as } = await api.createTenant('enterprise');
    const { key, token } = await as.admin.keys.create({ name: 'k' });
    const { token: narrow } = await as.admin.keys.create({
      name: 'narrow',
      scopes: ['keys:write', 'keys:read'],
    });
    const { token: held } = await as.admin.keys.create({ name: 'held', allowedIps: ['127.0.0.1'] });
    await as.admin.keys.rotate({ id: key.id });
    for (const caller of [token, narrow, held]) {
      await expectRefusal(api.withKey(caller).keys.cancelRotation({ id: key.id }), 'permission_denied');
    }
    await isServed(token);
    await as.admin.keys.cancelRotation({ id: key.id });
  });

  it('does not keep a secret alive beyond the lifetime that the policy gives it', async () => {
    const { as, accounts } = await api.createTenant();
    await as.admin.organization.update({ policies: { maxLifetimeDays: 90 } });
    const inDays = (days: number) => new Date(api.clock() + days * DAY_MS).toISOString();
    const { key } = await as.member.keys.create({ name: 'k', expiresAt: inDays(90) });
    api.clock.advance(80 * DAY_MS);
    const member = await api.signIn(accounts.member.email);
    await member.keys.update({ id: key.id, expiresAt: inDays(10) });
    await member.keys.rotate({ id: key.id });
    await member.keys.update({ id: key.id, expiresAt: inDays(90) });
    await expectRefusal(member.keys.cancelRotation({ id: key.id }), 'policy_violation');
    await member.keys.update({ id: key.id, expiresAt: inDays(10) });
    await member.keys.cancelRotation({ id: key.id });
  });
});

describe('all at the same moment', () => {
  it('a rotation that was decided on what another one has changed meanwhile is refused, also without an overlap', async () => {
    for (const overlapSeconds of [0, HOUR]) {
      const { as } = await api.createTenant();
      const { key } = await as.admin.keys.create({ name: 'k' });
      const { replaceSecrets } = api.database.stores.keys;
      let winner = '';
      const faster = vi
        .spyOn(api.database.stores.keys, 'replaceSecrets')
        .mockImplementationOnce(async (...args) => {
          winner = (await as.admin.keys.rotate({ id: key.id, overlapSeconds })).token;
          return replaceSecrets(...args);
        });
      await expectRefusal(as.admin.keys.rotate({ id: key.id, overlapSeconds }), 'rotation_in_progress');
      faster.mockRestore();
      await isServed(winner);
    }
  });

  it('first uses: one is written, with one event, and all are served', async () => {
    const rotation = await startRotation({ overlapSeconds: HOUR });
    const { id, fresh, as } = rotation;
    const others = Array.from({ length: 8 }, () => as.admin.keys.verify({ token: fresh }));
    await Promise.all([...Array.from({ length: 8 }, () => me(fresh)), ...others]);
    expect(await actions(rotation, id)).toEqual(['key.created', 'key.rotated', 'key.new_secret_used']);
  });

  it('first use, end, taking back and revocation leave a state that one of their orders explains', async () => {
    for (let round = 0; round < 12; round++) {
      const { keys, id, old, fresh } = await startRotation({ overlapSeconds: HOUR });
      const [used, ended, cancelled] = await Promise.allSettled([
        me(fresh),
        keys.endRotation({ id }),
        keys.cancelRotation({ id }),
        ...(round % 3 === 0 ? [keys.revoke({ id })] : []),
      ]);
      if (round % 3 === 0) {
        await expectRefusal(me(old), 'key_revoked');
        await expectRefusal(me(fresh), 'key_revoked');
        continue;
      }
      if (cancelled?.status === 'fulfilled') {
        expect([used?.status, ended?.status]).toEqual(['rejected', 'rejected']);
        await isServed(old);
        await expectRefusal(me(fresh), 'key_expired');
      } else {
        expect([used?.status, ended?.status]).toEqual(['fulfilled', 'fulfilled']);
        await isServed(fresh);
        await expectRefusal(me(old), 'key_expired');
      }
    }
  });

  it('an imported secret that is rotated out while it is taken over stays out', async () => {
    const { as, accounts } = await api.createTenant();
    const token = `other_${randomBytes(18).toString('hex')}`;
    const value = createHash('sha256').update(token).digest('hex');
    const { results } = await as.admin.keys.import({
      keys: [{ owner: accounts.member.email, name: 'imported', hash: { format: 'sha256', value } }],
    });
    const id = results[0]?.id ?? '';
    const { replaceHash } = api.database.stores.imports;
    const faster = vi
      .spyOn(api.database.stores.imports, 'replaceHash')
      .mockImplementationOnce(async (...args) => {
        await as.member.keys.rotate({ id, overlapSeconds: 0 });
        return replaceHash(...args);
      });
    await expectRefusal(me(token), 'key_expired');
    expect(faster).toHaveBeenCalledOnce();
    faster.mockRestore();
    await expectRefusal(me(token), 'key_expired');
  });

  it('a first use that cannot be written is no success and no 401', async () => {
    const { id, fresh, old, keys } = await startRotation({ overlapSeconds: 0, overlapBegins: 'firstUse' });
    const replaced = vi
      .spyOn(api.database.stores.keys, 'replaceSecrets')
      .mockRejectedValue(new KaanaError('store_unavailable', 'away', { retryAfterSeconds: 1 }));
    await expectRefusal(me(fresh), 'store_unavailable');
    await isServed(old);
    expect((await keys.get({ id })).secrets[0]?.unused).toBe(true);
    replaced.mockRestore();
    await isServed(fresh);
    await expectRefusal(me(old), 'key_expired');
  });
});

describe('last uses', () => {
  it('are told for each secret with address and agent, and forgotten with it', async () => {
    const { keys, id, old, fresh } = await startRotation();
    await api.withKey(old, { ip: '192.0.2.1' }).user.me();
    await api.withKey(fresh, { ip: '192.0.2.2' }).user.me();
    await api.domain.recorder.flush();
    expect((await keys.get({ id })).secrets).toMatchObject([
      { lastUsedIp: '192.0.2.2', lastUsedUserAgent: 'vitest' },
      { lastUsedIp: '192.0.2.1', lastUsedUserAgent: 'vitest' },
    ]);
    await keys.endRotation({ id });
    await keys.rotate({ id });
    const known = (await api.database.stores.usage.activity([id])).get(id)?.secrets;
    expect(Object.keys(known ?? {})).toHaveLength(1);
  });
});
