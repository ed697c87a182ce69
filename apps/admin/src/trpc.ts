import type { AppRouter } from '@kaana/api';
import { createTRPCClient, httpBatchLink, type TRPCLink } from '@trpc/client';
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server';
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query';
import { queryClient } from './query-client.ts';

/**
 * Infinite queries add the direction of paging to their input (getClientArgs in @trpc/tanstack-react-query). Our lists
 * have only one direction, and refuse input that they do not know.
 */
const withoutDirection: TRPCLink<AppRouter> =
  () =>
  ({ op, next }) => {
    if (typeof op.input !== 'object' || op.input === null || !('direction' in op.input)) return next(op);
    const { direction: _, ...input } = op.input;
    return next({ ...op, input });
  };

/** The session is a cookie of this origin, which `fetch` sends by itself. */
const client = createTRPCClient<AppRouter>({
  links: [withoutDirection, httpBatchLink({ url: '/trpc', maxURLLength: 7_000, maxItems: 10 })],
});

export const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient });

type Outputs = inferRouterOutputs<AppRouter>;
export type Inputs = inferRouterInputs<AppRouter>;

// biome-ignore lint/suspicious/noConfusingVoidType: what tRPC has for an input that may be left out
type Given<Input> = Exclude<Input, void | undefined>;
export type KeyListInput = Given<Inputs['keys']['list']>;
export type AuditListInput = Given<Inputs['audit']['list']>;

export type User = Outputs['session']['current'];
export type Key = Outputs['keys']['list']['data'][number];
export type KeyStatus = Key['status'];
export type NamedLimit = Key['limits'][number];
export type Credits = NonNullable<Key['credits']>;
export type Permission = User['permissions'][number];
export type Role = User['role'];
export type GhostUse = Outputs['keys']['ghostUse'];
export type WouldRefuse = Outputs['keys']['wouldRefuse'];
export type SuggestedScopes = Outputs['keys']['suggestScopes'];
export type Project = Outputs['projects']['list']['data'][number];
export type Member = Outputs['members']['list']['data'][number];
export type Organization = Outputs['organization']['get'];
export type Policies = Organization['policies'];
export type PolicyImpact = Outputs['organization']['policyImpact'];
export type UsageCounts = Outputs['usage']['summary']['totals'];
export type UsageSeries = Outputs['usage']['series'];
export type SessionInfo = Outputs['session']['list']['data'][number];
export type Webhook = Outputs['webhooks']['list']['data'][number];
export type WebhookDelivery = Outputs['webhooks']['deliveries']['data'][number];
export type AuditEvent = Outputs['audit']['list']['data'][number];
