import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Doc } from '../values/types.ts';
import { parseSort, sortBy } from './sort.ts';
import { Sorter } from './sorter.ts';

const doc = fc.record({
  a: fc.integer({ min: 0, max: 5 }),
  b: fc.oneof(fc.string({ maxLength: 2 }), fc.nat(3)),
});

function sorted(docs: Doc[], sort: Doc, wanted?: number): (Doc | undefined)[] {
  const sorter = new Sorter<Doc>(parseSort(sort), undefined);
  for (const one of docs) sorter.add(one, one);
  return [...sorter.sorted(wanted)];
}

describe('sorting in pieces', () => {
  test('gives the order of sorting at once, ties in the order they came', () => {
    fc.assert(
      fc.property(fc.array(doc, { minLength: 1, maxLength: 5000, size: 'max' }), (docs) => {
        const sort = { a: 1, b: -1 };
        const found = sorted(docs, sort).filter((one) => one !== undefined);
        const expected = sortBy([...docs], (one) => one, parseSort(sort));
        expect(found.every((one, i) => one === expected[i])).toBe(true);
        expect(found).toHaveLength(docs.length);
      }),
      { numRuns: 10 },
    );
  });

  test('stops where no more is wanted, and pauses where there is much', () => {
    const docs = Array.from({ length: 10_000 }, (_, i) => ({ a: (i * 7919) % 10_000 }));
    const found = sorted(docs, { a: 1 }, 3);
    expect(found.filter((one) => one !== undefined).slice(0, 3)).toEqual([{ a: 0 }, { a: 1 }, { a: 2 }]);
    expect(sorted(docs, { a: 1 }).filter((one) => one === undefined).length).toBeGreaterThan(10);
  });
});
