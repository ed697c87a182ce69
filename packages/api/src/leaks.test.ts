import { createHash } from 'node:crypto';
import { mintToken } from '@kaana/api-key';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

let reporters = 0;
/** Nobody's reports count against somebody else's. */
const anonymous = () => api.anonymousFrom(`198.51.100.${++reporters}`);

describe('a report of leaked tokens', () => {
  it('revokes all that it names, and answers the same whatever is among them', async () => {
    const { as } = await api.createTenant();
    const [first, second, kept] = [
      await as.admin.keys.create({ name: '1' }),
      await as.member.keys.create({ name: '2' }),
      await as.member.keys.create({ name: '3' }),
    ];
    const answers = [
      await anonymous().keys.leaked({
        tokens: [first.token, mintToken(), 'nonsense', second.token, first.token],
      }),
      await anonymous().keys.leaked({ tokens: [mintToken()] }),
      await anonymous().keys.leaked({ token: second.token }),
      await anonymous().keys.leaked({ tokens: [''] }),
    ];
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    for (const { key, token } of [first, second]) {
      await expectRefusal(api.withKey(token).user.me(), 'key_revoked');
      const found = await as.admin.keys.get({ id: key.id });
      expect(found).toMatchObject({
        status: 'revoked',
        revokedReason: 'leaked',
        leakSource: { reporter: 'anonymous', url: null },
      });
      expect(found.leakedAt).not.toBeNull();
      const { data } = await as.admin.audit.list({ targetId: key.id, action: 'key.revoked' });
      expect(data).toHaveLength(1);
    }
    await api.withKey(kept.token).user.me();
    expect(await as.admin.keys.get({ id: kept.key.id })).toMatchObject({ leakedAt: null, leakSource: null });
  });

  it('takes a token or up to 1000 tokens', async () => {
    const tokens = Array.from({ length: 1000 }, () => mintToken());
    await anonymous().keys.leaked({ tokens });
    for (const input of [{}, { tokens: [] }, { token: 'x', tokens: ['x'] }, { tokens: [...tokens, 'x'] }]) {
      await expectRefusal(anonymous().keys.leaked(input), 'invalid_input');
    }
  });

  it('of a secret that no longer works leaves the key alone: it has another one', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({ name: 'k' });
    const rotated = await as.admin.keys.rotate({ id: key.id, overlapSeconds: 0 });
    await api.withKey(rotated.token).user.me();
    api.clock.advance(1);
    await expectRefusal(api.withKey(token).user.me(), 'key_expired');
    await anonymous().keys.leaked({ token });
    await api.withKey(rotated.token).user.me();
    // One that works ends the key.
    await anonymous().keys.leaked({ token: rotated.token });
    await expectRefusal(api.withKey(rotated.token).user.me(), 'key_revoked');
  });

  it('ends keys of another system, too, used or not', async () => {
    const { as, accounts } = await api.createTenant();
    const tokens = ['used', 'unused'].map((name) => `sk_live_${name}_${mintToken().slice(6, 30)}`);
    const { results } = await as.admin.keys.import({
      keys: tokens.map((token) => ({
        owner: accounts.member.email,
        name: 'k',
        hash: { format: 'sha256' as const, value: createHash('sha256').update(token).digest('hex') },
      })),
    });
    await api.withKey(tokens[0] ?? '').user.me();
    await anonymous().keys.leaked({ tokens });
    for (const [index, token] of tokens.entries()) {
      await expectRefusal(api.withKey(token).user.me(), 'key_revoked');
      const { leakedAt } = await as.admin.keys.get({ id: results[index]?.id ?? '' });
      expect(leakedAt).not.toBeNull();
    }
  });

  it('does what the policy of the organization says', async () => {
    const { as } = await api.createTenant();
    expect((await as.admin.organization.get()).policies.onLeak).toBe('revoke');
    await expectRefusal(as.member.organization.update({ policies: { onLeak: 'flag' } }), 'permission_denied');
    const { key, token } = await as.admin.keys.create({ name: 'k' });
    const actions = async () =>
      (await as.admin.audit.list({ targetId: key.id })).data.map(({ action }) => action);
    const other = await as.admin.keys.create({ name: 'other' });

    await as.admin.organization.update({ policies: { onLeak: 'flag' } });
    for (let count = 0; count < 2; count++) await anonymous().keys.leaked({ token });
    await api.withKey(token).user.me();
    const flagged = await as.admin.keys.get({ id: key.id });
    expect(flagged).toMatchObject({ status: 'active', leakSource: { reporter: 'anonymous' } });
    expect(await actions()).toEqual(['key.flagged', 'key.created']);

    await as.admin.organization.update({ policies: { onLeak: 'notify' } });
    await anonymous().keys.leaked({ tokens: [token, other.token] });
    await api.withKey(other.token).user.me();
    expect(await actions()).toEqual(['key.flagged', 'key.created']);
    const { data } = await as.admin.audit.list({ targetId: other.key.id });
    expect(data.map(({ action }) => action)).toEqual(['key.leaked', 'key.created']);

    // A stricter policy ends what was only flagged before; the first report stays the one that is told.
    api.clock.advance(1000);
    await as.admin.organization.update({ policies: { onLeak: 'revoke' } });
    await anonymous().keys.leaked({ token });
    await expectRefusal(api.withKey(token).user.me(), 'key_revoked');
    const revoked = await as.admin.keys.get({ id: key.id });
    expect(revoked.leakedAt).toBe(flagged.leakedAt);
    expect(revoked.revokedAt).not.toBe(revoked.leakedAt);
    expect(await actions()).toEqual(['key.revoked', 'key.flagged', 'key.created']);
    const changed = await as.admin.audit.list({ action: 'organization.updated' });
    expect(changed.data.map(({ changes }) => changes.onLeak)).toEqual([
      { from: 'notify', to: 'revoke' },
      { from: 'flag', to: 'notify' },
      { from: 'revoke', to: 'flag' },
    ]);
  });

  it('is throttled by address', async () => {
    const reporter = anonymous();
    for (let count = 0; count < 60; count++) await reporter.keys.leaked({ token: 'x' });
    await expectRefusal(reporter.keys.leaked({ token: 'x' }), 'rate_limited');
    await anonymous().keys.leaked({ token: 'x' });
  });
});
