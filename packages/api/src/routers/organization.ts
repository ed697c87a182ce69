import type { TRPCRouterRecord } from '@trpc/server';
import { Organization, OrganizationUpdateInput } from '../contracts/organization.ts';
import { procedure } from '../trpc.ts';
import { toOrganization } from '../wire.ts';

export const organizationRouter = {
  get: procedure('authenticated', {
    method: 'GET',
    path: '/organization',
    summary: 'Your organization, its plan and its limits',
  })
    .output(Organization)
    .query(({ ctx }) => toOrganization(ctx.principal.organization)),

  update: procedure('organization:write')
    .input(OrganizationUpdateInput)
    .output(Organization)
    .mutation(async ({ ctx, input }) =>
      toOrganization(await ctx.domain.organizations.rename(ctx.caller, input.name)),
    ),
} satisfies TRPCRouterRecord;
