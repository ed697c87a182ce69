import { FINDING_CODES, REMOVAL_REASONS, SEVERITIES } from '@kaana/core';
import { z } from 'zod';
import { Key } from './keys.ts';
import { PageInput, page } from './shared.ts';

const FindingCode = z.enum(FINDING_CODES);

/** How a key is doing. */
export const KeyHealth = z
  .object({
    key: Key,
    score: z
      .number()
      .int()
      .min(0)
      .max(100)
      .describe('100 is best: a finding takes off 50, 20 or 5, as its severity is high, medium or low'),
    findings: z
      .array(z.object({ code: FindingCode, severity: z.enum(SEVERITIES), message: z.string() }))
      .describe('The worst first'),
    safeToRemove: z
      .object({ reason: z.enum(REMOVAL_REASONS), message: z.string() })
      .nullable()
      .describe('Why nobody will miss it; null: somebody may'),
  })
  .meta({ id: 'KeyHealth' });

export const KeyHealthListInput = z
  .strictObject({
    finding: FindingCode.optional().describe('Only keys of which this is said'),
    safeToRemove: z.boolean().optional().describe('Only keys that are, or are not, safe to remove'),
    ...PageInput,
  })
  .prefault({});
export const KeyHealthListOutput = page(KeyHealth);
