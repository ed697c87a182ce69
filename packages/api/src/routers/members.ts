import type { TRPCRouterRecord } from '@trpc/server';
import {
  Member,
  MemberInviteInput,
  MemberInviteOutput,
  MemberLimitsInput,
  MemberListInput,
  MemberListOutput,
  MemberUpdateInput,
} from '../contracts/members.ts';
import { procedure } from '../trpc.ts';
import { defined, pageQuery, toMember, toPage } from '../wire.ts';

export const membersRouter = {
  list: procedure('members:read', { method: 'GET', path: '/members', summary: 'List members, newest first' })
    .input(MemberListInput)
    .output(MemberListOutput)
    .query(async ({ ctx, input }) => {
      const { members, stores, clock } = ctx.domain;
      const page = toPage(await members.list(ctx.principal, pageQuery(input)), input.limit);
      const active = await stores.keys.countActive(
        page.data.map(({ id }) => id),
        new Date(clock()),
      );
      return { ...page, data: page.data.map((account) => toMember(account, active.get(account.id) ?? 0)) };
    }),

  invite: procedure('members:write')
    .input(MemberInviteInput)
    .output(MemberInviteOutput)
    .mutation(async ({ ctx, input }) => {
      const { account, initialPassword } = await ctx.domain.members.invite(ctx.caller, input);
      return { member: toMember(account, 0), initialPassword };
    }),

  update: procedure('members:write')
    .input(MemberUpdateInput)
    .output(Member)
    .mutation(async ({ ctx, input: { id, ...change } }) => {
      const { members, stores, clock } = ctx.domain;
      const account = await members.update(ctx.caller, id, defined(change));
      const active = await stores.keys.countActive([id], new Date(clock()));
      return toMember(account, active.get(id) ?? 0);
    }),

  setLimits: procedure('members:write', {
    method: 'POST',
    path: '/members/{id}/limits',
    summary: 'Limit the requests of an account, beside its plan; takes effect with its next request',
  })
    .input(MemberLimitsInput)
    .output(Member)
    .mutation(async ({ ctx, input: { id, limits } }) => {
      const { members, stores, clock } = ctx.domain;
      const account = await members.setLimits(ctx.caller, id, limits);
      const active = await stores.keys.countActive([id], new Date(clock()));
      return toMember(account, active.get(id) ?? 0);
    }),
} satisfies TRPCRouterRecord;
