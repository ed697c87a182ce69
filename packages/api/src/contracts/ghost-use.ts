import { GHOST_REASONS } from '@kaana/core';
import { z } from 'zod';
import { Id, Timestamp } from './shared.ts';

const Reason = z
  .enum(GHOST_REASONS)
  .describe('`rotatedOut`: an old secret of a key that works on; `ownerInactive`: its owner is deactivated');

/** Attempts with tokens of a key that do not work any more. */
export const GhostUse = z
  .object({
    keyId: Id,
    total: z.number().int(),
    counts: z.object({
      revoked: z.number().int(),
      expired: z.number().int(),
      rotatedOut: z.number().int(),
      ownerInactive: z.number().int(),
    }),
    firstAt: Timestamp.nullable().describe('null: there was none'),
    lastAt: Timestamp.nullable(),
    sources: z
      .array(
        z.object({
          address: z.string().nullable(),
          userAgent: z.string().nullable().describe('Of the last attempt'),
          reason: Reason,
          start: z.string().nullable().describe('First characters of the token of the last attempt'),
          count: z.number().int(),
          lastAt: Timestamp,
        }),
      )
      .describe('Latest first; 20 at most, the busiest and the latest'),
    others: z.number().int().describe('Attempts from addresses that are not listed'),
    keptDays: z.number().int().describe('So long after the last attempt all of it is forgotten'),
  })
  .meta({ id: 'GhostUse' });
