import {
  type Counts,
  INTERVAL_MS,
  noCounts,
  OUTCOMES,
  type Outcome,
  startOf,
  USAGE_INTERVALS,
  type UsageQuery,
  type UsageStore,
} from '@kaana/core';
import fc from 'fast-check';
import mongoose from 'mongoose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defineModels, type Models } from '../schemas.ts';
import { openTestDatabase, type TestDatabase } from '../testing/index.ts';
import { createUsageStore } from './usage.ts';
import type { RollUpBounds } from './usage-roll-up.ts';

const { minute: MINUTE, hour: HOUR, day: DAY } = INTERVAL_MS;
const START = Date.UTC(2026, 0, 1);
const ORGANIZATION = 'org_1';
const OWNERS: Record<string, string> = { key_1: 'acc_1', key_2: 'acc_1', key_3: 'acc_2' };
const KEYS = Object.keys(OWNERS);
/** So small that the least use needs several steps, batches and calls. */
const TINY: RollUpBounds = { documents: 2, steps: 3, batch: 2, deletions: 3 };

let database: TestDatabase;
let connection: mongoose.Connection;
let models: Models;
beforeAll(async () => {
  database = await openTestDatabase();
  connection = await mongoose.createConnection(database.uri, { dbName: database.name }).asPromise();
  models = defineModels(connection);
});
afterAll(async () => {
  await connection.close();
  await database[Symbol.asyncDispose]();
});

const COLLECTIONS = ['usage_minutes', 'usage_hours', 'usage_days', 'usage_rollups'];
const clear = () => Promise.all(COLLECTIONS.map((name) => database.raw(name).deleteMany({})));
beforeEach(clear);
const sizes = async () => {
  const [minutes, hours, days] = await Promise.all(
    COLLECTIONS.slice(0, 3).map((name) => database.raw(name).countDocuments()),
  );
  return { minutes, hours, days };
};

const PROMISED = ['findOne', 'bulkWrite', 'findOneAndUpdate', 'deleteMany'];
const READ_BY_CURSOR = ['find', 'aggregate'];
type Hook = () => void | Promise<void>;
type Method = (...input: unknown[]) => unknown;
type Cursor = { toArray(): Promise<unknown[]>; close(): Promise<void> } & AsyncIterable<unknown>;

/** A store that calls `before` and `after` with each of its operations. */
const intercepted = (
  { before, after }: { before?: Hook; after?: Hook },
  bounds: RollUpBounds = TINY,
): UsageStore => {
  const promised = async (operation: () => unknown) => {
    await before?.();
    const result = await operation();
    await after?.();
    return result;
  };
  const wrap = <Wrapped extends { collection: object }>(model: Wrapped): Wrapped => ({
    ...model,
    collection: new Proxy(model.collection, {
      get: (target, name) => {
        const method = Reflect.get(target, name) as Method;
        if (PROMISED.includes(String(name)))
          return (...input: unknown[]) => promised(() => method.apply(target, input));
        if (!READ_BY_CURSOR.includes(String(name))) return method;
        return (...input: unknown[]): Cursor => {
          const cursor = method.apply(target, input) as Cursor;
          return {
            toArray: () => promised(() => cursor.toArray()) as Promise<unknown[]>,
            close: () => cursor.close(),
            [Symbol.asyncIterator]: async function* () {
              await before?.();
              yield* cursor;
              await after?.();
            },
          };
        };
      },
    }),
  });
  const { usageMinutes, usageHours, usageDays, usageRollUps } = models;
  return createUsageStore(
    {
      ...models,
      usageMinutes: wrap(usageMinutes),
      usageHours: wrap(usageHours),
      usageDays: wrap(usageDays),
      usageRollUps: wrap(usageRollUps),
    },
    bounds,
  );
};

type Use = { readonly keyId: string; readonly at: number; readonly outcome: Outcome; readonly count: number };
const write = (store: UsageStore, uses: readonly Use[]) =>
  store.add(
    uses.map(({ keyId, at, outcome, count }) => ({
      organizationId: ORGANIZATION,
      accountId: OWNERS[keyId] ?? '',
      keyId,
      minute: startOf('minute', at),
      counts: { ...noCounts(), [outcome]: count },
    })),
    [],
  );

type Asked = Pick<UsageQuery, 'keyId' | 'accountId'> & { readonly from: number; readonly to: number };
const sumBy = <Group>(uses: readonly Use[], groupOf: (use: Use) => Group): Map<Group, Counts> => {
  const sums = new Map<Group, Counts>();
  for (const use of uses) {
    const sum = sums.get(groupOf(use)) ?? noCounts();
    sum[use.outcome] += use.count;
    sums.set(groupOf(use), sum);
  }
  return sums;
};

/** What the store says equals what a plain sum says, for the range that it says it is for. */
const check = async (store: UsageStore, uses: readonly Use[], asked: Asked, now: number) => {
  const { keyId, accountId } = asked;
  const query: UsageQuery = {
    organizationId: ORGANIZATION,
    keyId,
    accountId,
    from: new Date(asked.from),
    to: new Date(asked.to),
    now: new Date(now),
  };
  const within = (range: { from: Date; to: Date }) => {
    expect(range.from.getTime()).toBeLessThanOrEqual(asked.from);
    expect(range.to.getTime()).toBeGreaterThanOrEqual(asked.to);
    return uses.filter(
      (use) =>
        use.at >= range.from.getTime() &&
        use.at < range.to.getTime() &&
        (keyId === undefined || use.keyId === keyId) &&
        (accountId === undefined || OWNERS[use.keyId] === accountId),
    );
  };
  const { rows, ...range } = await store.byKey(query);
  expect(new Map(rows.map((row) => [row.keyId, row.counts]))).toEqual(
    sumBy(within(range), (use) => use.keyId),
  );
  for (const interval of USAGE_INTERVALS) {
    const series = await store.series(query, interval).catch((error: { code?: string }) => {
      expect(error).toMatchObject({ code: 'invalid_input' });
      expect(asked.from).toBeLessThan(now - (interval === 'minute' ? 2 : 130) * DAY);
      return null;
    });
    if (!series) continue;
    const expected = sumBy(within(series), (use) => startOf(interval, use.at));
    expect(series.rows).toEqual(
      [...expected].toSorted(([a], [b]) => a - b).map(([at, counts]) => ({ at: new Date(at), counts })),
    );
  }
};

const rollUpAll = async (store: UsageStore, now: number) => {
  while (await store.rollUp(now));
};

const everything = (now: number): Asked => ({ from: START, to: now + DAY });

describe('the roll-up of usage', () => {
  it('sums hours that ended an hour ago and whole days, and deletes only what is summed and old', async () => {
    const { usage } = database.stores;
    const uses: Use[] = [0, 30 * MINUTE, HOUR, DAY, DAY + 5 * HOUR].map((offset) => ({
      keyId: 'key_1',
      at: START + offset,
      outcome: 'served',
      count: 1,
    }));
    await write(usage, uses);
    const at = async (now: number) => {
      await rollUpAll(usage, now);
      await check(usage, uses, everything(now), now);
      return sizes();
    };
    expect(await at(START + 2 * HOUR - 1)).toEqual({ minutes: 5, hours: 0, days: 0 });
    expect(await at(START + 2 * HOUR)).toEqual({ minutes: 5, hours: 1, days: 0 });
    expect(await at(START + DAY + 2 * HOUR)).toEqual({ minutes: 5, hours: 3, days: 1 });
    expect(await at(START + 2 * DAY + 2 * HOUR)).toEqual({ minutes: 3, hours: 4, days: 1 });
    expect(await at(START + 10 * DAY)).toEqual({ minutes: 0, hours: 4, days: 1 });
    // The second day is summed as soon as the hours have come past it.
    const later: Use = { keyId: 'key_1', at: START + 200 * DAY, outcome: 'served', count: 1 };
    await write(usage, [later]);
    uses.push(later);
    expect(await at(START + 201 * DAY)).toEqual({ minutes: 1, hours: 1, days: 2 });
  });

  it('loses nothing of a server that was off for a month', async () => {
    const { usage } = database.stores;
    const uses: Use[] = Array.from({ length: 50 }, (_, index) => ({
      keyId: KEYS[index % 3] ?? '',
      at: START + index * 17 * MINUTE,
      outcome: 'served',
      count: index + 1,
    }));
    await write(usage, uses);
    const now = START + 30 * DAY;
    await check(usage, uses, everything(now), now);
    await rollUpAll(usage, now);
    await check(usage, uses, everything(now), now);
    expect((await sizes()).minutes).toBe(0);
  });

  it('widens a range whose edges are no longer kept, and says so', async () => {
    const { usage } = database.stores;
    const now = START + 140 * DAY;
    const ask = (from: number, to: number) =>
      usage.byKey({
        organizationId: ORGANIZATION,
        from: new Date(from),
        to: new Date(to),
        now: new Date(now),
      });
    expect(await ask(START + DAY + 90 * MINUTE, now - 10 * DAY - 90 * MINUTE)).toEqual({
      from: new Date(START + DAY),
      to: new Date(now - 10 * DAY - HOUR),
      rows: [],
    });
  });

  /** Several steps and batches, in two calls. */
  const SMALL: RollUpBounds = { documents: 4, steps: 3, batch: 4, deletions: 10 };
  const OLD_USES: readonly Use[] = [0, 61, 1445, 9000].flatMap((minutes, index) =>
    KEYS.slice(index % 2).map((keyId) => ({
      keyId,
      at: START + minutes * MINUTE,
      outcome: 'served' as const,
      count: index + 1,
    })),
  );
  const OLD_NOW = START + 140 * DAY;
  const ROLLED_UP = { minutes: 0, hours: 2, days: 6 };
  const checkOld = (store: UsageStore) => check(store, OLD_USES, everything(OLD_NOW), OLD_NOW);
  /** Does `work` with a hook that acts at the first operation, then again with one that acts at the second, and so on. */
  const atEveryStep = async (act: Hook, work: (hook: Hook) => Promise<void>) => {
    let acted = true;
    let step = 0;
    while (acted) {
      step++;
      acted = false;
      await clear();
      await write(database.stores.usage, OLD_USES);
      let calls = 0;
      await work(async () => {
        if (++calls !== step) return;
        acted = true;
        await act();
      });
    }
    return step - 1;
  };

  it('is exact whatever step it dies in, and whoever goes on', async () => {
    const die = () => {
      throw new Error('died');
    };
    const steps = await atEveryStep(die, async (hook) => {
      await rollUpAll(intercepted({ before: hook }, SMALL), OLD_NOW).catch((error: Error) =>
        expect(error.message).toBe('died'),
      );
      await checkOld(database.stores.usage);
      const other = createUsageStore(models, SMALL);
      await rollUpAll(other, OLD_NOW);
      await checkOld(other);
      expect(await sizes()).toEqual(ROLLED_UP);
    });
    expect(steps).toBeGreaterThan(20);
  });

  it('is exact if another process does it all, deletion too, between any two of its steps', async () => {
    const other = createUsageStore(models, SMALL);
    const overtake = () => rollUpAll(other, OLD_NOW);
    const steps = await atEveryStep(overtake, async (hook) => {
      await rollUpAll(intercepted({ before: hook }, SMALL), OLD_NOW);
      await checkOld(other);
      expect(await sizes()).toEqual(ROLLED_UP);
    });
    expect(steps).toBeGreaterThan(20);
  });

  it('is not seen by a query, in the middle of which it does it all', async () => {
    const other = createUsageStore(models, SMALL);
    const overtake = () => rollUpAll(other, OLD_NOW);
    const steps = await atEveryStep(overtake, (hook) => checkOld(intercepted({ before: hook }, SMALL)));
    expect(steps).toBeGreaterThan(5);
  });

  it('equals a plain sum over random use, at every moment, with processes that roll up at once and die', async () => {
    const offset = fc.oneof(
      fc.nat(3 * HOUR),
      fc.nat(3 * DAY),
      fc.nat(200 * DAY),
      fc.constantFrom(0, HOUR, DAY, 2 * DAY, 130 * DAY),
    );
    const asked = fc.record({
      back: offset,
      length: offset.map((length) => length + 1),
      keyId: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
      accountId: fc.option(fc.constantFrom('acc_1', 'acc_2'), { nil: undefined }),
    });
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          keyId: fc.constantFrom(...KEYS),
          outcome: fc.constantFrom(...OUTCOMES),
          count: fc.integer({ min: 1, max: 9 }),
          // What is written late is at most half an hour late.
          late: fc.nat(29 * MINUTE),
        }),
      },
      { weight: 4, arbitrary: fc.record({ wait: offset }) },
      {
        weight: 4,
        arbitrary: fc.record({
          // Each process: the operation that it dies in, and the turns that it waits after each.
          processes: fc.array(
            fc.record({
              dies: fc.option(fc.integer({ min: 1, max: 40 })),
              turns: fc.array(fc.nat(12), { minLength: 1, maxLength: 8 }),
            }),
            { minLength: 1, maxLength: 3 },
          ),
          asked: fc.array(asked, { minLength: 1, maxLength: 2 }),
        }),
      },
    );
    const readers = createUsageStore(models, TINY);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20, size: 'max' }), async (steps) => {
        await clear();
        let now = START;
        const uses: Use[] = [];
        for (const event of steps) {
          if ('wait' in event) now += event.wait;
          else if ('keyId' in event) {
            const use = { ...event, at: Math.max(START, now - event.late) };
            uses.push(use);
            await write(readers, [use]);
          } else {
            const rolling = event.processes.map(({ dies, turns }) => {
              let calls = 0;
              const process = intercepted({
                before: () => {
                  calls++;
                  if (calls === dies) throw new Error('died');
                },
                after: async () => {
                  const wait = turns[calls % turns.length] ?? 0;
                  for (let turn = 0; turn < wait; turn++)
                    await new Promise((resolve) => setImmediate(resolve));
                },
              });
              return rollUpAll(process, now).catch((error: Error) => expect(error.message).toBe('died'));
            });
            const asking = event.asked.map(({ back, length, ...of }) =>
              check(readers, uses, { ...of, from: now - back, to: now - back + length }, now),
            );
            await Promise.all([...rolling, ...asking]);
            await check(readers, uses, everything(now), now);
          }
        }
        await rollUpAll(readers, now);
        await check(readers, uses, everything(now), now);
      }),
      { numRuns: 30, interruptAfterTimeLimit: 30_000 },
    );
  });

  it('keeps a year of a busy key in some 6,500 documents', async () => {
    const { usage } = database.stores;
    const now = START + 365 * DAY + 30 * MINUTE;
    const minutes = [];
    // Every minute of the last days, and one of each hour before: as many hours and days as of a key in constant use.
    for (let at = START; at < now; at += at < now - 3 * DAY ? HOUR : MINUTE) minutes.push(at);
    for (let index = 0; index < minutes.length; index += 5_000) {
      const batch = minutes.slice(index, index + 5_000);
      await database.raw('usage_minutes').insertMany(
        batch.map((at) => ({
          _id: `key_1:${at}` as never,
          organizationId: ORGANIZATION,
          accountId: 'acc_1',
          keyId: 'key_1',
          at: new Date(at),
          ...noCounts(),
          served: 2,
        })),
      );
    }
    await rollUpAll(usage, now);
    const { minutes: m = 0, hours = 0, days = 0 } = await sizes();
    expect(days).toBe(364);
    expect(hours).toBeGreaterThanOrEqual(130 * 24);
    expect(m).toBeGreaterThanOrEqual(2 * 24 * 60);
    expect(m + hours + days).toBeLessThan(6_600);
    const uses = minutes.map((at): Use => ({ keyId: 'key_1', at, outcome: 'served', count: 2 }));
    await check(usage, uses, everything(now), now);
  });

  it('counts once when several processes write the same new minute at the same moment', async () => {
    const { usage } = database.stores;
    const uses: Use[] = [];
    for (let minute = 0; minute < 20; minute++) {
      const use: Use = { keyId: 'key_1', at: START + minute * MINUTE, outcome: 'served', count: 1 };
      await Promise.all(
        Array.from({ length: 8 }, () => {
          uses.push(use);
          return write(usage, [use]);
        }),
      );
    }
    await check(usage, uses, everything(START), START + HOUR);
  });
});
