import { setOrganization } from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const DAY = 86_400;
const limit = (name: string, count: number, windowSeconds = DAY) => ({ name, limit: count, windowSeconds });

/** How many of so many requests at once are served, and why the others are not. */
const burst = async (token: string, count: number) => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, () => api.withKey(token).user.me()),
  );
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  return {
    served: outcomes.length - refused.length,
    reasons: refused.map(({ reason }) => (reason as { cause: { limit?: string } }).cause.limit),
  };
};

describe('named limits of a key', () => {
  it('hold from the next request on, beside the plan, and are told', async () => {
    const { as } = await api.createTenant();
    const limits = [limit('daily', 3), limit('burst', 50, 1)];
    const { key, token } = await as.member.keys.create({ name: 'k', limits });
    expect(key).toMatchObject({ limits, credits: null });
    expect(await burst(token, 5)).toEqual({ served: 3, reasons: ['key:daily', 'key:daily'] });
    const error = await expectRefusal(api.withKey(token).user.me(), 'rate_limited');
    expect(error.retryAfterSeconds).toBeGreaterThan(DAY - 60);
    expect(error.message).toContain('"daily"');
    await as.admin.keys.update({ id: key.id, limits: [limit('daily', 4)] });
    expect((await burst(token, 3)).served).toBe(1);
    await as.admin.keys.update({ id: key.id, limits: null });
    expect((await burst(token, 3)).served).toBe(3);
    expect((await as.admin.keys.get({ id: key.id })).limits).toEqual([]);
  });

  it('are shared by both secrets of a rotation', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({
      name: 'k',
      limits: [limit('daily', 3)],
      credits: { remaining: 100 },
    });
    const rotated = await as.admin.keys.rotate({ id: key.id, overlapSeconds: 600 });
    expect((await burst(token, 2)).served).toBe(2);
    expect((await burst(rotated.token, 5)).served).toBe(1);
    expect((await as.admin.keys.get({ id: key.id })).credits).toMatchObject({ remaining: 97 });
  });

  it('may be added and narrowed by the owner, and widened by an admin alone', async () => {
    const { as } = await api.createTenant();
    const { key } = await as.member.keys.create({ name: 'k' });
    const update = (limits: ReturnType<typeof limit>[] | null) =>
      as.member.keys.update({ id: key.id, limits });
    await update([limit('daily', 10)]);
    await update([limit('daily', 9, 2 * DAY), limit('burst', 2, 1)]);
    await expectRefusal(update([limit('daily', 10, 2 * DAY), limit('burst', 2, 1)]), 'permission_denied');
    await expectRefusal(update([limit('daily', 9, DAY), limit('burst', 2, 1)]), 'permission_denied');
    await expectRefusal(update([limit('daily', 9, 2 * DAY)]), 'permission_denied');
    await expectRefusal(update(null), 'permission_denied');
    expect((await as.admin.keys.update({ id: key.id, limits: [limit('daily', 500)] })).limits).toHaveLength(
      1,
    );
  });

  it('never end wider than one of two parallel changes', async () => {
    const { as } = await api.createTenant();
    for (let round = 0; round < 10; round++) {
      const { key } = await as.member.keys.create({ name: 'k', limits: [limit('daily', 100)] });
      await Promise.allSettled([
        as.admin.keys.update({ id: key.id, limits: [limit('daily', 1)] }),
        as.member.keys.update({ id: key.id, limits: [limit('daily', 50)] }),
        as.member.keys.update({ id: key.id, limits: [limit('daily', 99)] }),
      ]);
      const [left] = (await as.member.keys.get({ id: key.id })).limits;
      expect(left?.limit).toBe(1);
      await as.member.keys.revoke({ id: key.id });
    }
  });

  it('do not let a limited key get at an unlimited one', async () => {
    const { as } = await api.createTenant();
    const other = await as.admin.keys.create({ name: 'other' });
    const { key, token } = await as.admin.keys.create({ name: 'k', limits: [limit('daily', 50)] });
    const caller = api.withKey(token);
    await expectRefusal(caller.keys.create({ name: 'x' }), 'permission_denied');
    await expectRefusal(caller.keys.rotate({ id: other.key.id }), 'permission_denied');
    await expectRefusal(caller.keys.update({ id: key.id, limits: null }), 'permission_denied');
    await expectRefusal(caller.keys.credits({ id: key.id, remaining: 5 }), 'permission_denied');
    await caller.keys.update({ id: key.id, limits: [limit('daily', 40)] });
    const rotated = await caller.keys.rotate({ id: key.id });
    expect(rotated.key.limits).toEqual([limit('daily', 40)]);
  });

  it('are refused where they are none', async () => {
    const { as } = await api.createTenant();
    for (const limits of [
      [limit('Daily', 1)],
      [limit('"x"', 1)],
      [limit('a', 0)],
      [limit('a', 1.5)],
      [limit('a', 1, 0)],
      [limit('a', 1, 31 * DAY)],
      [limit('a', 1), limit('a', 2)],
      Array.from({ length: 9 }, (_, index) => limit(`l${index}`, 1)),
    ]) {
      await expectRefusal(as.admin.keys.create({ name: 'k', limits }), 'invalid_input');
    }
  });
});

describe('named limits of an account', () => {
  it('hold over all its keys, all or nothing with those of a key, and are set by admins', async () => {
    const { as, accounts } = await api.createTenant();
    const [one, other] = [
      await as.member.keys.create({ name: '1' }),
      await as.member.keys.create({ name: '2' }),
    ];
    const limited = await as.member.keys.create({ name: '3', limits: [limit('few', 1)] });
    await expectRefusal(
      as.member.members.setLimits({ id: accounts.member.id, limits: [] }),
      'permission_denied',
    );
    const member = await as.admin.members.setLimits({ id: accounts.member.id, limits: [limit('day', 5)] });
    expect(member.limits).toEqual([limit('day', 5)]);
    expect((await burst(one.token, 2)).served).toBe(2);
    // What "few" refuses costs nothing under "day".
    expect(await burst(limited.token, 4)).toEqual({ served: 1, reasons: ['key:few', 'key:few', 'key:few'] });
    expect(await burst(other.token, 5)).toEqual({ served: 2, reasons: Array(3).fill('account:day') });
    await as.admin.members.setLimits({ id: accounts.member.id, limits: [] });
    expect((await burst(one.token, 4)).served).toBe(4);
    const [lifted, set] = (await as.admin.audit.list({ targetId: accounts.member.id })).data;
    expect([set?.action, lifted?.action]).toEqual(['account.limits_changed', 'account.limits_changed']);
    expect(set?.changes).toEqual({ limits: { from: null, to: [limit('day', 5)] } });
  });

  it('give back what the plan refuses', async () => {
    const { as, organization } = await api.createTenant('enterprise');
    await setOrganization(api.database.stores, api.domain.keys, api.clock, organization.name, {
      requestsPerMinute: 4,
    });
    const { key, token } = await as.admin.keys.create({
      name: 'k',
      limits: [limit('daily', 20)],
      credits: { remaining: 20 },
    });
    expect(await burst(token, 12)).toEqual({ served: 4, reasons: Array(8).fill('account') });
    await api.domain.quotas.settle();
    expect((await as.admin.keys.get({ id: key.id })).credits).toMatchObject({ remaining: 16 });
  });
});

describe('credits', () => {
  it('are spent by requests and by verification, to zero', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({ name: 'k', credits: { remaining: 3 } });
    expect(key.credits).toEqual({ remaining: 3, refill: null, refillsAt: null });
    expect((await as.admin.keys.verify({ token })).ratelimits).toEqual([
      { name: 'credits', limit: 3, remaining: 2, resetSeconds: null, windowSeconds: null },
    ]);
    expect((await burst(token, 6)).served).toBe(2);
    const error = await expectRefusal(api.withKey(token).user.me(), 'credits_exhausted');
    expect(error.retryAfterSeconds).toBeUndefined();
    expect(await as.admin.keys.verify({ token })).toMatchObject({
      valid: false,
      code: 'credits_exhausted',
      ratelimit: null,
      ratelimits: [{ name: 'credits', remaining: 0 }],
    });
  });

  it('are set, added to and taken away by admins, each with its event', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.member.keys.create({ name: 'k' });
    await expectRefusal(as.member.keys.credits({ id: key.id, remaining: 5 }), 'permission_denied');
    await expectRefusal(as.member.keys.create({ name: 'k', credits: { remaining: 5 } }), 'permission_denied');
    await expectRefusal(as.admin.keys.credits({ id: key.id, add: 5 }), 'invalid_input');
    await as.admin.keys.credits({ id: key.id, remaining: 2 });
    expect((await burst(token, 4)).served).toBe(2);
    const added = await Promise.all(
      Array.from({ length: 5 }, () => as.admin.keys.credits({ id: key.id, add: 2 })),
    );
    expect(added).toHaveLength(5);
    expect((await as.member.keys.get({ id: key.id })).credits).toMatchObject({ remaining: 10 });
    expect((await burst(token, 12)).served).toBe(10);
    expect((await as.admin.keys.credits({ id: key.id, remaining: null })).credits).toBeNull();
    expect((await burst(token, 12)).served).toBe(12);
    await as.admin.keys.credits({ id: key.id, remaining: 1 });
    expect((await burst(token, 3)).served).toBe(1);
    const events = (await as.admin.audit.list({ action: 'key.credits_changed' })).data;
    expect(events.map(({ changes }) => Object.values(changes)[0]?.to)).toEqual([1, null, 2, 2, 2, 2, 2, 2]);
  });

  it('tell when they are refilled', async () => {
    const { as } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({
      name: 'k',
      credits: { remaining: 1, refill: { amount: 10, every: DAY } },
    });
    const refillsAt = Date.parse(key.credits?.refillsAt ?? '') - api.clock();
    expect(Math.abs(refillsAt - DAY * 1_000)).toBeLessThan(60_000);
    expect((await burst(token, 2)).served).toBe(1);
    const error = await expectRefusal(api.withKey(token).user.me(), 'credits_exhausted');
    expect(error.retryAfterSeconds).toBeGreaterThan(DAY - 60);
    const without = await as.admin.keys.credits({ id: key.id, add: 1, refill: null });
    expect(without.credits).toEqual({ remaining: 1, refill: null, refillsAt: null });
  });
});

it('costs a key without any of it nothing: no document, no question', async () => {
  const { as } = await api.createTenant();
  const { key, token } = await as.admin.keys.create({ name: 'k' });
  await burst(token, 3);
  expect(await api.database.raw('quotas').findOne({ _id: `key:${key.id}` as never })).toBeNull();
});
