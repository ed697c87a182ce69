import { IDLE_ACTIONS, LEAK_ACTIONS } from '@kaana/core';
import { z } from 'zod';
import { Id, Name, PermissionSchema, PlanSchema, Timestamp } from './shared.ts';

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
