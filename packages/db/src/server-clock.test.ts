import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServerClock } from './server-clock.ts';

/** A server whose clock is `offset` ahead, asked over a network that takes its time both ways. */
const setUp = (offset: number) => {
  const world = { local: 0, offset, there: 1, back: 1, reads: 0 };
  const clock = new ServerClock(
    async () => {
      world.reads++;
      world.local += world.there;
      const time = Math.floor(world.local + world.offset);
      world.local += world.back;
      return time;
    },
    () => world.local,
  );
  return { world, clock };
};

describe('the clock of a server', () => {
  it('is asked once a second, and by all who want to know at the same moment together', async () => {
    const { world, clock } = setUp(5_000);
    await Promise.all([clock.now(), clock.now(), clock.now()]);
    world.local += 999;
    await clock.now();
    expect(world.reads).toBe(1);
    world.local += 2;
    await clock.now();
    expect(world.reads).toBe(2);
  });

  it('is believed anew when it was set', async () => {
    const { world, clock } = setUp(5_000);
    await clock.now();
    world.offset = -60_000;
    world.local += 1_001;
    const { earliest, latest } = await clock.now();
    expect(earliest).toBeLessThanOrEqual(world.local - 60_000);
    expect(latest).toBeGreaterThanOrEqual(world.local - 60_000);
  });

  it('lies between the bounds, whatever the network and however the clocks drift', async () => {
    const step = fc.record({
      waitMs: fc.double({ min: 0, max: 3_000, noNaN: true }),
      there: fc.double({ min: 0, max: 50, noNaN: true }),
      back: fc.double({ min: 0, max: 50, noNaN: true }),
      drift: fc.double({ min: -0.000_1, max: 0.000_1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: -1e6, max: 1e6 }),
        async (steps, offset) => {
          const { world, clock } = setUp(offset);
          // A sample is good for a second, in which the clocks may drift by a millisecond at most.
          const widest = Math.max(...steps.map((each) => each.there + each.back)) + 1 + 2;
          for (const { waitMs, there, back, drift } of steps) {
            world.local += waitMs;
            world.offset += waitMs * drift;
            Object.assign(world, { there, back });
            const { earliest, latest } = await clock.now();
            const truth = world.local + world.offset;
            expect(earliest).toBeLessThanOrEqual(truth + 1e-6);
            expect(latest).toBeGreaterThanOrEqual(truth - 1e-6);
            expect(latest - earliest).toBeLessThanOrEqual(widest);
          }
        },
      ),
    );
  });

  it('that cannot be read is an error for those who ask, and is read again for the next', async () => {
    let away = true;
    const clock = new ServerClock(async () => {
      if (away) throw new Error('away');
      return 42;
    });
    await expect(clock.now()).rejects.toThrow('away');
    away = false;
    expect((await clock.now()).earliest).toBeGreaterThanOrEqual(42);
  });
});
