import { type LimitRecord, type LimitStore, NO_ADMISSIONS } from '@kaana/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../connect.ts';
import { openTestDatabase, type TestDatabase } from '../testing/index.ts';
import { decodeLog, encodeLog } from './limits.ts';

const KEEP_MS = 120_000;

let database: TestDatabase;
let next = 0;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const newId = () => `limit-${++next}`;
const record = (...log: number[]): LimitRecord => ({ log, leases: [] });

describe('what is remembered of a limit', () => {
  it('is nothing at first, and then what was written last', async () => {
    const { limits } = database.stores;
    const id = newId();
    expect(await limits.read(id)).toEqual({ revision: null, record: NO_ADMISSIONS });
    const first = await limits.write(id, null, record(1_000, 2), KEEP_MS);
    const leases = [{ id: 'lease', until: 2_000.25, count: 7 }];
    const second = await limits.write(id, first, { log: [1_000, 2, 1_500, 1], leases }, KEEP_MS);
    expect(await limits.read(id)).toEqual({
      revision: second,
      record: { log: [1_000, 2, 1_500, 1], leases },
    });
  });

  it('is written by one of those that have read the same, and by nobody who has read something older', async () => {
    const { limits } = database.stores;
    const id = newId();
    const creations = await Promise.all(
      Array.from({ length: 8 }, (_, n) => limits.write(id, null, record(n, 1), KEEP_MS)),
    );
    const [created, ...others] = creations.filter((revision) => revision !== null);
    expect(others).toEqual([]);
    const changes = await Promise.all(
      Array.from({ length: 8 }, (_, n) => limits.write(id, created ?? '', record(n, 2), KEEP_MS)),
    );
    expect(changes.filter((revision) => revision !== null)).toHaveLength(1);
    expect(await limits.write(id, created ?? '', record(9, 9), KEEP_MS)).toBeNull();
  });

  it('goes together with what many others write, and each learns what became of its own', async () => {
    const { limits } = database.stores;
    const ids = Array.from({ length: 40 }, newId);
    const created = await Promise.all(ids.map((id, n) => limits.write(id, null, record(n, 1), KEEP_MS)));
    expect(created).not.toContain(null);
    const outdated = (n: number) => n % 3 === 0;
    const changed = await Promise.all(
      ids.map((id, n) =>
        limits.write(id, outdated(n) ? 'outdated' : (created[n] ?? ''), record(n, 2), KEEP_MS),
      ),
    );
    const again = await Promise.all(ids.map((id, n) => limits.write(id, null, record(n, 9), KEEP_MS)));
    expect(again).toEqual(ids.map(() => null));
    const held = await Promise.all(ids.map((id) => limits.read(id)));
    for (const [n, { revision, record: read }] of held.entries()) {
      expect(changed[n] === null, `write ${n} failed`).toBe(outdated(n));
      expect(revision).toBe(changed[n] ?? created[n]);
      expect(read).toEqual(record(n, outdated(n) ? 1 : 2));
    }
  });

  it('was written, also where another process has written it anew before that was asked', async () => {
    const two = await connect(database.uri, { databaseName: database.name });
    try {
      const ids = Array.from({ length: 30 }, newId);
      // Two processes count in as many documents, and try until they could: nothing is lost or done twice.
      const count = async (limits: LimitStore, id: string) => {
        for (let done = 0; done < 10; ) {
          const { revision, record: held } = await limits.read(id);
          if (await limits.write(id, revision, record(1, (held.log[1] ?? 0) + 1), KEEP_MS)) done++;
        }
      };
      await Promise.all([database, two].flatMap(({ stores }) => ids.map((id) => count(stores.limits, id))));
      const held = await Promise.all(ids.map((id) => two.stores.limits.read(id)));
      expect(held.map(({ record: { log } }) => log[1])).toEqual(ids.map(() => 20));
    } finally {
      await two.close();
    }
  });

  it('is forgotten by the database some time after', async () => {
    const id = newId();
    await database.stores.limits.write(id, null, record(1, 1), KEEP_MS);
    const stored = await database.raw('limits').findOne<{ expiresAt: Date }>({ _id: id as never });
    expect(stored?.expiresAt.getTime()).toBeGreaterThan(Date.now());
    const indexes = await database.raw('limits').indexes();
    expect(indexes.find(({ expireAfterSeconds }) => expireAfterSeconds === 0)?.key).toEqual({ expiresAt: 1 });
  });

  it('survives packing, whatever the times and counts', () => {
    const pairs = fc.array(
      fc.tuple(fc.double({ min: 0, max: 20_000, noNaN: true }), fc.integer({ min: 1, max: 1e9 })),
      {
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(pairs, fc.integer({ min: 0, max: 4e12 }), (steps, start) => {
        let at = start;
        const log = steps.flatMap(([step, count]) => {
          at += step;
          return [at, count];
        });
        const unpacked = decodeLog(encodeLog(log));
        expect(unpacked).toHaveLength(log.length);
        for (const [index, value] of log.entries()) {
          const difference = (unpacked[index] ?? 0) - value;
          // Counts are exact; times to a microsecond and what a double can tell of them.
          if (index % 2 === 1) expect(difference).toBe(0);
          else expect(Math.abs(difference)).toBeLessThan(0.003);
        }
      }),
    );
  });
});

it("knows the database's clock", async () => {
  const before = Date.now();
  const { earliest, latest } = await database.stores.limits.now();
  // The server of the tests runs on this machine.
  expect(latest).toBeGreaterThanOrEqual(before);
  expect(earliest).toBeLessThanOrEqual(Date.now() + 1);
  expect(latest).toBeGreaterThan(earliest);
});
