import { describe, expect, it } from 'vitest';
import { MAX_TRIES, retryDelayMs } from './schedule.ts';

const HOUR_MS = 3600_000;

describe('when to try again', () => {
  const delays = (random: number) =>
    Array.from({ length: MAX_TRIES - 1 }, (_, index) => retryDelayMs(index + 1, null, random) ?? 0);

  it('waits longer each time, for about three days in all, and then gives up', () => {
    expect(delays(0.5).slice(0, 4)).toEqual([5_000, 20_000, 80_000, 320_000]);
    for (const random of [0, 0.5, 1]) {
      const hours = delays(random).reduce((sum, delay) => sum + delay, 0) / HOUR_MS;
      expect(hours).toBeGreaterThan(60);
      expect(hours).toBeLessThan(96);
    }
    expect(retryDelayMs(MAX_TRIES, null, 0.5)).toBeNull();
  });

  it('does not come back together, nor sooner than the receiver asks for, nor later than in a day', () => {
    expect(new Set([0, 0.25, 0.75, 1].map((random) => retryDelayMs(3, null, random))).size).toBe(4);
    expect(retryDelayMs(1, 60_000, 0)).toBe(60_000);
    expect(retryDelayMs(1, 1e12, 0)).toBe(24 * HOUR_MS);
    expect(retryDelayMs(1, 1, 0.5)).toBe(5_000);
  });
});
