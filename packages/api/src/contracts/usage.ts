import { OUTCOMES, USAGE_INTERVALS } from '@kaana/core';
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

const Widened = {
  from: Timestamp.describe('Widened to a whole minute; to a whole hour after 2 days, a whole day after 130'),
  to: Timestamp.describe('Widened like `from`'),
};

export const UsageSummaryInput = z.strictObject(Range).prefault({});
export const UsageSummaryOutput = z.object({
  ...Widened,
  totals: UsageCounts,
  keys: z.array(z.object({ keyId: Id, name: z.string(), counts: UsageCounts })).describe('Busiest first'),
});
export const UsageSparklinesInput = z.strictObject({
  keyIds: z.array(Id).min(1).max(100),
  days: z.number().int().min(1).max(90).default(30).describe('Days of UTC, today included'),
});
export const UsageSparklinesOutput = z.object({
  ...Widened,
  data: z
    .array(
      z.object({
        keyId: Id,
        requests: z.array(z.number().int()).describe('Per day, the earliest first'),
        refused: z.array(z.number().int()).describe('Of these, not served'),
      }),
    )
    .describe('Keys without requests are left out'),
});
export const UsageHeadroomOutput = z.object({
  from: Timestamp,
  to: Timestamp,
  accounts: z
    .array(
      z.object({
        accountId: Id,
        name: z.string(),
        limit: z.number().int().describe('Requests per minute, over all keys of the account'),
        peak: z.number().int().describe('The most in one minute of the clock'),
        refused: z.number().int().describe('429, in the whole time'),
      }),
    )
    .describe('The last 24 hours; the nearest to its limit first'),
});
export const UsageSeriesInput = z
  .strictObject({
    ...Range,
    interval: z
      .enum(USAGE_INTERVALS)
      .default('hour')
      .describe('Minutes are kept for 2 days, hours for 130 days, days (UTC) for good'),
  })
  .prefault({});
export const UsageSeriesOutput = z.object({
  ...Widened,
  interval: z.enum(USAGE_INTERVALS),
  data: z
    .array(z.object({ at: Timestamp, counts: UsageCounts }))
    .describe('Intervals without requests are left out'),
});
