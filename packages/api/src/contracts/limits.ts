import { LIMIT_NAME, MAX_CREDITS, MAX_LIMIT, MAX_NAMED_LIMITS, MAX_WINDOW_SECONDS } from '@kaana/core';
import { z } from 'zod';
import { Timestamp } from './shared.ts';

const LimitName = z
  .string()
  .regex(
    LIMIT_NAME,
    'takes up to 32 of a-z, 0-9, ".", "_" and "-", and begins and ends with a letter or digit',
  )
  .describe('Stands in the RateLimit headers');
const windowSeconds = z
  .number()
  .int()
  .min(1)
  .max(MAX_WINDOW_SECONDS)
  .describe('Of any window of so many seconds: 1 second to 30 days');

export const NamedLimit = z
  .strictObject({
    name: LimitName,
    limit: z.number().int().min(1).max(MAX_LIMIT).describe('Requests at most, in any window'),
    windowSeconds,
  })
  .meta({ id: 'NamedLimit' });

export const NamedLimits = z
  .array(NamedLimit)
  .max(MAX_NAMED_LIMITS)
  .refine(
    (limits) => new Set(limits.map(({ name }) => name)).size === limits.length,
    'has two of the same name',
  );

const every = z
  .union([
    z
      .number()
      .int()
      .min(1)
      .max(366 * 24 * 3600),
    z.literal('month'),
  ])
  .describe('Seconds, or "month": the same day of every month (UTC)');

const CreditAmount = z.number().int().min(0).max(MAX_CREDITS);
export const CreditRefill = z.strictObject({
  amount: z
    .number()
    .int()
    .min(1)
    .max(MAX_CREDITS)
    .describe('The balance is raised to this where it is lower'),
  every,
});
const Refill = CreditRefill.nullable().describe('From now on; null: none');

export const NewCredits = z.strictObject({
  remaining: CreditAmount.describe('How many requests it may make; one costs 1'),
  refill: Refill.optional(),
});

export const CreditChange = {
  remaining: CreditAmount.nullable()
    .optional()
    .describe('The new balance; null: requests cost no credits any more'),
  add: z.number().int().min(1).max(MAX_CREDITS).optional().describe('To the balance; instead of `remaining`'),
  refill: Refill.optional(),
};

export const Credits = z.object({
  remaining: z.number().int(),
  refill: z
    .object({ amount: z.number().int(), every: z.union([z.number().int(), z.literal('month')]) })
    .nullable(),
  refillsAt: Timestamp.nullable().describe('When the next refill is due'),
});

/** Where a limit beside the plan's stands. */
export const LimitState = z.object({
  name: z.string().describe('As in the RateLimit headers, e.g. `key:daily`, `account:batch` or `credits`'),
  limit: z.number().int(),
  remaining: z.number().int(),
  resetSeconds: z.number().int().nullable().describe('Until some comes back; null: never by itself'),
  windowSeconds: z.number().int().nullable(),
});
