import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decide,
  EXACT_LIMIT,
  type LimitRecord,
  NO_ADMISSIONS,
  type Question,
  SETTLING_MS,
  withoutNewest,
} from './admission-log.ts';

const WINDOW_MS = 60_000;
const at = (now: number) => ({ earliest: now, latest: now });
const question = (now: number, count: number, limit: number, more: Partial<Question> = {}): Question => ({
  count,
  limit,
  windowMs: WINDOW_MS,
  now: at(now),
  ...more,
});
const lease = (id: string, until: number, count: number) => ({ id, until, count });

describe('the decision on a limit', () => {
  it('grants what is free, in parts, and remembers nothing of a refusal', () => {
    const first = decide(NO_ADMISSIONS, question(0, 3, 5));
    expect(first).toMatchObject({ granted: 3, used: 3, availableInMs: WINDOW_MS });
    const second = decide(first.record as LimitRecord, question(10, 3, 5));
    expect(second).toMatchObject({ granted: 2, used: 5, availableInMs: WINDOW_MS - 10 });
    expect(decide(second.record as LimitRecord, question(20, 1, 5))).toEqual({
      granted: 0,
      leased: 0,
      used: 5,
      availableInMs: WINDOW_MS - 20,
      askAgainInMs: null,
      record: null,
    });
  });

  it('lets in again when the first has left the window, and not a millisecond sooner', () => {
    const { record } = decide(NO_ADMISSIONS, question(1_000, 5, 5));
    expect(decide(record as LimitRecord, question(1_000 + WINDOW_MS - 1, 1, 5)).granted).toBe(0);
    expect(decide(record as LimitRecord, question(1_000 + WINDOW_MS, 1, 5)).granted).toBe(1);
  });

  it('says when the next one could be admitted, also where the limit was lowered below what is used', () => {
    const record: LimitRecord = { log: [0, 2, 10_000, 2, 20_000, 2], leases: [] };
    expect(decide(record, question(30_000, 1, 6)).availableInMs).toBe(30_000);
    expect(decide(record, question(30_000, 1, 3)).availableInMs).toBe(40_000);
    expect(decide(record, question(30_000, 1, 1)).availableInMs).toBe(50_000);
  });

  it('never takes a time for earlier than it was, nor for later when something leaves', () => {
    const now = { earliest: 990, latest: 1_010 };
    const { record } = decide(NO_ADMISSIONS, question(0, 1, 1, { now }));
    expect(record?.log).toEqual([1_010, 1]);
    const leaving = { earliest: 1_009 + WINDOW_MS, latest: 1_050 + WINDOW_MS };
    expect(decide(record as LimitRecord, question(0, 1, 1, { now: leaving })).granted).toBe(0);
  });

  it('drops what only a clock that was set back can have left in the future', () => {
    const record: LimitRecord = { log: [500_000, 5], leases: [] };
    expect(decide(record, question(100, 5, 5)).granted).toBe(5);
  });

  it('counts in ticks above what is remembered one by one, under the end of the tick', () => {
    const { record } = decide(NO_ADMISSIONS, question(101, 1, EXACT_LIMIT + 1));
    expect(record?.log).toEqual([200, 1]);
    expect(decide(record as LimitRecord, question(150, 2, EXACT_LIMIT + 1)).record?.log).toEqual([200, 3]);
  });

  it('gives the newest back', () => {
    expect(withoutNewest({ log: [1, 2, 3, 2], leases: [] })).toEqual({ log: [1, 2, 3, 1], leases: [] });
    expect(withoutNewest({ log: [1, 1], leases: [] })).toEqual({ log: [], leases: [] });
    expect(withoutNewest(NO_ADMISSIONS)).toBeNull();
  });
});

describe('a lease', () => {
  it('is given while half of the limit stays free, and counts as used', () => {
    const first = decide(NO_ADMISSIONS, question(0, 10, 100, { lease: lease('a', 1_000, 30) }));
    expect(first).toMatchObject({ granted: 10, leased: 30, used: 10 });
    const second = decide(first.record as LimitRecord, question(1, 5, 100, { lease: lease('b', 1_001, 30) }));
    expect(second).toMatchObject({ granted: 5, leased: 5, used: 45 });
    expect(
      decide(second.record as LimitRecord, question(2, 5, 100, { lease: lease('c', 1_002, 30) })),
    ).toMatchObject({ granted: 5, leased: 0, used: 55 });
  });

  it('is exchanged for what it was used for, in the order of time', () => {
    const record: LimitRecord = { log: [100, 1, 300, 1], leases: [lease('a', 1_000, 30)] };
    const settlement = { leaseId: 'a', uses: [200, 2, 300, 1] };
    const settled = decide(record, question(400, 0, 100, { settlement }));
    expect(settled.record).toEqual({ log: [100, 1, 200, 2, 300, 2], leases: [] });
    // Told twice, after an acknowledgement that was lost: counted once.
    expect(decide(settled.record as LimitRecord, question(500, 0, 100, { settlement })).record).toBeNull();
  });

  it('refuses nobody while it may still be returned, and counts as used when nobody has returned it', () => {
    const record: LimitRecord = { log: [0, 70], leases: [lease('a', 1_000, 30)] };
    expect(decide(record, question(900, 1, 100))).toMatchObject({ granted: 0, askAgainInMs: 100 });
    expect(decide(record, question(1_200, 1, 100)).askAgainInMs).toBe(1);
    expect(decide(record, question(1_000 + SETTLING_MS, 1, 100))).toMatchObject({
      granted: 0,
      askAgainInMs: null,
    });
    expect(decide(record, question(WINDOW_MS, 100, 100)).granted).toBe(70);
    expect(decide(record, question(1_000 + WINDOW_MS, 100, 100)).granted).toBe(100);
  });
});

it('agrees with a plain sliding log for all arrivals, limits that change included', () => {
  const arrivals = fc.array(
    fc.record({
      waitMs: fc.constantFrom(0, 1, 999, 20_000, WINDOW_MS - 1, WINDOW_MS),
      count: fc.integer({ min: 1, max: 12 }),
      limit: fc.constantFrom(3, 8, 20),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(arrivals, (pattern) => {
      let now = 0;
      let record = NO_ADMISSIONS;
      let plain: number[] = [];
      for (const { waitMs, count, limit } of pattern) {
        now += waitMs;
        plain = plain.filter((time) => time > now - WINDOW_MS);
        const fits = Math.max(0, Math.min(count, limit - plain.length));
        const decision = decide(record, question(now, count, limit));
        expect(decision).toMatchObject({ granted: fits, used: plain.length + fits });
        for (let index = 0; index < fits; index++) plain.push(now);
        record = decision.record ?? record;
      }
    }),
    { numRuns: 500 },
  );
});
