import { z } from 'zod';
import { Id, Name, PlanSchema, Timestamp } from './shared.ts';

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
  })
  .meta({ id: 'Organization' });
export const OrganizationUpdateInput = z.strictObject({ name: Name });
