import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KaanaError } from './errors.ts';
import type { WouldRefuse } from './model.ts';
import type { HeldWouldRefuse, WouldRefuseStore } from './stores.ts';
import { MAX_VALUES, mergeWouldRefuse, stillRefused, WouldRefuseRecorder } from './would-refuse.ts';

class MemoryWouldRefuse implements WouldRefuseStore {
  readonly held = new Map<string, HeldWouldRefuse>();
  writes = 0;
  interfere: (keyId: string) => void = () => {};

  getMany(keyIds: readonly string[]) {
    return Promise.resolve(
      new Map(keyIds.flatMap((id): [string, HeldWouldRefuse][] => [[id, this.held.get(id) ?? NOTHING]])),
    );
  }

  async write(
    keyId: string,
    _organizationId: string,
    expected: string | null,
    entries: readonly WouldRefuse[],
  ) {
    await Promise.resolve();
    this.interfere(keyId);
    if ((this.held.get(keyId)?.revision ?? null) !== expected) return false;
    this.held.set(keyId, { revision: String(++this.writes), entries });
    return true;
  }

  entries(keyId: string) {
    return this.held.get(keyId)?.entries ?? [];
  }
}
const NOTHING: HeldWouldRefuse = { revision: null, entries: [] };

const keyOf = (id: string) => ({ id, organizationId: 'org' });
const key = keyOf('key');
const setUp = (maxKeys?: number) => {
  const store = new MemoryWouldRefuse();
  const time = { now: 1_000 };
  const recorder = () => new WouldRefuseRecorder(store, () => time.now, maxKeys);
  return { store, time, recorder };
};
const entry = (value: string | null, count = 1, at = 1, check: WouldRefuse['check'] = 'ip'): WouldRefuse => ({
  check,
  value,
  count,
  firstAt: new Date(at),
  lastAt: new Date(at),
});
const total = (entries: readonly WouldRefuse[]) => entries.reduce((sum, { count }) => sum + count, 0);
const unavailable = () => new KaanaError('store_unavailable', 'away');

describe('what would have been refused', () => {
  it('is counted by check and value, with its first and last time, over flushes and processes', async () => {
    const { store, time, recorder } = setUp();
    const [one, other] = [recorder(), recorder()];
    one.note(key, 'scope', 'projects:write');
    time.now = 2_000;
    one.note(key, 'scope', 'projects:write');
    one.note(key, 'ip', '::ffff:203.0.113.7');
    other.note(key, 'scope', 'projects:write');
    await Promise.all([one.flush(), other.flush()]);
    time.now = 3_000;
    other.note(key, 'scope', 'projects:write');
    await other.flush();
    expect(store.entries('key')).toEqual([
      {
        check: 'scope',
        value: 'projects:write',
        count: 4,
        firstAt: new Date(1_000),
        lastAt: new Date(3_000),
      },
      { check: 'ip', value: '203.0.113.7', count: 1, firstAt: new Date(2_000), lastAt: new Date(2_000) },
    ]);
  });

  it('keeps no text that is no address', async () => {
    const { store, recorder } = setUp();
    const one = recorder();
    for (const text of [null, '', 'kaana_secret', 'x'.repeat(10_000)]) one.note(key, 'ip', text);
    await one.flush();
    expect(store.entries('key')).toMatchObject([{ value: 'unknown', count: 4 }]);
  });

  it('writes nothing where nothing was noted', async () => {
    const { store, recorder } = setUp();
    await recorder().flush();
    expect(store.writes).toBe(0);
  });

  it('is kept while it cannot be written, and what was written is not written again', async () => {
    const { store, recorder } = setUp();
    const one = recorder();
    for (let id = 0; id < 120; id++) one.note(keyOf(`key${id}`), 'ip', '203.0.113.7');
    store.interfere = (keyId) => {
      if (keyId === 'key60') throw unavailable();
    };
    await expect(one.flush()).rejects.toMatchObject({ code: 'store_unavailable' });
    store.interfere = () => {};
    one.note(keyOf('key60'), 'ip', '203.0.113.7');
    await one.flush();
    for (let id = 0; id < 120; id++)
      expect(total(store.entries(`key${id}`)), `key${id}`).toBe(id === 60 ? 2 : 1);
  });

  it('is not lost to a process that is always faster: it waits for the next flush', async () => {
    const { store, recorder } = setUp();
    const one = recorder();
    one.note(key, 'ip', '203.0.113.7');
    store.interfere = (keyId) => store.held.set(keyId, { revision: `x${++store.writes}`, entries: [] });
    await one.flush();
    store.interfere = () => {};
    await one.flush();
    expect(store.entries('key')).toMatchObject([{ value: '203.0.113.7', count: 1 }]);
  });

  it('is bounded, from however many addresses a key is used, and no count is lost', async () => {
    const { store, recorder } = setUp();
    const one = recorder();
    for (let round = 0; round < 3; round++) {
      for (let ip = 0; ip < 1_000; ip++) one.note(key, 'ip', `10.${round}.${ip >> 8}.${ip & 255}`);
      for (let use = 0; use < 3; use++) one.note(key, 'ip', '203.0.113.7');
      await one.flush();
    }
    const entries = store.entries('key');
    expect(entries.filter(({ value }) => value !== null)).toHaveLength(MAX_VALUES);
    expect(total(entries)).toBe(3 * 1_003);
  });

  it('is bounded in the number of keys that wait, and goes on after the flush', async () => {
    const { store, recorder } = setUp(10);
    const one = recorder();
    for (let id = 0; id < 100; id++) one.note(keyOf(`key${id}`), 'ip', null);
    await one.flush();
    expect(store.held.size).toBe(10);
    one.note(keyOf('later'), 'ip', null);
    await one.flush();
    expect(store.held.size).toBe(11);
  });
});

describe('merging', () => {
  it('keeps the most frequent, and of equally frequent ones those that were seen last', () => {
    const merged = mergeWouldRefuse([entry('often', 9, 1), entry('old', 1, 1)], [entry('new', 1, 2)], 2);
    expect(merged.map(({ value, count }) => [value, count])).toEqual([
      ['often', 9],
      ['new', 1],
      [null, 1],
    ]);
  });

  it('loses no count and no time, whatever is merged', () => {
    const entries = fc.array(
      fc
        .tuple(fc.constantFrom('a', 'b', 'c', 'd', null), fc.integer({ min: 1, max: 9 }), fc.nat(99))
        .map(([value, count, at]) => entry(value, count, at, value === 'a' ? 'scope' : 'ip')),
      { minLength: 1 },
    );
    const times = (all: readonly WouldRefuse[]) => [
      Math.min(...all.map(({ firstAt }) => firstAt.getTime())),
      Math.max(...all.map(({ lastAt }) => lastAt.getTime())),
    ];
    fc.assert(
      fc.property(entries, entries, fc.integer({ min: 1, max: 4 }), (held, more, max) => {
        const merged = mergeWouldRefuse(held, more, max);
        expect(total(merged)).toBe(total(held) + total(more));
        expect(times(merged)).toEqual(times([...held, ...more]));
        for (const check of ['scope', 'ip'])
          expect(
            merged.filter((one) => one.check === check && one.value !== null).length,
          ).toBeLessThanOrEqual(max);
      }),
    );
  });
});

describe('what today’s lists would still refuse', () => {
  const noted = [
    entry('203.0.113.7'),
    entry('198.51.100.1'),
    entry(null),
    entry('usage:read', 1, 1, 'scope'),
  ];

  it('leaves out what a list has been widened by since', () => {
    expect(stillRefused({ scopes: ['usage:read'], allowedIps: ['203.0.113.0/24'] }, noted)).toEqual([
      noted[1],
      noted[2],
    ]);
    expect(stillRefused({ scopes: ['projects:read'], allowedIps: null }, noted)).toEqual([noted[3]]);
    expect(stillRefused({ scopes: null, allowedIps: null }, noted)).toEqual([]);
  });
});
