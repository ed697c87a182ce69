import {
  accountInReach,
  type Domain,
  KaanaError,
  MINUTE_MS,
  noCounts,
  OUTCOMES,
  type Principal,
  startOfMinute,
  total,
  type UsageQuery,
} from '@kaana/core';
import type { TRPCRouterRecord } from '@trpc/server';
import {
  UsageSeriesInput,
  UsageSeriesOutput,
  UsageSummaryInput,
  UsageSummaryOutput,
} from '../contracts/usage.ts';
import { procedure } from '../trpc.ts';
import { toUsageCounts } from '../wire.ts';

const INTERVAL_MS = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: 24 * 60 * MINUTE_MS } as const;
const DAY_MS = INTERVAL_MS.day;
/** Intervals in one answer at most. */
const MAX_INTERVALS = 3000;

/** Counts are kept per minute, so that a range is widened to whole minutes. */
const toQuery = async (
  { keys }: Domain,
  principal: Principal,
  input: { keyId?: string | undefined; from?: string | undefined; to?: string | undefined },
  now: number,
): Promise<UsageQuery> => {
  const to = input.to ? Date.parse(input.to) : now;
  const from = input.from ? Date.parse(input.from) : to - DAY_MS;
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
    from: new Date(startOfMinute(from)),
    to: new Date(startOfMinute(to - 1) + MINUTE_MS),
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
      const rows = await stores.usage.byKey(query);
      const names = await stores.keys.names(
        query.organizationId,
        rows.map(({ keyId }) => keyId),
      );
      const totals = noCounts();
      for (const { counts } of rows) for (const outcome of OUTCOMES) totals[outcome] += counts[outcome];
      return {
        from: query.from.toISOString(),
        to: query.to.toISOString(),
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
      const interval = INTERVAL_MS[input.interval];
      if ((query.to.getTime() - query.from.getTime()) / interval > MAX_INTERVALS) {
        throw new KaanaError(
          'invalid_input',
          `That is more than ${MAX_INTERVALS} intervals: take a longer interval.`,
          {
            errors: [{ path: 'interval', message: 'is too short for this range' }],
          },
        );
      }
      const rows = await stores.usage.series(query, interval);
      return {
        from: query.from.toISOString(),
        to: query.to.toISOString(),
        interval: input.interval,
        data: rows.map(({ at, counts }) => ({ at: at.toISOString(), counts: toUsageCounts(counts) })),
      };
    }),
} satisfies TRPCRouterRecord;
