import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balanceAt, type CreditTerms, giveBack, refillAt, refillsUntil } from './credits.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 31, 12);
const terms = (change: Partial<CreditTerms> = {}): CreditTerms => ({
  version: 1,
  metered: true,
  epoch: 1,
  amount: 100,
  added: 0,
  refill: null,
  changedAt: new Date(START),
  ...change,
});

describe('refills', () => {
  it('of a month come on the same day, in a shorter month on its last', () => {
    const refill = { amount: 1, every: 'month', since: new Date(START) } as const;
    expect([1, 2, 3, 13].map((number) => new Date(refillAt(refill, number)).toISOString())).toEqual([
      '2026-02-28T12:00:00.000Z',
      '2026-03-31T12:00:00.000Z',
      '2026-04-30T12:00:00.000Z',
      '2027-02-28T12:00:00.000Z',
    ]);
  });

  it('are numbered by time without gap or overlap', () => {
    const every = fc.oneof(fc.constant('month' as const), fc.integer({ min: 1, max: 40 * 86_400 }));
    const dates = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2030, 0) });
    fc.assert(
      fc.property(every, dates, fc.integer({ min: 0, max: 400 * DAY_MS }), (every, since, later) => {
        const refill = { amount: 1, every, since: new Date(since) };
        const number = refillsUntil(refill, since + later);
        expect(refillAt(refill, number)).toBeLessThanOrEqual(since + later);
        expect(refillAt(refill, number + 1)).toBeGreaterThan(since + later);
      }),
    );
  });
});

describe('a balance', () => {
  const daily = { amount: 50, every: 86_400, since: new Date(START) };

  it('is raised to the amount of the refill where it is lower, once an interval', () => {
    const first = balanceAt(null, terms({ amount: 10, refill: daily }), START);
    expect(first.remaining).toBe(10);
    const next = balanceAt(first, first.terms, START + DAY_MS);
    expect(next).toMatchObject({ remaining: 50, period: 1, topped: 40 });
    expect(balanceAt({ ...next, remaining: 0 }, next.terms, START + 2 * DAY_MS - 1).remaining).toBe(0);
    expect(balanceAt({ ...next, remaining: 70 }, next.terms, START + 9 * DAY_MS).remaining).toBe(70);
  });

  it('has the refills that were due before a change by the old terms, and those after it by the new', () => {
    const old = balanceAt(null, terms({ amount: 0, refill: daily }), START);
    const added = terms({
      version: 2,
      amount: 0,
      added: 7,
      refill: daily,
      changedAt: new Date(START + 1.5 * DAY_MS),
    });
    expect(balanceAt(old, added, START + 1.6 * DAY_MS).remaining).toBe(57);
    const set = terms({
      version: 3,
      epoch: 2,
      amount: 5,
      refill: daily,
      changedAt: new Date(START + 1.7 * DAY_MS),
    });
    expect(balanceAt(old, set, START + 1.8 * DAY_MS).remaining).toBe(5);
    expect(balanceAt(old, set, START + 2 * DAY_MS).remaining).toBe(50);
  });

  it('ends the same whoever brings it forward, and when', () => {
    const changes = fc.array(
      fc.record({
        kind: fc.constantFrom('add', 'set', 'refill'),
        amount: fc.nat(100),
        afterMs: fc.nat(3 * DAY_MS),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(changes, fc.array(fc.nat(20 * DAY_MS), { maxLength: 6 }), (steps, looks) => {
        let at = START;
        let newest = terms({ amount: 20, refill: daily });
        const history = [newest];
        for (const { kind, amount, afterMs } of steps) {
          at += afterMs;
          newest = {
            ...newest,
            version: newest.version + 1,
            changedAt: new Date(at),
            ...(kind === 'add' ? { added: newest.added + amount } : {}),
            ...(kind === 'set' ? { epoch: newest.epoch + 1, amount, added: 0 } : {}),
            ...(kind === 'refill' ? { refill: { amount, every: 86_400, since: new Date(at) } } : {}),
          };
          history.push(newest);
        }
        const end = START + 21 * DAY_MS;
        // With every change seen as it came, and with looks in between, the end is the same.
        const look = (times: readonly number[]) => {
          let balance = balanceAt(null, history[0] as CreditTerms, START);
          const moments = [...times, ...history.map(({ changedAt }) => changedAt.getTime()), end].toSorted(
            (a, b) => a - b,
          );
          for (const moment of moments) {
            for (const seen of history) {
              if (seen.changedAt.getTime() <= moment) balance = balanceAt(balance, seen, moment);
            }
          }
          return balance.remaining;
        };
        expect(look(looks.map((ms) => START + ms))).toBe(look([]));
      }),
    );
  });

  it('is the same after what was taken is given back, also over a refill', () => {
    fc.assert(
      fc.property(fc.nat(120), fc.integer({ min: 1, max: 120 }), fc.boolean(), (amount, taken, over) => {
        if (taken > amount) return;
        const start = balanceAt(null, terms({ amount, refill: daily }), START);
        const end = START + (over ? DAY_MS : 1);
        const spent = balanceAt({ ...start, remaining: amount - taken }, start.terms, end);
        const back = giveBack(spent, taken, 1, 0);
        expect(back.remaining).toBe(balanceAt(start, start.terms, end).remaining);
      }),
    );
    const start = balanceAt(null, terms({ amount: 10 }), START);
    const anew = balanceAt(start, terms({ version: 2, epoch: 2, amount: 3 }), START);
    expect(giveBack(anew, 5, 1, 0).remaining).toBe(3);
  });
});
