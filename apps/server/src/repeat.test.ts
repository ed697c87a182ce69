import { describe, expect, it } from 'vitest';
import { repeat, restInProportion } from './repeat.ts';

describe('a repeated task', () => {
  it('rests longer the longer it took, between a least and a most', () => {
    const rest = restInProportion(1_000, 5_000, 0.05);
    expect([0, 20, 100, 200, 10_000].map(rest)).toEqual([1_000, 1_000, 1_900, 3_800, 5_000]);
  });

  it('goes on after a failure, which it reports, until it is ended', async () => {
    const reported: unknown[] = [];
    let runs = 0;
    await new Promise<void>((resolve) => {
      const end = repeat(
        1,
        async () => {
          if (++runs === 1) throw new Error('away');
          end();
          resolve();
        },
        (error) => reported.push(error),
      );
    });
    expect(runs).toBe(2);
    expect(reported).toEqual([new Error('away')]);
  });
});
