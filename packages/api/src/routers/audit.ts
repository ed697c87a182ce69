import type { TRPCRouterRecord } from '@trpc/server';
import { AuditListInput, AuditListOutput } from '../contracts/audit.ts';
import { procedure } from '../trpc.ts';
import { pageQuery, toAuditEvent, toDate, toPage } from '../wire.ts';

export const auditRouter = {
  list: procedure('audit:read', {
    method: 'GET',
    path: '/audit-events',
    summary: 'List changes of state, newest first',
  })
    .input(AuditListInput)
    .output(AuditListOutput)
    .query(async ({ ctx, input }) => {
      const events = await ctx.domain.stores.audit.list({
        organizationId: ctx.principal.organization.id,
        action: input.action,
        targetId: input.targetId,
        actorId: input.actorId,
        keyId: input.keyId,
        from: input.from === undefined ? undefined : toDate(input.from),
        to: input.to === undefined ? undefined : toDate(input.to),
        ...pageQuery(input),
      });
      return toPage(events.map(toAuditEvent), input.limit);
    }),
} satisfies TRPCRouterRecord;
