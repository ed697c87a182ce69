import { z } from 'zod';
import { RestrictionMode } from './keys.ts';
import { Id, PermissionSchema, Timestamp } from './shared.ts';

export const SuggestedScopes = z
  .object({
    keyId: Id,
    suggested: z
      .array(PermissionSchema)
      .nullable()
      .describe('The narrowest scopes that all observed use needs; null where nothing speaks for any'),
    enough: z.boolean().describe('Whether enough was observed to go by: 30 days and 100 requests'),
    cautions: z.array(z.string()).describe('What speaks against going by it, for people'),
    observedSince: Timestamp.nullable(),
    observedDays: z.number().int(),
    requests: z.number().int().describe('Requests that were served since then'),
    scopes: z.array(PermissionSchema).nullable().describe('As they are'),
    scopesMode: RestrictionMode,
    permissions: z
      .array(z.object({ permission: PermissionSchema, lastUsedAt: Timestamp.nullable() }))
      .describe('Each permission that the key has or was used for; null: never used'),
  })
  .meta({ id: 'SuggestedScopes' });
