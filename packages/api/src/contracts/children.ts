import { MAX_CHILD_DAYS } from '@kaana/core';
import { z } from 'zod';
import { AllowedIps, KeyStatus, Scopes } from './keys.ts';
import { NamedLimits, NewCredits } from './limits.ts';
import { Name, PageInput, TimestampInput } from './shared.ts';

export const ChildCreateInput = z.strictObject({
  name: Name.describe('What the child is for'),
  scopes: Scopes.describe(
    'Enforced, and within those of the calling key. What it has is cut down further whenever its parents are',
  ),
  expiresAt: TimestampInput.describe(`Within ${MAX_CHILD_DAYS} days, and not after the calling key’s`),
  allowedIps: AllowedIps.optional().describe('Within the calling key’s; without them, the same'),
  limits: NamedLimits.optional().describe('Beside those of the calling key, which count its requests too'),
  credits: NewCredits.optional().describe('A budget; its requests cost the calling key’s credits too'),
});

export const ChildListInput = z.strictObject({ status: KeyStatus.optional(), ...PageInput }).prefault({});
