import {
  accountInReach,
  type Domain,
  INTERVAL_MS,
  type Principal,
  requestsPerMinute,
  startOf,
  total,
} from '@kaana/core';

/** Requests per day of several keys. Keys that are out of reach have none. */
export const sparklinesOf = async (
  { stores, clock }: Domain,
  principal: Principal,
  { keyIds, days }: { keyIds: readonly string[]; days: number },
) => {
  const now = clock();
  const from = startOf('day', now) - (days - 1) * INTERVAL_MS.day;
  const answer = await stores.usage.days({
    organizationId: principal.organization.id,
    accountId: accountInReach(principal),
    keyIds,
    from: new Date(from),
    to: new Date(now + 1),
    now: new Date(now),
  });
  const lines = new Map<string, { keyId: string; requests: number[]; refused: number[] }>();
  for (const { keyId, at, counts } of answer.rows) {
    const day = (at.getTime() - from) / INTERVAL_MS.day;
    if (!Number.isInteger(day) || day < 0 || day >= days) continue;
    let line = lines.get(keyId);
    if (!line) {
      line = { keyId, requests: new Array(days).fill(0), refused: new Array(days).fill(0) };
      lines.set(keyId, line);
    }
    line.requests[day] = total(counts);
    line.refused[day] = total(counts) - counts.served;
  }
  return { from: answer.from.toISOString(), to: answer.to.toISOString(), data: [...lines.values()] };
};

/** How near each account came to its limit. Minutes are kept for longer than this looks back. */
export const headroomOf = async ({ stores, clock }: Domain, principal: Principal) => {
  const now = clock();
  const { organization } = principal;
  const query = {
    organizationId: organization.id,
    accountId: accountInReach(principal),
    from: new Date(startOf('minute', now - INTERVAL_MS.day)),
    to: new Date(now + 1),
    now: new Date(now),
  };
  const [peaks, refused] = await Promise.all([stores.usage.peaks(query), stores.usage.byAccount(query)]);
  const accounts = await stores.accounts.getMany([...peaks.keys()]);
  const limit = requestsPerMinute(organization);
  return {
    from: query.from.toISOString(),
    to: query.to.toISOString(),
    accounts: [...peaks]
      .map(([accountId, peak]) => ({
        accountId,
        name: accounts.get(accountId)?.name ?? accountId,
        limit,
        peak,
        refused: refused.get(accountId)?.rateLimited ?? 0,
      }))
      .toSorted((a, b) => b.peak - a.peak),
  };
};
