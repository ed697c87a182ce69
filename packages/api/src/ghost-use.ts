import { type ApiKey, type Domain, GHOST_KEPT_DAYS, noGhosts, totalGhosts } from '@kaana/core';

/** Attempts with a key's tokens that do not work any more, as they travel. */
export const toGhostUse = async ({ stores }: Domain, key: ApiKey) => {
  const ghosts = (await stores.ghostUse.read([key.id])).get(key.id)?.value ?? null;
  const counts = ghosts?.counts ?? noGhosts();
  const starts = new Map(key.secrets.map(({ id, start }) => [id, start]));
  const sources = (ghosts?.sources ?? []).map(({ address, userAgent, reason, secretId, count, lastAt }) => ({
    address: address || null,
    userAgent: userAgent || null,
    reason,
    start: starts.get(secretId) ?? null,
    count,
    lastAt: lastAt.toISOString(),
  }));
  const total = totalGhosts(counts);
  return {
    keyId: key.id,
    total,
    counts: { ...counts },
    firstAt: ghosts?.firstAt.toISOString() ?? null,
    lastAt: ghosts?.lastAt.toISOString() ?? null,
    sources,
    others: total - sources.reduce((sum, { count }) => sum + count, 0),
    keptDays: GHOST_KEPT_DAYS,
  };
};
