import { LEAK_ACTIONS } from '@kaana/core';
import { z } from 'zod';
import { Id, Name, PlanSchema, Timestamp } from './shared.ts';

const POLICIES = {
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
