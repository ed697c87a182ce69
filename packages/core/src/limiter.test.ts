import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KaanaError } from './errors.ts';
import { Limiter, REQUEST_WINDOW_MS, stateOf } from './limiter.ts';
import type { Admission, LimitStore } from './stores.ts';

type Asked = { readonly id: string; readonly count: number; readonly limit: number };

/** The sliding log in its simplest form: exact, in memory, on a clock that is set by hand. */
class SlidingLog implements LimitStore {
  now = 0;
  readonly asked: Asked[] = [];
  readonly granted: { readonly id: string; readonly at: number }[] = [];
  #log = new Map<string, number[]>();

  admit(id: string, count: number, limit: number, windowMs: number): Promise<Admission> {
    this.asked.push({ id, count, limit });
    const live = (this.#log.get(id) ?? []).filter((at) => at > this.now - windowMs);
    const granted = Math.max(0, Math.min(count, limit - live.length));
    for (let index = 0; index < granted; index++) {
      live.push(this.now);
      this.granted.push({ id, at: this.now });
    }
    this.#log.set(id, live);
    const [oldest] = live;
    return Promise.resolve({
      granted,
      used: live.length,
      oldestLeavesInMs: oldest === undefined ? 0 : oldest + windowMs - this.now,
    });
  }

  refund(id: string): Promise<void> {
    this.#log.get(id)?.pop();
    return Promise.resolve();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const settle = async () => {
  for (let count = 0; count < 3; count++) await turn();
};

describe('the state that a waiter meets', () => {
  const admission: Admission = { granted: 2, used: 5, oldestLeavesInMs: 1_200 };

  it('counts down over the waiters that one admission lets in, and refuses the rest', () => {
    const states = [0, 1, 2, 3].map((index) => stateOf(admission, index, 5, 60_000));
    expect(states.map(({ allowed }) => allowed)).toEqual([true, true, false, false]);
    expect(states.map(({ remaining }) => remaining)).toEqual([1, 0, 0, 0]);
  });

  it('rounds the wait up to whole seconds, one at least', () => {
    expect(stateOf(admission, 0, 5, 60_000)).toMatchObject({ resetSeconds: 2, limit: 5, windowSeconds: 60 });
    expect(stateOf({ ...admission, oldestLeavesInMs: 0 }, 0, 5, 60_000).resetSeconds).toBe(1);
  });

  it('has nothing remaining, and never less, when the limit was lowered below what is used', () => {
    expect(stateOf({ granted: 0, used: 90, oldestLeavesInMs: 5 }, 0, 10, 60_000)).toMatchObject({
      allowed: false,
      remaining: 0,
    });
  });
});

describe('the limiter', () => {
  it('lets in exactly the limit of those that arrive at once, the first ones first', async () => {
    const store = new SlidingLog();
    const limiter = new Limiter(store);
    const states = await Promise.all(Array.from({ length: 250 }, () => limiter.admit('account', 100)));
    expect(states.map(({ allowed }) => allowed)).toEqual(
      Array.from({ length: 250 }, (_, index) => index < 100),
    );
    expect(states.slice(0, 100).map(({ remaining }) => remaining)).toEqual(
      Array.from({ length: 100 }, (_, index) => 99 - index),
    );
    expect(store.asked.map(({ count }) => count)).toEqual([100, 100, 50]);
  });

  it('lets the 101st in when the first has left the window, and not a millisecond sooner', async () => {
    const store = new SlidingLog();
    const limiter = new Limiter(store);
    for (let count = 0; count < 100; count++) await limiter.admit('account', 100);
    store.now = REQUEST_WINDOW_MS - 1;
    expect(await limiter.admit('account', 100)).toMatchObject({ allowed: false, resetSeconds: 1 });
    store.now = REQUEST_WINDOW_MS;
    expect(await limiter.admit('account', 100)).toMatchObject({ allowed: true });
  });

  it('gathers what arrives while an admission is under way, and counts it in the next', async () => {
    const waiting: (() => void)[] = [];
    const log = new SlidingLog();
    const store: LimitStore = {
      ...log,
      admit: async (...asked) => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return log.admit(...asked);
      },
      refund: (id) => log.refund(id),
    };
    const limiter = new Limiter(store);
    const first = limiter.admit('account', 100);
    await settle();
    const rest = [1, 2, 3].map(() => limiter.admit('account', 100));
    await settle();
    expect(waiting).toHaveLength(1);
    waiting.shift()?.();
    expect(await first).toMatchObject({ allowed: true, remaining: 99 });
    await settle();
    waiting.shift()?.();
    expect((await Promise.all(rest)).map(({ remaining }) => remaining)).toEqual([98, 97, 96]);
    expect(log.asked.map(({ count }) => count)).toEqual([1, 3]);
  });

  it('does not let one account wait for another', async () => {
    const log = new SlidingLog();
    const store: LimitStore = {
      admit: (id, ...asked) => (id === 'stuck' ? new Promise(() => {}) : log.admit(id, ...asked)),
      refund: (id) => log.refund(id),
    };
    const limiter = new Limiter(store);
    void limiter.admit('stuck', 100);
    await settle();
    void limiter.admit('stuck', 100);
    expect(await limiter.admit('other', 100)).toMatchObject({ allowed: true, remaining: 99 });
  });

  it('hands the error of an admission to those that it was for, and works again afterwards', async () => {
    const log = new SlidingLog();
    const error = new KaanaError('store_unavailable', 'away');
    let away = true;
    const store: LimitStore = {
      admit: (...asked) => (away ? Promise.reject(error) : log.admit(...asked)),
      refund: (id) => log.refund(id),
    };
    const limiter = new Limiter(store);
    const refused = await Promise.allSettled([limiter.admit('a', 10), limiter.admit('a', 10)]);
    expect(refused.map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual([error, error]);
    away = false;
    expect(await limiter.admit('a', 10)).toMatchObject({ allowed: true, remaining: 9 });
  });

  it('refuses with `overloaded` what is too much to wait, and goes on with those that wait', async () => {
    const limiter = new Limiter(new SlidingLog(), 3);
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => limiter.admit('a', 100)));
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    for (const outcome of outcomes.slice(3))
      expect(outcome).toMatchObject({ reason: { code: 'overloaded', retryAfterSeconds: 1 } });
    expect(await limiter.admit('a', 100)).toMatchObject({ allowed: true, remaining: 96 });
  });

  it('keeps to the newest limit that it was told', async () => {
    const store = new SlidingLog();
    const limiter = new Limiter(store);
    const before = [1, 2].map(() => limiter.admit('a', 100));
    const after = [1, 2].map(() => limiter.admit('a', 3));
    const states = await Promise.all([...before, ...after]);
    expect(states.filter(({ allowed }) => allowed)).toHaveLength(3);
    for (const { count, limit } of store.asked) expect(count).toBeLessThanOrEqual(limit);
  });

  it('agrees with the log for every pattern of arrivals: exact both ways, in order, never asking beyond the limit', async () => {
    const arrivals = fc.array(
      fc.record({
        account: fc.constantFrom('a', 'b'),
        count: fc.integer({ min: 1, max: 12 }),
        waitMs: fc.constantFrom(0, 0, 1, 999, 20_000, REQUEST_WINDOW_MS - 1, REQUEST_WINDOW_MS),
      }),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(arrivals, fc.integer({ min: 1, max: 9 }), async (pattern, limit) => {
        const store = new SlidingLog();
        const limiter = new Limiter(store);
        const model = new SlidingLog();
        for (const { account, count, waitMs } of pattern) {
          store.now += waitMs;
          model.now = store.now;
          const states = await Promise.all(
            Array.from({ length: count }, () => limiter.admit(account, limit)),
          );
          for (const { allowed, remaining } of states) {
            const expected = await model.admit(account, 1, limit, REQUEST_WINDOW_MS);
            expect(allowed).toBe(expected.granted === 1);
            expect(remaining).toBe(limit - expected.used);
          }
        }
        expect(store.granted).toEqual(model.granted);
        for (const asked of store.asked) {
          expect(asked.count).toBeGreaterThan(0);
          expect(asked.count).toBeLessThanOrEqual(asked.limit);
        }
      }),
      { numRuns: 150 },
    );
  });
});
