import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SortedKeys } from './sorted-keys.ts';

describe('keys in order', () => {
  test('are all found, in either direction, however many there are', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(20_000), { minLength: 0, maxLength: 4000, size: 'max' }),
        fc.nat(20_000),
        fc.nat(20_000),
        fc.integer({ min: 1, max: 100 }),
        (numbers, a, b, limit) => {
          const keys = numbers.map((n) => String(n).padStart(5, '0'));
          const sorted = new SortedKeys();
          const read = (): string[] => sorted.read('', '~', false, Number.POSITIVE_INFINITY);
          for (const [i, key] of keys.entries()) {
            sorted.add(key);
            if (i % 997 === 0) read();
          }
          const all = [...keys].sort();
          expect(read()).toEqual(all);
          const [low, high] = [a, b].map((n) => String(n).padStart(5, '0')).sort() as [string, string];
          const within = all.filter((key) => key >= low && key < high);
          expect(sorted.read(low, high, false, limit)).toEqual(within.slice(0, limit));
          expect(sorted.read(low, high, true, limit)).toEqual(within.reverse().slice(0, limit));
        },
      ),
      { numRuns: 30 },
    );
  });
});
