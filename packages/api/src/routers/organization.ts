import { PERMISSIONS, type Policies } from '@kaana/core';
import type { TRPCRouterRecord } from '@trpc/server';
import type { z } from 'zod';
import { Organization, OrganizationUpdateInput, type PoliciesInput } from '../contracts/organization.ts';
import { procedure } from '../trpc.ts';
import { defined, toOrganization } from '../wire.ts';

/** In the order of `PERMISSIONS`, each once, so that the same set is no change. */
const toPolicies = (policies: z.infer<typeof PoliciesInput>): Partial<Policies> => {
  const { allowedScopes } = policies;
  return defined({
    ...policies,
    allowedScopes: allowedScopes && PERMISSIONS.filter((permission) => allowedScopes.includes(permission)),
  });
};

export const organizationRouter = {
  get: procedure('authenticated', {
    method: 'GET',
    path: '/organization',
    summary: 'Your organization, its plan and its limits',
  })
    .output(Organization)
    .query(({ ctx }) => toOrganization(ctx.principal.organization)),

  update: procedure('organization:write', {
    method: 'PATCH',
    path: '/organization',
    summary: 'Change the organization’s name, or what it demands of its keys',
  })
    .input(OrganizationUpdateInput)
    .output(Organization)
    .mutation(async ({ ctx, input: { name, policies } }) =>
      toOrganization(
        await ctx.domain.organizations.update(ctx.caller, {
          ...defined({ name }),
          ...(policies ? { policies: toPolicies(policies) } : {}),
        }),
      ),
    ),
} satisfies TRPCRouterRecord;
