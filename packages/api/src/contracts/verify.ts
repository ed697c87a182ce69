import { KEY_CHECKS } from '@kaana/core';
import { z } from 'zod';
import { LimitState } from './limits.ts';
import {
  AccountSummary,
  Id,
  OrganizationSummary,
  PermissionSchema,
  RoleSchema,
  Timestamp,
} from './shared.ts';

const MAX_TOKENS = 100;
const MAX_COST = 1_000_000;

const item = {
  token: z.string().max(1000).describe('As your own caller sent it, without "Bearer "'),
  permissions: z.array(PermissionSchema).max(20).optional().describe('What the token must be allowed to do'),
  ip: z
    .union([z.ipv4(), z.ipv6()], 'is no IP address')
    .optional()
    .describe('The address of your own caller. Without it, a key that is held to some addresses is refused'),
  cost: z
    .number()
    .int()
    .min(0)
    .max(MAX_COST)
    .optional()
    .describe(
      'As how many requests of its account this counts, all or none; 1 where it is not given. 0 only asks: nothing is counted',
    ),
};
const explain = z.boolean().optional().describe('With every check in its order, and the values it compared');

export const KeyVerifyInput = z.strictObject({ ...item, explain });
export const KeyVerifyManyInput = z.strictObject({
  tokens: z
    .array(z.strictObject(item))
    .min(1)
    .max(MAX_TOKENS)
    .describe('Each is verified, and counts, by itself; a token that is there twice is verified twice'),
  explain,
});

const KeyCheck = z.object({
  check: z.enum(KEY_CHECKS),
  outcome: z
    .enum(['passed', 'reported', 'failed', 'skipped'])
    .describe('`reported`: a list in mode `report` would have refused it. `skipped`: it could not be made'),
  code: z.string().nullable(),
  detail: z.string().nullable(),
  values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())])),
});

export const KeyVerdict = z
  .object({
    valid: z.boolean(),
    code: z.string().describe('`valid`, or the error code that a request with this token would get'),
    detail: z.string(),
    key: z
      .object({ id: Id, name: z.string(), start: z.string(), expiresAt: Timestamp.nullable() })
      .nullable()
      .describe('Also of a key that is refused; null where you may not know of it'),
    account: AccountSummary.extend({ role: RoleSchema }).nullable(),
    organization: OrganizationSummary.nullable(),
    permissions: z
      .array(PermissionSchema)
      .describe('All that the key may do; none where the key itself is refused'),
    ratelimit: z
      .object({ limit: z.number(), remaining: z.number(), resetSeconds: z.number() })
      .nullable()
      .describe(
        'The plan’s limit of the account; null where it was not asked, since the key is refused already',
      ),
    ratelimits: z
      .array(LimitState)
      .describe('The limits of the key and its account, and the key’s credits, as far as they were asked'),
    checks: z
      .array(KeyCheck)
      .optional()
      .describe('With `explain`. The first that failed is the answer; what follows is what else there is'),
  })
  .meta({ id: 'KeyVerdict' });
export const KeyVerdicts = z.object({
  data: z.array(KeyVerdict).describe('One for each token, in their order'),
});
