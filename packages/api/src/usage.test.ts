import { INTERVAL_MS, noCounts, startOf } from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApi, type TestApi } from './testing/index.ts';

const { minute: MINUTE, hour: HOUR, day: DAY } = INTERVAL_MS;

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const iso = (at: number) => new Date(at).toISOString();

describe('usage', () => {
  it('is the same before and after it is rolled up, and widened where it must be', async () => {
    const { as, organization, accounts } = await api.createTenant();
    const { key } = await as.admin.keys.create({ name: 'k' });
    const now = api.clock();
    const ago = (days: number) => startOf('minute', now - days * DAY);
    await api.database.stores.usage.add(
      [0, 1, 3, 100, 140, 300].map((days) => ({
        organizationId: organization.id,
        accountId: accounts.admin.id,
        keyId: key.id,
        minute: ago(days),
        counts: { ...noCounts(), served: 1 },
      })),
      [],
    );
    const read = async () => ({
      year: await as.admin.usage.summary({ from: iso(now - 365 * DAY) }),
      days: await as.admin.usage.series({ from: iso(now - 365 * DAY), interval: 'day' }),
      hours: await as.admin.usage.series({ from: iso(now - 4 * DAY), interval: 'hour' }),
      minutes: await as.admin.usage.series({ from: iso(now - DAY), interval: 'minute' }),
    });
    const before = await read();
    while (await api.database.stores.usage.rollUp(now));
    expect(await api.database.raw('usage_minutes').countDocuments({ keyId: key.id })).toBe(2);
    expect(await read()).toEqual(before);
    expect(before.year).toMatchObject({
      from: iso(startOf('day', now - 365 * DAY)),
      to: iso(startOf('minute', now - 1) + MINUTE),
      totals: { total: 6 },
      keys: [{ keyId: key.id, counts: { served: 6 } }],
    });
    expect(before.days.data).toHaveLength(6);
    expect(before.hours.from).toBe(iso(startOf('hour', now - 4 * DAY)));
    expect(before.hours.data.map(({ at }) => at)).toEqual(
      [3, 1, 0].map((days) => iso(startOf('hour', ago(days)))),
    );
    expect(before.minutes.data.map(({ at }) => at)).toEqual([iso(ago(1)), iso(ago(0))]);
  });

  it('refuses intervals that are not kept that long, or too many, and says what to take', async () => {
    const { as } = await api.createTenant();
    const now = api.clock();
    const series = (days: number, interval: 'minute' | 'hour' | 'day', length = HOUR) =>
      as.admin.usage.series({ from: iso(now - days * DAY), to: iso(now - days * DAY + length), interval });
    const refused = (instead: string) => ({
      message: expect.stringContaining(`take the interval ${instead}`),
      cause: { code: 'invalid_input', errors: [{ path: 'interval' }] },
    });
    await expect(series(2, 'minute')).resolves.toMatchObject({ data: [] });
    await expect(series(3, 'minute')).rejects.toMatchObject(refused('hour'));
    await expect(series(130, 'hour')).resolves.toMatchObject({ data: [] });
    await expect(series(132, 'hour')).rejects.toMatchObject(refused('day'));
    await expect(series(3_000, 'day')).resolves.toMatchObject({ data: [] });
    await expect(series(129, 'hour', 129 * DAY)).rejects.toMatchObject({ cause: { code: 'invalid_input' } });
  });
});
