import type { TRPCRouterRecord } from '@trpc/server';
import { Organization, OrganizationUpdateInput } from '../contracts/organization.ts';
import { procedure } from '../trpc.ts';
import { defined, toOrganization } from '../wire.ts';

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
          ...(policies ? { policies: defined(policies) } : {}),
        }),
      ),
    ),
} satisfies TRPCRouterRecord;
