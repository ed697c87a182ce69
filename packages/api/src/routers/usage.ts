import {
  accountInReach,
  type Domain,
  INTERVAL_MS,
  KaanaError,
  noCounts,
  OUTCOMES,
  type Principal,
  total,
  type UsageQuery,
} from '@kaana/core';
import type { TRPCRouterRecord } from '@trpc/server';
import {
  UsageHeadroomOutput,
  UsageSeriesInput,
  UsageSeriesOutput,
  UsageSparklinesInput,
  UsageSparklinesOutput,
  UsageSummaryInput,
  UsageSummaryOutput,
} from '../contracts/usage.ts';
import { procedure } from '../trpc.ts';
import { headroomOf, sparklinesOf } from '../usage-views.ts';
import { toUsageCounts } from '../wire.ts';

/** Intervals in one answer at most. */
const MAX_INTERVALS = 3000;

const toQuery = async (
  { keys }: Domain,
  principal: Principal,
  input: { keyId?: string | undefined; from?: string | undefined; to?: string | undefined },
  now: number,
): Promise<UsageQuery> => {
  const to = input.to ? Date.parse(input.to) : now;
  const from = input.from ? Date.parse(input.from) : to - INTERVAL_MS.day;
  if (from >= to) {
    throw new KaanaError('invalid_input', 'from must be before to.', {
      errors: [{ path: 'from', message: 'must be before to' }],
    });
  }
  // Not found for a key that is out of reach.
  if (input.keyId !== undefined) await keys.get(principal, input.keyId);
  return {
    organizationId: principal.organization.id,
    accountId: accountInReach(principal),
    keyId: input.keyId,
    from: new Date(from),
    to: new Date(to),
    now: new Date(now),
  };
};

export const usageRouter = {
  summary: procedure('usage:read', {
    method: 'GET',
    path: '/usage',
    summary: 'Requests by outcome, in all and per key',
  })
    .input(UsageSummaryInput)
    .output(UsageSummaryOutput)
    .query(async ({ ctx, input }) => {
      const { stores, clock } = ctx.domain;
      const query = await toQuery(ctx.domain, ctx.principal, input, clock());
      const { from, to, rows } = await stores.usage.byKey(query);
      const names = await stores.keys.names(
        query.organizationId,
        rows.map(({ keyId }) => keyId),
      );
      const totals = noCounts();
      for (const { counts } of rows) for (const outcome of OUTCOMES) totals[outcome] += counts[outcome];
      return {
        from: from.toISOString(),
        to: to.toISOString(),
        totals: toUsageCounts(totals),
        keys: rows
          .toSorted((a, b) => total(b.counts) - total(a.counts))
          .map(({ keyId, counts }) => ({
            keyId,
            name: names.get(keyId) ?? keyId,
            counts: toUsageCounts(counts),
          })),
      };
    }),

  /** The small charts of a list of keys. */
  sparklines: procedure('usage:read')
    .input(UsageSparklinesInput)
    .output(UsageSparklinesOutput)
    .query(({ ctx, input }) => sparklinesOf(ctx.domain, ctx.principal, input)),

  headroom: procedure('usage:read', {
    method: 'GET',
    path: '/usage/headroom',
    summary: 'How near each account came to its rate limit in the last 24 hours',
  })
    .output(UsageHeadroomOutput)
    .query(({ ctx }) => headroomOf(ctx.domain, ctx.principal)),

  series: procedure('usage:read', {
    method: 'GET',
    path: '/usage/series',
    summary: 'Requests by outcome over time',
  })
    .input(UsageSeriesInput)
    .output(UsageSeriesOutput)
    .query(async ({ ctx, input }) => {
      const { stores, clock } = ctx.domain;
      const query = await toQuery(ctx.domain, ctx.principal, input, clock());
      const length = query.to.getTime() - query.from.getTime();
      if (length / INTERVAL_MS[input.interval] > MAX_INTERVALS) {
        throw new KaanaError(
          'invalid_input',
          `That is more than ${MAX_INTERVALS} intervals: take a longer interval.`,
          {
            errors: [{ path: 'interval', message: 'is too short for this range' }],
          },
        );
      }
      const { from, to, rows } = await stores.usage.series(query, input.interval);
      return {
        from: from.toISOString(),
        to: to.toISOString(),
        interval: input.interval,
        data: rows.map(({ at, counts }) => ({ at: at.toISOString(), counts: toUsageCounts(counts) })),
      };
    }),
} satisfies TRPCRouterRecord;
