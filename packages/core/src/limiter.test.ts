import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXACT_LIMIT } from './admission-log.ts';
import { KaanaError } from './errors.ts';
import { returnAttempt, takeAttempt } from './limit-question.ts';
import { Limiter } from './limiter.ts';
import { type RateLimitState, REQUEST_WINDOW_MS } from './meter.ts';
import { ManualTime, MemoryLimits, settled } from './testing/limits.ts';

const setUp = (options: { processes?: number; uncertaintyMs?: number; maxWaiting?: number } = {}) => {
  const { processes = 1, uncertaintyMs = 0, maxWaiting = 100_000 } = options;
  const time = new ManualTime();
  const store = new MemoryLimits(time, uncertaintyMs);
  const limiters = Array.from({ length: processes }, () => new Limiter(store, { timer: time, maxWaiting }));
  const limiter = limiters[0] as Limiter;
  const ask = (count: number, limit: number, account = 'a', by = limiter) =>
    Promise.all(Array.from({ length: count }, () => by.admit(account, limit)));
  return { time, store, limiters, limiter, ask };
};

const allowed = (states: readonly RateLimitState[]) => states.filter((state) => state.allowed).length;

describe('the limiter', () => {
  it('lets in exactly the limit of those that arrive at once, the first ones first, counting down', async () => {
    const { ask } = setUp();
    const states = await ask(250, 100);
    expect(states.map((state) => state.allowed)).toEqual(
      Array.from({ length: 250 }, (_, index) => index < 100),
    );
    expect(states.slice(0, 100).map(({ remaining }) => remaining)).toEqual(
      Array.from({ length: 100 }, (_, index) => 99 - index),
    );
    expect(states.at(-1)).toEqual({
      allowed: false,
      limit: 100,
      remaining: 0,
      resetSeconds: 60,
      windowSeconds: 60,
    });
  });

  it('lets the 101st in when the first has left the window, and not a millisecond sooner', async () => {
    const { ask, time } = setUp();
    await ask(100, 100);
    time.advance(REQUEST_WINDOW_MS - 1);
    expect(await ask(1, 100)).toMatchObject([{ allowed: false, resetSeconds: 1 }]);
    time.advance(1);
    expect(await ask(1, 100)).toMatchObject([{ allowed: true }]);
  });

  it('asks the store nothing for those that it refuses, once it knows that all is used up', async () => {
    const { ask, store, time } = setUp();
    await ask(101, 100);
    const { reads, writes } = store;
    expect(allowed(await ask(1_000, 100))).toBe(0);
    expect(store).toMatchObject({ reads, writes });
    time.advance(REQUEST_WINDOW_MS);
    expect(allowed(await ask(1, 100))).toBe(1);
  });

  it('takes a changed limit at once, up and down', async () => {
    const { ask } = setUp();
    await ask(11, 10);
    expect(allowed(await ask(9, 12))).toBe(2);
    expect(allowed(await ask(1, 5))).toBe(0);
    expect(allowed(await ask(2, 13))).toBe(1);
  });

  it('gathers what arrives while a question is under way, and asks once for it', async () => {
    const { limiter, store } = setUp();
    const waiting: (() => void)[] = [];
    store.interfere = () => new Promise((resolve) => waiting.push(resolve));
    const first = limiter.admit('a', 100);
    await settled();
    const rest = [1, 2, 3].map(() => limiter.admit('a', 100));
    await settled();
    expect(waiting).toHaveLength(1);
    store.interfere = async () => {};
    waiting.shift()?.();
    expect(await first).toMatchObject({ allowed: true, remaining: 99 });
    expect((await Promise.all(rest)).map(({ remaining }) => remaining)).toEqual([98, 97, 96]);
    expect(store.writes).toBe(2);
  });

  it('does not let one account wait for another', async () => {
    const { limiter, store } = setUp();
    store.interfere = (id) => (id === 'stuck' ? new Promise(() => {}) : Promise.resolve());
    void limiter.admit('stuck', 100);
    await settled();
    void limiter.admit('stuck', 100);
    expect(await limiter.admit('other', 100)).toMatchObject({ allowed: true, remaining: 99 });
  });

  it('hands the error of a question to those that it was for, and works again afterwards', async () => {
    const { limiter, store } = setUp();
    const error = new KaanaError('store_unavailable', 'away');
    store.interfere = () => Promise.reject(error);
    const refused = await Promise.allSettled([limiter.admit('a', 10), limiter.admit('a', 10)]);
    expect(refused.map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual([error, error]);
    store.interfere = async () => {};
    expect(await limiter.admit('a', 10)).toMatchObject({ allowed: true, remaining: 9 });
  });

  it('refuses with `overloaded` what is too much to wait, and goes on with those that wait', async () => {
    const { limiter } = setUp({ maxWaiting: 3 });
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

  it('refuses nobody by what it remembers: another process may have made room', async () => {
    const { limiters, ask, time } = setUp({ processes: 2 });
    const [one, other] = limiters as [Limiter, Limiter];
    await ask(3, 5, 'a', one);
    await ask(2, 5, 'a', other);
    time.advance(REQUEST_WINDOW_MS);
    await ask(5, 5, 'a', other);
    time.advance(REQUEST_WINDOW_MS);
    expect(allowed(await ask(5, 5, 'a', one))).toBe(5);
  });
});

describe('admissions in advance', () => {
  const LIMIT = 10_000;

  it('spare the store nearly all questions of steady traffic', async () => {
    const { ask, limiter, store, time } = setUp();
    for (let tick = 0; tick < 100; tick++) {
      expect(allowed(await ask(10, LIMIT))).toBe(10);
      time.advance(20);
      await limiter.settle();
    }
    expect(store.writes).toBeLessThan(15);
  });

  it('are counted down truthfully, and used up exactly', async () => {
    const { ask, limiter, time } = setUp();
    const remaining: number[] = [];
    for (let tick = 0; tick < 300; tick++) {
      for (const state of await ask(50, LIMIT)) if (state.allowed) remaining.push(state.remaining);
      time.advance(20);
      await limiter.settle();
    }
    expect(remaining).toEqual(Array.from({ length: LIMIT }, (_, index) => LIMIT - 1 - index));
  });

  it('are returned to the other processes, which wait for that instead of refusing', async () => {
    const { limiters, ask, time } = setUp({ processes: 2 });
    const [one, other] = limiters as [Limiter, Limiter];
    await ask(1_000, LIMIT, 'a', one);
    time.advance(100);
    await ask(1, LIMIT, 'a', one);
    const rest = ask(LIMIT - 1_001, LIMIT, 'a', other);
    await settled();
    for (let step = 0; step < 8; step++) {
      time.advance(250);
      await one.settle();
      await settled();
    }
    expect(allowed(await rest)).toBe(LIMIT - 1_001);
    expect(allowed(await ask(1, LIMIT, 'a', other))).toBe(0);
  });

  it('that a dead process took count as used, so that the limit is never exceeded', async () => {
    const { limiters, ask, time } = setUp({ processes: 2 });
    const [dying, other] = limiters as [Limiter, Limiter];
    await ask(1_000, LIMIT, 'a', dying);
    time.advance(100);
    await ask(1, LIMIT, 'a', dying);
    const rest = ask(LIMIT, LIMIT, 'a', other);
    for (let step = 0; step < 12; step++) {
      await settled();
      time.advance(250);
    }
    const admitted = allowed(await rest);
    expect(admitted).toBeGreaterThanOrEqual(LIMIT / 2);
    expect(admitted).toBeLessThan(LIMIT - 1_001);
    time.advance(REQUEST_WINDOW_MS);
    expect(allowed(await ask(LIMIT, LIMIT, 'a', other))).toBe(LIMIT);
  });
});

describe('a cost', () => {
  it('is admitted whole or not at all, and leaves what it does not get to cheaper ones', async () => {
    const { limiter, time } = setUp();
    const states = await Promise.all([60, 50, 30, 11, 10, 1].map((cost) => limiter.admit('a', 100, cost)));
    expect(states.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
      [true, 40],
      [false, 0],
      [true, 10],
      [false, 0],
      [true, 0],
      [false, 0],
    ]);
    time.advance(REQUEST_WINDOW_MS);
    expect(await limiter.admit('a', 100, 100)).toMatchObject({ allowed: true, remaining: 0 });
    expect(await limiter.admit('a', 100, 1)).toMatchObject({ allowed: false });
  });

  it('that does not fit refuses nobody else, and says when it could fit', async () => {
    const { limiter, time } = setUp();
    await limiter.admit('a', 100, 30);
    time.advance(10_000);
    await limiter.admit('a', 100, 30);
    time.advance(10_000);
    expect(await limiter.admit('a', 100, 41)).toMatchObject({
      allowed: false,
      remaining: 40,
      resetSeconds: 40,
    });
    expect(await limiter.admit('a', 100, 71)).toMatchObject({
      allowed: false,
      remaining: 40,
      resetSeconds: 50,
    });
    expect(await limiter.admit('a', 100, 1)).toMatchObject({ allowed: true, remaining: 39 });
    time.advance(40_000);
    expect(await limiter.admit('a', 100, 41)).toMatchObject({ allowed: true });
  });

  it('above the limit is never admitted, and counts nothing', async () => {
    const { limiter, store } = setUp();
    for (const cost of [101, 1_000_000_000, Number.MAX_SAFE_INTEGER])
      expect(await limiter.admit('a', 100, cost)).toMatchObject({ allowed: false, remaining: 100 });
    expect(store.writes).toBe(0);
    expect(await limiter.admit('a', 100, 100)).toMatchObject({ allowed: true });
  });

  it('of 0 counts nothing, and tells whether one more would be let in, whoever has used the rest', async () => {
    const { limiters, store, time } = setUp({ processes: 2 });
    const [one, other] = limiters as [Limiter, Limiter];
    await one.admit('a', 10, 4);
    expect(await one.admit('a', 10, 0)).toMatchObject({ allowed: true, remaining: 6 });
    await other.admit('a', 10, 6);
    const { writes } = store;
    expect(await one.admit('a', 10, 0)).toMatchObject({ allowed: false, remaining: 0, resetSeconds: 60 });
    expect(await Promise.all([0, 0].map((cost) => other.admit('a', 10, cost)))).toMatchObject([
      { allowed: false },
      { allowed: false },
    ]);
    expect(store.writes).toBe(writes);
    time.advance(REQUEST_WINDOW_MS);
    expect(await one.admit('a', 10, 0)).toMatchObject({ allowed: true, remaining: 10 });
  });

  it('is asked for together with others, in one question', async () => {
    const { limiter, store } = setUp();
    await Promise.all([0, 5, 1, 1, 0, 3].map((cost) => limiter.admit('a', 100, cost)));
    expect(store.writes).toBe(1);
    expect(await limiter.admit('a', 100, 0)).toMatchObject({ remaining: 90 });
  });

  it('is taken from what is held in advance, where all of it is there', async () => {
    const { limiter, ask, store, time } = setUp();
    await ask(200, 10_000);
    time.advance(100);
    await ask(1, 10_000);
    const { writes } = store;
    expect(await limiter.admit('a', 10_000, 20)).toMatchObject({ allowed: true, remaining: 10_000 - 221 });
    expect(await limiter.admit('a', 10_000, 0)).toMatchObject({ allowed: true, remaining: 10_000 - 221 });
    expect(store.writes).toBe(writes);
    expect(await limiter.admit('a', 10_000, 9_779)).toMatchObject({ allowed: true, remaining: 0 });
  });

  it('waits for what another process may return, and lets others pass meanwhile', async () => {
    const { limiters, ask, time } = setUp({ processes: 2 });
    const [one, other] = limiters as [Limiter, Limiter];
    await ask(1_000, 10_000, 'a', one);
    time.advance(100);
    await ask(1, 10_000, 'a', one);
    const whole = Promise.resolve(other.admit('a', 10_000, 8_000));
    await settled();
    expect(await other.admit('a', 10_000, 1)).toMatchObject({ allowed: true });
    for (let step = 0; step < 8; step++) {
      time.advance(250);
      await one.settle();
      await settled();
    }
    expect(await whole).toMatchObject({ allowed: true, remaining: 10_000 - 1_001 - 8_001 });
  });

  it('does not wait for ever for a process that takes more and more in advance', async () => {
    const { limiters, ask, time } = setUp({ processes: 2 });
    const [one, other] = limiters as [Limiter, Limiter];
    await ask(300, 10_000, 'a', one);
    let state: RateLimitState | undefined;
    void Promise.resolve(other.admit('a', 10_000, 9_900)).then((answer) => {
      state = answer;
    });
    for (let step = 0; step < 20 && !state; step++) {
      time.advance(250);
      await Promise.all([ask(50, 10_000, 'a', one), settled()]);
    }
    expect(state).toMatchObject({ allowed: false });
  });

  it('is refused when too many wait, those that ask again in a moment included', async () => {
    const { limiters, ask, time } = setUp({ processes: 2, maxWaiting: 2 });
    const [one, other] = limiters as [Limiter, Limiter];
    for (let request = 0; request < 60; request++) await ask(1, 10_000, 'a', one);
    time.advance(10);
    await ask(1, 10_000, 'a', one);
    const waiting = [9_930, 9_930].map((cost) => Promise.resolve(other.admit('a', 10_000, cost)));
    await settled();
    await expect(other.admit('a', 10_000, 9_930)).rejects.toMatchObject({ code: 'overloaded' });
    for (let step = 0; step < 20; step++) {
      time.advance(250);
      await one.settle();
      await settled();
    }
    expect(allowed(await Promise.all(waiting))).toBe(1);
  });
});

describe('any arrivals at several processes', () => {
  const ONE = fc.constant(1);
  const arrivals = (counts: fc.Arbitrary<number>, costs: fc.Arbitrary<number>) =>
    fc.array(
      fc.record({
        process: fc.nat(2),
        count: counts,
        cost: costs,
        waitMs: fc.constantFrom(0, 0, 1, 30, 300, 999, 20_000, REQUEST_WINDOW_MS - 1, REQUEST_WINDOW_MS),
      }),
      { maxLength: 20 },
    );

  /** Plays the arrivals; time goes in steps, in which all processes settle. Every answer with its time. */
  const play = async (
    pattern: readonly { process: number; count: number; cost: number; waitMs: number }[],
    limit: number,
    uncertaintyMs: number,
  ) => {
    const { time, limiters } = setUp({ processes: 3, uncertaintyMs });
    const answers: { at: number; allowed: boolean; cost: number }[] = [];
    const pending: Promise<unknown>[] = [];
    const pass = async (ms: number) => {
      for (let left = ms; left > 0; left -= 250) {
        time.advance(Math.min(250, left));
        for (const limiter of limiters) await limiter.settle();
        await settled();
        if (ms > 5_000 && left < ms - 3_000 && left > 3_000) {
          time.advance(left - 2_000);
          left = 2_250;
        }
      }
    };
    for (const { process, count, cost, waitMs } of pattern) {
      await pass(waitMs);
      const states = Array.from({ length: count }, async () => {
        const state = await limiters[process]?.admit('a', limit, cost);
        answers.push({ at: time.now(), allowed: state?.allowed ?? false, cost });
      });
      pending.push(...states);
      await settled();
    }
    await pass(4_000);
    await Promise.all(pending);
    return answers;
  };

  it.each([
    { limit: 5, counts: fc.integer({ min: 1, max: 6 }), costs: ONE, lateMs: 0 },
    { limit: 1_200, counts: fc.integer({ min: 1, max: 500 }), costs: ONE, lateMs: 0 },
    { limit: EXACT_LIMIT + 600, counts: fc.integer({ min: 1, max: 2_000 }), costs: ONE, lateMs: 100 },
    { limit: 9, counts: fc.integer({ min: 1, max: 4 }), costs: fc.integer({ min: 0, max: 6 }), lateMs: 0 },
    {
      limit: EXACT_LIMIT + 600,
      counts: fc.integer({ min: 1, max: 300 }),
      costs: fc.constantFrom(1, 1, 2, 30, 400, 3_000),
      lateMs: 100,
    },
  ])('never exceed a limit of $limit, and are refused only where it is reached', async (scenario) => {
    const { limit, counts, costs, lateMs } = scenario;
    await fc.assert(
      fc.asyncProperty(arrivals(counts, costs), fc.constantFrom(0, 3), async (pattern, uncertaintyMs) => {
        const accepted: { at: number; cost: number }[] = [];
        for (const { at, allowed, cost } of await play(pattern, limit, uncertaintyMs)) {
          const within = (ms: number) =>
            accepted.reduce((sum, { at: time, cost }) => (time > at - ms ? sum + cost : sum), 0);
          if (allowed) {
            accepted.push({ at, cost });
            expect(within(REQUEST_WINDOW_MS)).toBeLessThanOrEqual(limit);
          } else {
            const late = REQUEST_WINDOW_MS + lateMs + 2 * uncertaintyMs + 1;
            expect(within(late)).toBeGreaterThan(limit - Math.max(1, cost));
          }
        }
      }),
      { numRuns: limit < 100 ? 150 : 25 },
    );
  });
});

describe('a throttle', () => {
  const throttle = { limit: 2, windowMs: 5 * 60_000 };

  it('tells how long to wait, and takes back an attempt that did not count', async () => {
    const { store, time } = setUp();
    expect(await takeAttempt(store, 'x', throttle)).toBeNull();
    time.advance(1_000);
    expect(await takeAttempt(store, 'x', throttle)).toBeNull();
    expect(await takeAttempt(store, 'x', throttle)).toBe(throttle.windowMs - 1_000);
    await returnAttempt(store, 'x', throttle);
    expect(await takeAttempt(store, 'x', throttle)).toBeNull();
  });

  it('counts every one of many that come at once', async () => {
    const { store } = setUp();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => takeAttempt(store, 'x', throttle)));
    expect(outcomes.filter((wait) => wait === null)).toHaveLength(2);
  });
});
