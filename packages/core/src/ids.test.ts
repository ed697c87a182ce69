import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createId } from './ids.ts';

describe('an id', () => {
  it('is its prefix and 26 characters of Crockford base32', () => {
    expect(createId('key', Date.now())).toMatch(/^key_[0-9a-hjkmnp-tv-z]{26}$/);
  });

  it('sorts by creation, also within a millisecond', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.array(fc.nat(3), { minLength: 1, maxLength: 200 }), (start, steps) => {
        let now = start;
        const ids = steps.map((step) => {
          now += step;
          return createId('prj', now);
        });
        expect(ids.toSorted()).toEqual(ids);
        expect(new Set(ids).size).toBe(ids.length);
      }),
      { numRuns: 50 },
    );
  });

  it('stays unique when the clock is set back', () => {
    const times = [5, 4, 5, 4, 5, 5, 4];
    const ids = times.map((now) => createId('evt', now));
    expect(new Set(ids).size).toBe(times.length);
  });

  it('carries its time', () => {
    const time = (id: string) => id.slice(4, 14);
    expect(time(createId('acc', 0))).toBe('0000000000');
    expect(time(createId('acc', 31))).toBe('000000000z');
    expect(time(createId('acc', 2 ** 48 - 1))).toBe('7zzzzzzzzz');
  });
});
