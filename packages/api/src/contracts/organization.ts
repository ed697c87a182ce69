import { IDLE_ACTIONS, LEAK_ACTIONS, POLICY_EFFECTS } from '@kaana/core';
import { z } from 'zod';
import { AccountSummary, Id, Name, PermissionSchema, PlanSchema, Timestamp } from './shared.ts';

const Days = z.number().int().min(1).max(3650);

const POLICIES = {
  maxLifetimeDays: Days.nullable().describe(
    'Days from the making of a key, or of its newest secret, to its expiry at most; null: no maximum',
  ),
  expiryRequired: z.boolean().describe('Whether every key has to have an expiry'),
  idleDays: Days.nullable().describe('Days without use after which a key counts as idle; null: never'),
  idleAction: z
    .enum(IDLE_ACTIONS)
    .describe('What becomes of an idle key: `flag` tells in its health, `disable` revokes it, for good'),
  allowedScopes: z
    .array(PermissionSchema)
    .min(1, 'name at least one, or give null')
    .max(50)
    .nullable()
    .describe(
      'What keys may do at most, those that are there included, from their next request on; null: no limit',
    ),
  unscopedAllowed: z.boolean().describe('Whether a key may be made without scopes'),
  onLeak: z
    .enum(LEAK_ACTIONS)
    .describe(
      'What becomes of a key whose token was found in public: `flag` shows it, `notify` also tells webhooks, `revoke` ends it',
    ),
};

export const Policies = z.object(POLICIES).meta({ id: 'Policies' });
/** What is not named is left as it is. */
export const PoliciesInput = z.strictObject(POLICIES).partial();

export const Organization = z
  .object({
    id: Id,
    name: z.string(),
    plan: PlanSchema,
    operator: z
      .boolean()
      .describe('Runs this server: its keys with `keys:verify` verify the keys of every organization'),
    createdAt: Timestamp,
    limits: z.object({
      activeKeys: z.number().int().nullable().describe('Per account; null: unlimited'),
      requestsPerMinute: z.number().int().describe('Per account, over all its keys'),
    }),
    policies: Policies.describe('What the organization demands of its keys'),
  })
  .meta({ id: 'Organization' });
export const OrganizationUpdateInput = z.strictObject({
  name: Name.optional(),
  policies: PoliciesInput.optional().describe('Those to change; the others stay as they are'),
});

export const PolicyImpactInput = z.strictObject({
  policies: PoliciesInput.describe('Those to change; the others are taken as they are'),
});
const Count = z.number().int();
const PolicyEffect = z
  .enum(POLICY_EFFECTS)
  .describe(
    '`revoked`: within the hour, for good; `narrowed`: may do less from its next request on; `violating`: works on, but ' +
      'cannot be rotated until it keeps to the policies; `idle`: its health says so',
  );
export const PolicyImpact = z
  .object({
    checkedKeys: Count.describe('How many active keys were looked at'),
    complete: z.boolean().describe('false: there are more keys than that, so that the counts are too low'),
    revoked: Count,
    narrowed: Count,
    violating: Count,
    idle: Count,
    examples: z
      .array(
        z.object({
          id: Id,
          name: z.string(),
          start: z.string(),
          owner: AccountSummary,
          reasons: z.array(
            z.object({
              effect: PolicyEffect,
              policy: z.enum(Object.keys(POLICIES) as [keyof typeof POLICIES]),
              message: z.string(),
            }),
          ),
          loses: z.array(PermissionSchema).describe('What it may do now and could no longer'),
        }),
      )
      .describe('Up to 10, those that lose most first; none for a key that may not see keys (`keys:read`)'),
  })
  .meta({ id: 'PolicyImpact' });
