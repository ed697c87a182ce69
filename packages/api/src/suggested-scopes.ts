import { type ApiKey, type Domain, ROLE_TABLE, shownMode, suggestScopes } from '@kaana/core';
import type { z } from 'zod';
import type { SuggestedScopes } from './contracts/suggested-scopes.ts';

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

/** Requests of a key that were served since then. */
const servedSince = async ({ stores }: Domain, key: ApiKey, since: Date, now: number): Promise<number> => {
  const { id: keyId, organizationId } = key;
  const to = new Date(now);
  if (since >= to) return 0;
  const { rows } = await stores.usage.byKey({ organizationId, keyId, from: since, to, now: to });
  return rows.reduce((sum, { counts }) => sum + counts.served, 0);
};

export const toSuggestedScopes = async (
  domain: Domain,
  key: ApiKey,
): Promise<z.infer<typeof SuggestedScopes>> => {
  const now = domain.clock();
  const [activities, accounts] = await Promise.all([
    domain.stores.usage.activity([key.id]),
    domain.stores.accounts.getMany([key.accountId]),
  ]);
  const activity = activities.get(key.id);
  const owner = accounts.get(key.accountId);
  const since = activity?.permissionsSince;
  const { evidence, observedSince, suggested, cautions, ...rest } = suggestScopes({
    key,
    owner: owner ? ROLE_TABLE[owner.role].permissions : [],
    activity,
    requests: since ? await servedSince(domain, key, since, now) : 0,
    now,
  });
  return {
    ...rest,
    keyId: key.id,
    suggested: suggested && [...suggested],
    cautions: [...cautions],
    observedSince: iso(observedSince),
    scopes: key.scopes && [...key.scopes],
    scopesMode: shownMode(key.scopes, key.scopesMode),
    permissions: evidence.map(({ permission, lastUsedAt }) => ({ permission, lastUsedAt: iso(lastUsedAt) })),
  };
};
