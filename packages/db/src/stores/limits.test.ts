import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../testing/index.ts';
import { EXACT_LIMIT } from './limits.ts';

const WINDOW_MS = 60_000;

let database: TestDatabase;
let next = 0;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const newId = () => `limit-${++next}`;
const admit = (id: string, count: number, limit: number) =>
  database.stores.limits.admit(id, count, limit, WINDOW_MS);

/** Lets time pass for one limit, without waiting for it: what it remembers becomes older. */
const age = async (id: string, ms: number) => {
  const older = (path: string) => ({ $subtract: [path, ms] });
  await database.raw('rate_limits').updateOne({ _id: id as never }, [
    {
      $set: {
        admissions: { $map: { input: { $ifNull: ['$admissions', []] }, as: 'at', in: older('$$at') } },
        ticks: {
          $map: {
            input: { $ifNull: ['$ticks', []] },
            as: 'tick',
            in: { at: older('$$tick.at'), n: '$$tick.n' },
          },
        },
      },
    },
  ]);
  // Each kind of log exists only where it is used.
  const { admissions = [], ticks = [] } =
    (await database
      .raw('rate_limits')
      .findOne<{ admissions: Date[]; ticks: unknown[] }>({ _id: id as never })) ?? {};
  const empty = {
    ...(admissions.length === 0 && { admissions: '' }),
    ...(ticks.length === 0 && { ticks: '' }),
  };
  if (Object.keys(empty).length > 0) {
    await database.raw('rate_limits').updateOne({ _id: id as never }, { $unset: empty });
  }
};

describe('a limit', () => {
  it('admits up to itself and no more, also in parts', async () => {
    const id = newId();
    expect(await admit(id, 3, 5)).toMatchObject({ granted: 3, used: 3 });
    expect(await admit(id, 3, 5)).toMatchObject({ granted: 2, used: 5 });
    const refused = await admit(id, 1, 5);
    expect(refused).toMatchObject({ granted: 0, used: 5 });
    expect(refused.oldestLeavesInMs).toBeGreaterThan(0);
    expect(refused.oldestLeavesInMs).toBeLessThanOrEqual(WINDOW_MS);
  });

  it('is sliding: there is no boundary at which twice as many pass', async () => {
    const id = newId();
    await admit(id, 4, 5);
    await age(id, 59_000);
    expect(await admit(id, 5, 5)).toMatchObject({ granted: 1 });
    await age(id, 2_000);
    expect(await admit(id, 5, 5)).toMatchObject({ granted: 4, used: 5 });
  });

  it('is shared by all who ask at the same moment', async () => {
    const id = newId();
    const all = await Promise.all(Array.from({ length: 40 }, () => admit(id, 3, 50)));
    expect(all.reduce((sum, { granted }) => sum + granted, 0)).toBe(50);
  });

  it('takes effect at once when it is lowered or raised', async () => {
    const id = newId();
    await admit(id, 10, 10);
    expect(await admit(id, 1, 5)).toMatchObject({ granted: 0 });
    expect(await admit(id, 9, 12)).toMatchObject({ granted: 2 });
  });

  it('gives back what did not count', async () => {
    const id = newId();
    await admit(id, 2, 2);
    await database.stores.limits.refund(id);
    expect(await admit(id, 2, 2)).toMatchObject({ granted: 1 });
  });

  it('does not refuse for ever because of a clock that was set back', async () => {
    const id = newId();
    await admit(id, 5, 5);
    await age(id, -3 * WINDOW_MS);
    expect(await admit(id, 5, 5)).toMatchObject({ granted: 5 });
  });

  it.each([4, EXACT_LIMIT + 4])(
    'of %i agrees with a plain sliding log, whatever the arrivals',
    async (limit) => {
      const scale = Math.ceil(limit / 8);
      // Steps of 11 seconds: no sum of them is so near to the window that the time of the test itself could matter.
      const arrivals = fc.array(fc.record({ steps: fc.nat(3), count: fc.integer({ min: 1, max: 6 }) }), {
        maxLength: 12,
      });
      await fc.assert(
        fc.asyncProperty(arrivals, async (pattern) => {
          const id = newId();
          let now = 0;
          const log: { at: number; n: number }[] = [];
          for (const { steps, count } of pattern) {
            if (steps > 0) await age(id, steps * 11_000);
            now += steps * 11_000;
            const wanted = Math.min(limit, count * scale);
            const used = log.filter(({ at }) => at > now - WINDOW_MS).reduce((sum, { n }) => sum + n, 0);
            const fits = Math.min(wanted, limit - used);
            expect(await admit(id, wanted, limit)).toMatchObject({ granted: fits, used: used + fits });
            log.push({ at: now, n: fits });
          }
        }),
        { numRuns: 25 },
      );
    },
  );

  it('forgets nothing when it grows beyond what is remembered one by one, or shrinks back', async () => {
    const id = newId();
    await admit(id, 100, 100);
    expect(await admit(id, EXACT_LIMIT, EXACT_LIMIT + 50)).toMatchObject({ granted: EXACT_LIMIT - 50 });
    expect(await admit(id, 1, EXACT_LIMIT + 50)).toMatchObject({ granted: 0 });
    expect(await admit(id, 1, 100)).toMatchObject({ granted: 0 });
    await age(id, WINDOW_MS + 1_000);
    expect(await admit(id, 100, 100)).toMatchObject({ granted: 100 });
  });
});
