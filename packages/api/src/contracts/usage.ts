import { OUTCOMES } from '@kaana/core';
import { z } from 'zod';
import { Id, Timestamp, TimestampInput } from './shared.ts';

/** Requests by outcome. */
export const UsageCounts = z
  .object({
    total: z.number().int(),
    ...(Object.fromEntries(OUTCOMES.map((outcome) => [outcome, z.number().int()])) as Record<
      (typeof OUTCOMES)[number],
      z.ZodNumber
    >),
  })
  .meta({ id: 'UsageCounts' });

const Range = {
  keyId: Id.optional(),
  from: TimestampInput.optional().describe('Default: 24 hours before `to`'),
  to: TimestampInput.optional().describe('Default: now'),
};

export const UsageSummaryInput = z.strictObject(Range).prefault({});
export const UsageSummaryOutput = z.object({
  from: Timestamp,
  to: Timestamp,
  totals: UsageCounts,
  keys: z.array(z.object({ keyId: Id, name: z.string(), counts: UsageCounts })).describe('Busiest first'),
});
export const UsageSeriesInput = z
  .strictObject({
    ...Range,
    interval: z.enum(['minute', 'hour', 'day']).default('hour'),
  })
  .prefault({});
export const UsageSeriesOutput = z.object({
  from: Timestamp,
  to: Timestamp,
  interval: z.enum(['minute', 'hour', 'day']),
  data: z
    .array(z.object({ at: Timestamp, counts: UsageCounts }))
    .describe('Intervals without requests are left out'),
});
