import type { CreditTerms, Instant, Quota, QuotaRecord } from '@kaana/core';
import { Quotas } from '@kaana/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../testing/index.ts';
import { decodeQuotaLog, encodeQuotaLog } from './quotas.ts';

let database: TestDatabase;
let next = 0;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const NOW: Instant = { earliest: 5_000_000, latest: 5_000_002 };
const DAYS_30 = 30 * 86_400_000;

const terms = (amount: number): CreditTerms => ({
  version: 1,
  metered: true,
  epoch: 1,
  amount,
  added: 0,
  refill: { amount, every: 'month', since: new Date(1_000) },
  changedAt: new Date(1_000),
});
const newQuota = (credits: CreditTerms | null = null): Quota => ({
  scope: 'key',
  id: `key-${++next}`,
  limits: [{ name: 'daily', limit: 7, windowSeconds: 86_400 }],
  credits,
});
const record = (credits: CreditTerms | null, ...log: number[]): QuotaRecord => ({
  logs: [{ name: 'daily', windowMs: 86_400_000, log }],
  credits: credits && { terms: credits, remaining: 5, period: 2, topped: 0 },
  reservations: [{ id: 'r', at: 1_000.5, until: 2_000.25, units: 3, epoch: 1, period: 2 }],
});

describe('what is remembered of a quota', () => {
  it('is nothing at first, and then what was written last', async () => {
    const { quotas } = database.stores;
    const quota = newQuota(terms(9));
    expect(await quotas.read(quota)).toMatchObject({ revision: null, record: { logs: [], credits: null } });
    const first = await quotas.write(quota, null, record(terms(9), 1_000, 2), NOW);
    const second = await quotas.write(quota, first, record(terms(9), 1_000, 2, 1_500, 1), NOW);
    expect(await quotas.read(quota)).toEqual({
      revision: second,
      record: record(terms(9), 1_000, 2, 1_500, 1),
    });
    expect(await quotas.balances([quota.id, 'nobody'])).toEqual(
      new Map([[quota.id, record(terms(9)).credits]]),
    );
  });

  it('is written by one of those that have read the same, and by nobody who has read something older', async () => {
    const { quotas } = database.stores;
    const quota = newQuota();
    const write = (expected: string | null, n: number) =>
      quotas.write(quota, expected, record(null, n, 1), NOW);
    const creations = await Promise.all(Array.from({ length: 8 }, (_, n) => write(null, n)));
    const [created, ...others] = creations.filter((revision) => revision !== null);
    expect(others).toEqual([]);
    const changes = await Promise.all(Array.from({ length: 8 }, (_, n) => write(created ?? '', n)));
    expect(changes.filter((revision) => revision !== null)).toHaveLength(1);
    expect(await write(created ?? '', 9)).toBeNull();
  });

  it('is forgotten when its windows are over, but for credits, which are kept', async () => {
    const { quotas } = database.stores;
    const [limited, metered] = [newQuota(), newQuota(terms(3))];
    await quotas.write(limited, null, record(null, 1, 1), NOW);
    await quotas.write(metered, null, record(terms(3), 1, 1), NOW);
    const expiry = async ({ id }: Quota) =>
      (await database.raw('quotas').findOne<{ expiresAt: Date | null }>({ _id: `key:${id}` as never }))
        ?.expiresAt;
    expect((await expiry(limited))?.getTime()).toBeGreaterThan(NOW.latest + 86_400_000);
    expect(await expiry(metered)).toBeNull();
    const indexes = await database.raw('quotas').indexes();
    expect(indexes.find(({ expireAfterSeconds }) => expireAfterSeconds === 0)?.key).toEqual({ expiresAt: 1 });
  });

  it('survives packing, whatever the times and counts of 30 days', () => {
    const pairs = fc.array(
      fc.tuple(fc.integer({ min: 0, max: DAYS_30 / 200 }), fc.integer({ min: 1, max: 1e9 })),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(pairs, fc.integer({ min: 0, max: 4e12 }), (steps, start) => {
        let at = start;
        const log = steps.flatMap(([step, count]) => {
          at += step;
          return [at, count];
        });
        expect(decodeQuotaLog(encodeQuotaLog(log))).toEqual(log);
      }),
    );
  });
});

it('lets in exactly what there is over several processes that share nothing but the database', async () => {
  const { limits, quotas } = database.stores;
  const processes = Array.from({ length: 3 }, () => new Quotas(quotas, () => limits.now()));
  const plan = { allowed: true, limit: 100, remaining: 50, resetSeconds: 1, windowSeconds: 60 };
  for (const credits of [null, terms(4)]) {
    const quota = newQuota(credits);
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => processes[index % 3]?.admit([quota], 1, () => plan)),
    );
    const admitted = answers.filter((answer) => answer?.refusal === null);
    expect(admitted).toHaveLength(credits ? 4 : 7);
    const names = new Set(answers.flatMap((answer) => answer?.refusal?.state.name ?? []));
    expect([...names]).toEqual([credits ? 'credits' : 'daily']);
    for (const process of processes) await process.settle();
    expect((await quotas.read(quota)).record.reservations).toEqual([]);
  }
});
