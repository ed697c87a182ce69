import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { startEmbeddedMongo } from '../index.ts';
import { killOften } from './harness.ts';
import { Ledger } from './ledger.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-kill-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('an engine that is killed while it is written to', () => {
  test('has lost nothing that it acknowledged, and nothing is torn', async () => {
    const figures = await killOften(() => startEmbeddedMongo({ dataDir: folder }), 5);
    expect(figures.problems).toEqual([]);
    expect(figures.kills).toBe(5);
  });
});

describe('the ledger', () => {
  test('notices what was lost, torn, or never written', () => {
    const ledger = new Ledger();
    const a = [{ key: 'a', after: { _id: 'a', n: 1 } }];
    ledger.begin(a);
    ledger.settle(a, true);
    expect(ledger.check(new Map([['a', { _id: 'a', n: 1 }]]))).toEqual([]);
    expect(ledger.check(new Map())).toHaveLength(1);
    ledger.begin(a);
    expect(ledger.check(new Map([['a', { _id: 'a', n: 2 }]]))).toHaveLength(1);
    expect(ledger.check(new Map([['b', { _id: 'b' }]]))).not.toEqual([]);
  });

  test('takes either state of what was under way, and of an ordered request any beginning', () => {
    const both = [
      { key: 'a', after: { _id: 'a' } },
      { key: 'b', after: { _id: 'b' } },
    ];
    const stored = (...keys: string[]) => new Map(keys.map((key) => [key, { _id: key }]));
    for (const keys of [[], ['a'], ['a', 'b']]) {
      const ledger = new Ledger();
      ledger.begin(both);
      expect(ledger.check(stored(...keys))).toEqual([]);
    }
    const ledger = new Ledger();
    ledger.begin(both);
    expect(ledger.check(stored('b'))).toHaveLength(1);
  });
});
