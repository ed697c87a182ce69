import { z } from 'zod';
import { RestrictionMode } from './keys.ts';
import { Id, PermissionSchema, Timestamp } from './shared.ts';

const seen = {
  count: z.number().int().describe('How often'),
  firstAt: Timestamp,
  lastAt: Timestamp,
};
const restriction = {
  mode: RestrictionMode,
  since: Timestamp.describe('Since when the list and its mode are as they are'),
  count: z.number().int().describe('How often in all'),
};

/** What a key's lists let pass in mode `report`, and would refuse as they are now. */
export const WouldRefuse = z
  .object({
    keyId: Id,
    scopes: z.object({
      ...restriction,
      entries: z.array(z.object({ permission: PermissionSchema, ...seen })).describe('Most frequent first'),
    }),
    allowedIps: z.object({
      ...restriction,
      entries: z
        .array(z.object({ ip: z.string(), ...seen }))
        .describe('Most frequent first; 50 addresses at most'),
      others: z.object(seen).nullable().describe('All further addresses together'),
    }),
  })
  .meta({ id: 'WouldRefuse' });
