import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  INTERVAL_MS,
  isHeld,
  KEPT_MS,
  planUsage,
  startOf,
  USAGE_INTERVALS,
  type UsageInterval,
  type Watermarks,
} from './usage-range.ts';

const { minute: MINUTE, hour: HOUR, day: DAY } = INTERVAL_MS;
const NONE: Watermarks = { hour: { until: 0, cleared: 0 }, day: { until: 0, cleared: 0 } };
const NOW = Date.UTC(2026, 6, 15, 12, 34, 56);

/** Watermarks as roll-ups can leave them: late by any time, and deletion behind them by any time. */
const watermarks = fc
  .record({ hourLag: fc.nat(400), hourCleared: fc.nat(300), dayLag: fc.nat(60), dayCleared: fc.nat(60) })
  .map(({ hourLag, hourCleared, dayLag, dayCleared }): Watermarks => {
    const until = startOf('hour', NOW) - (1 + hourLag) * HOUR;
    const cleared = Math.min(until, startOf('hour', NOW - KEPT_MS.minute)) - hourCleared * HOUR;
    const days = startOf('day', until) - dayLag * DAY;
    const daysCleared = Math.min(days, startOf('day', NOW - KEPT_MS.hour)) - dayCleared * DAY;
    return { hour: { until, cleared }, day: { until: days, cleared: daysCleared } };
  });
const at = fc.oneof(
  fc.integer({ min: NOW - 300 * DAY, max: NOW + DAY }),
  fc.integer({ min: NOW - 4 * DAY, max: NOW + HOUR }),
  fc.integer({ min: -300, max: 1 }).map((days) => startOf('day', NOW) + days * DAY),
  fc.integer({ min: -200, max: 1 }).map((hours) => startOf('hour', NOW) + hours * HOUR),
);
const range = fc
  .tuple(at, at)
  .filter(([a, b]) => a !== b)
  .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));

const planOrNull = (...input: Parameters<typeof planUsage>) => {
  try {
    return planUsage(...input);
  } catch {
    return null;
  }
};

describe('the plan of a usage query', () => {
  it('covers the widened range exactly, once, from what each collection has', () => {
    fc.assert(
      fc.property(range, fc.constantFrom(...USAGE_INTERVALS), watermarks, (asked, interval, marks) => {
        const plan = planOrNull(asked, interval, marks, NOW);
        if (!plan) return;
        expect(plan.from).toBeLessThanOrEqual(asked.from);
        expect(plan.to).toBeGreaterThanOrEqual(asked.to);
        let reached = plan.from;
        for (const part of plan.parts) {
          expect(part.from).toBe(reached);
          expect(part.to).toBeGreaterThan(part.from);
          expect(part.from % INTERVAL_MS[part.unit]).toBe(0);
          expect(part.to % INTERVAL_MS[part.unit]).toBe(0);
          if (part.unit !== 'minute') expect(part.to).toBeLessThanOrEqual(marks[part.unit].until);
          expect(isHeld(part, marks)).toBe(true);
          expect(INTERVAL_MS[part.unit]).toBeLessThanOrEqual(INTERVAL_MS[interval]);
          reached = part.to;
        }
        expect(reached).toBe(plan.to);
      }),
      { numRuns: 2_000 },
    );
  });

  it('widens an edge no further than it must, whatever has been deleted by then', () => {
    const unitOf = (edge: number): UsageInterval =>
      edge < startOf('day', NOW - KEPT_MS.hour)
        ? 'day'
        : edge < startOf('hour', NOW - KEPT_MS.minute)
          ? 'hour'
          : 'minute';
    fc.assert(
      fc.property(range, watermarks, ({ from, to }, marks) => {
        const plan = planUsage({ from, to }, 'day', marks, NOW);
        expect(plan.from).toBe(startOf(unitOf(from), from));
        const unit = unitOf(to);
        expect(plan.to).toBe(startOf(unit, to + INTERVAL_MS[unit] - 1));
      }),
      { numRuns: 2_000 },
    );
  });

  it('has a handful of parts, so that a year is as few look-ups as a day', () => {
    fc.assert(
      fc.property(range, watermarks, (asked, marks) => {
        expect(planUsage(asked, 'day', marks, NOW).parts.length).toBeLessThanOrEqual(5);
      }),
    );
  });

  it('refuses minutes and hours that are not kept, and says what to take', () => {
    const plan = (interval: UsageInterval, daysAgo: number) => () =>
      planUsage({ from: NOW - daysAgo * DAY, to: NOW }, interval, NONE, NOW);
    expect(plan('minute', 2)).not.toThrow();
    expect(plan('minute', 3)).toThrow('take the interval hour');
    expect(plan('hour', 130)).not.toThrow();
    expect(plan('hour', 131)).toThrow('take the interval day');
    expect(plan('day', 10_000)).not.toThrow();
  });

  it('takes everything from minutes where nothing has been summed yet', () => {
    expect(planUsage({ from: NOW - 90 * MINUTE, to: NOW }, 'day', NONE, NOW).parts).toEqual([
      { unit: 'minute', from: startOf('minute', NOW) - 90 * MINUTE, to: startOf('minute', NOW) + MINUTE },
    ]);
  });
});
