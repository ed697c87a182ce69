import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Store } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-store-'));
let store: Store;

beforeAll(() => {
  store = new Store(folder, (error) => {
    throw error;
  });
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function all(low: string, high: string, reverse: boolean, limit: number): string[] {
  const keys: string[] = [];
  let from: string | undefined = low;
  let to: string | undefined = high;
  while (from !== undefined && to !== undefined) {
    const chunk = store.range(from, to, reverse, limit);
    keys.push(...chunk.entries.map((entry) => `${entry.key}=${entry.value.toString()}`));
    if (reverse) to = chunk.next;
    else from = chunk.next;
  }
  return keys;
}

const key = fc.integer({ min: 0, max: 40 }).map((i) => `test${String.fromCharCode(i * 6)}`);
const step = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key, value: fc.string({ maxLength: 3 }) }),
  fc.record({ kind: fc.constant('remove' as const), key }),
  fc.record({ kind: fc.constant('commit' as const) }),
  fc.record({ kind: fc.constant('start' as const) }),
);

describe('store', () => {
  test('is an ordered map, whatever is on disk already and whatever is not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        key,
        key,
        fc.integer({ min: 1, max: 5 }),
        async (steps, a, b, limit) => {
          for (const entry of all('test', 'tesu', false, 100)) store.remove(entry.split('=')[0] ?? '');
          const model = new Map<string, string>();
          for (const one of steps) {
            if (one.kind === 'put') {
              store.put(one.key, Buffer.from(one.value));
              model.set(one.key, one.value);
            } else if (one.kind === 'remove') {
              store.remove(one.key);
              model.delete(one.key);
            } else if (one.kind === 'commit') await store.durable();
            else {
              void store.durable();
              await new Promise((resolve) => setImmediate(resolve));
            }
            for (const [name, value] of model) expect(store.get(name)?.toString()).toBe(value);
          }
          const [low, high] = a < b ? [a, b] : [b, a];
          const expected = [...model.keys()]
            .filter((name) => name >= low && name < high)
            .sort((x, y) => (x < y ? -1 : 1))
            .map((name) => `${name}=${model.get(name)}`);
          expect(all(low, high, false, limit)).toEqual(expected);
          expect(all(low, high, true, limit)).toEqual(expected.reverse());
        },
      ),
      { numRuns: 60 },
    );
  });
});
