import { PERMISSIONS, type Policies, policyImpact, requirePermission } from '@kaana/core';
import type { TRPCRouterRecord } from '@trpc/server';
import type { z } from 'zod';
import {
  Organization,
  OrganizationUpdateInput,
  type PoliciesInput,
  PolicyImpact,
  PolicyImpactInput,
} from '../contracts/organization.ts';
import { procedure } from '../trpc.ts';
import { defined, toOrganization, toPolicyImpact } from '../wire.ts';

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

  policyImpact: procedure('organization:write', {
    method: 'POST',
    path: '/organization/policy-impact',
    summary: 'What a change of policies would do to the keys that are there; changes nothing',
  })
    .input(PolicyImpactInput)
    .output(PolicyImpact)
    .mutation(async ({ ctx: { domain, principal }, input: { policies } }) => {
      // The names of keys are for who may see keys.
      const showsKeys = principal.permissions.includes('keys:read');
      if (showsKeys) requirePermission(principal, 'keys:read');
      const { stores, clock } = domain;
      const impact = await policyImpact(stores, principal.organization, toPolicies(policies), clock);
      return toPolicyImpact(showsKeys ? impact : { ...impact, examples: [] });
    }),
} satisfies TRPCRouterRecord;
