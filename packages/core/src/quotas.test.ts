import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CreditTerms } from './credits.ts';
import { Limiter } from './limiter.ts';
import { REQUEST_WINDOW_MS } from './meter.ts';
import type { NamedLimit, Quota } from './named-limits.ts';
import { EXACT_NAMED_LIMIT } from './quota-record.ts';
import { type QuotaAdmission, Quotas } from './quotas.ts';
import { ManualTime, MemoryLimits, settled } from './testing/limits.ts';
import { MemoryQuotas } from './testing/quotas.ts';

const setUp = ({ processes = 1, uncertaintyMs = 0 } = {}) => {
  const time = new ManualTime();
  const store = new MemoryQuotas(time, uncertaintyMs);
  const limits = new MemoryLimits(time, uncertaintyMs);
  const all = Array.from({ length: processes }, () => ({
    limiter: new Limiter(limits, { timer: time, maxWaiting: 100_000 }),
    quotas: new Quotas(store, store.now, { timer: time, maxWaiting: 100_000 }),
  }));
  const ask = (quotas: readonly Quota[], { by = 0, cost = 1, plan = 1_000_000 } = {}) => {
    const process = all[by];
    if (!process) throw new Error('no such process');
    return process.quotas.admit(quotas, cost, () => process.limiter.admit('account', plan));
  };
  const askMany = (count: number, quotas: readonly Quota[], options = {}) =>
    Promise.all(Array.from({ length: count }, () => ask(quotas, options)));
  /** Time goes in steps, in which all processes settle. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      time.advance(Math.min(50, left));
      for (const { quotas } of all) await quotas.settle();
      await settled();
      if (left > 8_000) {
        time.advance(left - 4_000);
        left = 4_050;
      }
    }
  };
  return { time, store, limits, all, ask, askMany, pass };
};

const limit = (name: string, count: number, windowSeconds: number): NamedLimit => ({
  name,
  limit: count,
  windowSeconds,
});
const ofKey = (limits: readonly NamedLimit[], credits: CreditTerms | null = null): Quota => ({
  scope: 'key',
  id: 'k',
  limits,
  credits,
});
const ofAccount = (...limits: NamedLimit[]): Quota => ({ scope: 'account', id: 'a', limits, credits: null });
const isAdmitted = ({ plan, refusal }: QuotaAdmission) => refusal === null && plan?.allowed === true;
const admitted = (admissions: readonly QuotaAdmission[]) => admissions.filter(isAdmitted).length;

const terms = (change: Partial<CreditTerms> = {}): CreditTerms => ({
  version: 1,
  metered: true,
  epoch: 1,
  amount: 10,
  added: 0,
  refill: null,
  changedAt: new Date(0),
  ...change,
});

describe('several limits', () => {
  it('let in what each of them lets in, and say which one refused', async () => {
    const { askMany } = setUp();
    const quotas = [ofKey([limit('burst', 5, 1), limit('daily', 8, 86_400)])];
    const answers = await askMany(12, quotas);
    expect(answers.map(isAdmitted)).toEqual(Array.from({ length: 12 }, (_, index) => index < 5));
    expect(answers[4]?.states.map(({ name, remaining }) => [name, remaining])).toEqual([
      ['burst', 0],
      ['daily', 3],
    ]);
    expect(answers[5]?.refusal).toMatchObject({
      state: { scope: 'key', name: 'burst', remaining: 0, resetSeconds: 1, windowSeconds: 1 },
    });
  });

  it('charge none where one refuses', async () => {
    const { ask, askMany, pass } = setUp();
    const quotas = [
      ofKey([limit('burst', 2, 10), limit('daily', 3, 86_400)]),
      ofAccount(limit('all', 3, 60)),
    ];
    expect(admitted(await askMany(50, quotas))).toBe(2);
    await pass(10_000);
    // The 48 that "burst" refused have cost nothing under "daily" and "all".
    expect(admitted(await askMany(50, quotas))).toBe(1);
    await pass(60_000);
    const { states } = await ask([ofAccount(limit('all', 3, 60))]);
    expect(states).toMatchObject([{ remaining: 2 }]);
  });

  it('give back what the plan refused', async () => {
    const { ask, askMany, pass } = setUp();
    const quotas = [ofKey([limit('daily', 10, 86_400)], terms()), ofAccount(limit('all', 10, 86_400))];
    expect(admitted(await askMany(8, quotas, { plan: 3 }))).toBe(3);
    await pass(300);
    const { states } = await ask(quotas);
    expect(states.map(({ name, remaining }) => [name, remaining])).toEqual([
      ['daily', 6],
      ['credits', 6],
      ['all', 6],
    ]);
  });

  it('count nothing where the plan cannot be asked', async () => {
    const { all, ask, limits, pass } = setUp();
    const quotas = [ofKey([limit('daily', 2, 86_400)], terms())];
    limits.interfere = () => Promise.reject(new Error('away'));
    await expect(ask(quotas)).rejects.toThrow('away');
    limits.interfere = async () => {};
    await pass(300);
    expect(all).toHaveLength(1);
    expect((await ask(quotas)).states.map(({ remaining }) => remaining)).toEqual([1, 9]);
  });

  it('refuse a request that is dearer than the limit, and let a cheaper one in after it', async () => {
    const { ask } = setUp();
    const quotas = [ofKey([limit('small', 3, 60)])];
    const answers = await Promise.all([5, 2, 2, 1].map((cost) => ask(quotas, { cost })));
    expect(answers.map(isAdmitted)).toEqual([false, true, false, true]);
  });

  it('hold what is left for nobody: a reservation that is given back serves those who waited', async () => {
    const { all, ask, pass, store } = setUp({ processes: 2 });
    const quotas = [ofKey([limit('one', 1, 86_400)])];
    let refuse: (() => void) | undefined;
    const first = all[0]?.quotas.admit(
      quotas,
      1,
      () =>
        new Promise((resolve) => {
          refuse = () =>
            resolve({ allowed: false, limit: 1, remaining: 0, resetSeconds: 1, windowSeconds: 60 });
        }),
    );
    await settled();
    expect(store.record({ scope: 'key', id: 'k' }).reservations).toHaveLength(1);
    const second = ask(quotas, { by: 1 });
    await pass(100);
    refuse?.();
    await pass(100);
    expect(isAdmitted(await (first as Promise<QuotaAdmission>))).toBe(false);
    expect(isAdmitted(await second)).toBe(true);
  });

  it('take a reservation of a process that died as used, after a moment', async () => {
    const { all, ask, pass } = setUp({ processes: 2 });
    const quotas = [ofKey([limit('one', 1, 60)])];
    void all[0]?.quotas.admit(quotas, 1, () => new Promise(() => {}));
    await settled();
    const other = ask(quotas, { by: 1 });
    await pass(3_000);
    expect(isAdmitted(await other)).toBe(false);
    await pass(60_000);
    expect(isAdmitted(await ask(quotas, { by: 1 }))).toBe(true);
  });

  it('ask the store nothing for those they refuse, once it is known', async () => {
    const { askMany, store, pass } = setUp();
    const quotas = [ofKey([limit('few', 2, 3_600)])];
    await askMany(4, quotas);
    await pass(300);
    await askMany(1, quotas);
    const { reads, writes } = store;
    expect(admitted(await askMany(1_000, quotas))).toBe(0);
    expect(store).toMatchObject({ reads, writes });
  });

  it('take changed limits at once, and are not reset by renaming them back and forth', async () => {
    const { askMany, pass } = setUp();
    const two = ofKey([limit('a', 2, 3_600)]);
    expect(admitted(await askMany(5, [two]))).toBe(2);
    expect(admitted(await askMany(5, [ofKey([limit('a', 3, 3_600)])]))).toBe(1);
    expect(admitted(await askMany(5, [ofKey([limit('b', 1, 3_600)])]))).toBe(1);
    expect(admitted(await askMany(5, [two]))).toBe(0);
    await pass(3_600_000);
    expect(admitted(await askMany(5, [two]))).toBe(2);
  });

  it('remember a bounded number of times, however large limit and window are', async () => {
    const { askMany, pass, store } = setUp();
    const days = 30 * 86_400;
    const quotas = [ofKey([limit('monthly', 5_000_000, days), limit('exact', EXACT_NAMED_LIMIT, days)])];
    for (let round = 0; round < 100; round++) {
      await askMany(10, quotas);
      await pass((days * 1_000) / 50);
    }
    const sizes = store.record({ scope: 'key', id: 'k' }).logs.map(({ log }) => log.length / 2);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(EXACT_NAMED_LIMIT);
  });
});

describe('credits', () => {
  it('are spent to zero, and no further, whoever asks', async () => {
    const { ask, pass } = setUp({ processes: 3 });
    const quotas = [ofKey([], terms({ amount: 25 }))];
    const answers = Promise.all(Array.from({ length: 90 }, (_, index) => ask(quotas, { by: index % 3 })));
    await pass(2_000);
    expect(admitted(await answers)).toBe(25);
    const refusal = (await ask(quotas)).refusal;
    expect(refusal).toMatchObject({ state: { kind: 'credits', remaining: 0 }, waitMs: null });
  });

  it('take additions once, and a new balance once, also from those who know of older terms', async () => {
    const { askMany } = setUp();
    const at = (change: Partial<CreditTerms>) => [ofKey([], terms(change))];
    expect(admitted(await askMany(20, at({})))).toBe(10);
    const added = at({ version: 2, added: 5 });
    expect(admitted(await askMany(3, added))).toBe(3);
    // One that has read the key before the addition.
    expect(admitted(await askMany(1, at({})))).toBe(1);
    expect(admitted(await askMany(9, added))).toBe(1);
    const set = at({ version: 3, epoch: 2, amount: 4 });
    expect(admitted(await askMany(9, set))).toBe(4);
    expect(admitted(await askMany(9, added))).toBe(0);
    expect(admitted(await askMany(9, set))).toBe(0);
  });

  it('are refilled once an interval, and do not pile up', async () => {
    const { askMany, pass, time } = setUp({ processes: 2 });
    const refill = { amount: 3, every: 60, since: new Date(time.now()) };
    const quotas = [ofKey([], terms({ amount: 5, refill, changedAt: refill.since }))];
    expect(admitted(await askMany(9, quotas))).toBe(5);
    await pass(59_000);
    expect(admitted(await askMany(9, quotas))).toBe(0);
    await pass(1_000);
    expect(admitted(await askMany(9, quotas, { by: 1 }))).toBe(3);
    await pass(300);
    expect(admitted(await askMany(9, quotas))).toBe(0);
    await pass(300_000);
    expect(admitted(await askMany(9, quotas))).toBe(3);
  });
});

describe('any arrivals at several processes', () => {
  const arrivals = fc.array(
    fc.record({
      by: fc.nat(2),
      key: fc.nat(1),
      count: fc.integer({ min: 1, max: 6 }),
      cost: fc.constantFrom(1, 1, 1, 2, 3),
      waitMs: fc.constantFrom(0, 0, 10, 500, 1_000, 9_999, 10_000, REQUEST_WINDOW_MS),
    }),
    { maxLength: 14 },
  );
  const scenario = fc.record({
    arrivals,
    keyLimits: fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 12 })),
    accountLimit: fc.integer({ min: 1, max: 12 }),
    credits: fc.integer({ min: 0, max: 40 }),
    plan: fc.integer({ min: 2, max: 15 }),
    uncertaintyMs: fc.constantFrom(0, 3),
  });

  it('never exceed any limit, never spend what is not there, and are refused only where one is reached', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const { all, pass, time } = setUp({ processes: 3, uncertaintyMs: given.uncertaintyMs });
        const [short, long] = given.keyLimits;
        const quotaOf = (key: number): Quota => ({
          scope: 'key',
          id: `k${key}`,
          limits: [limit('short', short, 1), limit('long', long, 10)],
          credits: terms({ amount: given.credits }),
        });
        const keys = [quotaOf(0), quotaOf(1)];
        const shared = ofAccount(limit('shared', given.accountLimit, 10));
        type Entry = { key: number; cost: number; from: number; to: number; answer: QuotaAdmission };
        const entries: Entry[] = [];
        const pending: Promise<void>[] = [];
        for (const { by, count, cost, key, waitMs } of given.arrivals) {
          await pass(waitMs);
          const process = all[by];
          for (let index = 0; index < count; index++) {
            const from = time.now();
            const asked = process?.quotas.admit([keys[key] as Quota, shared], cost, () =>
              process.limiter.admit('account', given.plan),
            ) as Promise<QuotaAdmission>;
            pending.push(
              asked.then((answer) => {
                entries.push({ key, cost, from, to: time.now(), answer });
              }),
            );
          }
          await settled();
        }
        await pass(8_000);
        await Promise.all(pending);

        const passed = entries.filter(({ answer }) => isAdmitted(answer));
        const slack = 2 * given.uncertaintyMs + 2;
        /** Units that were certainly counted within some window, by what was observed from outside. */
        const check = (name: string, cap: number, windowMs: number, of: readonly Entry[], unit = false) => {
          const units = (entry: Entry) => (unit ? 1 : entry.cost);
          for (const { from } of of) {
            const within = of.filter((other) => other.from >= from && other.to < from + windowMs - slack);
            const sum = within.reduce((total, entry) => total + units(entry), 0);
            expect(sum, `${name} in a window`).toBeLessThanOrEqual(cap);
          }
        };
        for (const key of [0, 1]) {
          const mine = passed.filter((entry) => entry.key === key);
          check('short', short, 1_000, mine);
          check('long', long, 10_000, mine);
          const spent = mine.reduce((total, { cost }) => total + cost, 0);
          expect(spent).toBeLessThanOrEqual(given.credits);
        }
        check('shared', given.accountLimit, 10_000, passed);
        check('plan', given.plan, REQUEST_WINDOW_MS, passed, true);

        // A refusal is right only where the limit that it names was, or may have been, reached.
        for (const { answer, cost, from, key, to } of entries) {
          if (isAdmitted(answer)) continue;
          const name = answer.refusal?.state.name ?? 'plan';
          const [cap, windowMs, of] = {
            short: [short, 1_000, passed.filter((entry) => entry.key === key)] as const,
            long: [long, 10_000, passed.filter((entry) => entry.key === key)] as const,
            credits: [given.credits, Infinity, passed.filter((entry) => entry.key === key)] as const,
            shared: [given.accountLimit, 10_000, passed] as const,
            plan: [given.plan, REQUEST_WINDOW_MS, passed] as const,
          }[name] ?? [0, 0, []];
          const near = of.filter((other) => other.to >= from - windowMs - slack && other.from <= to);
          const sum = near.reduce((total, entry) => total + (name === 'plan' ? 1 : entry.cost), 0);
          expect(sum + (name === 'plan' ? 1 : cost), `${name} refused`).toBeGreaterThan(cap);
        }
      }),
      { numRuns: 60 },
    );
  });
});
