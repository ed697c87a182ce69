import {
  type ApiKey,
  type Domain,
  type Permission,
  shownMode,
  stillRefused,
  type WouldRefuse,
} from '@kaana/core';
import type { z } from 'zod';
import type * as contract from './contracts/would-refuse.ts';

const total = (entries: readonly WouldRefuse[]) => entries.reduce((sum, { count }) => sum + count, 0);

const seen = ({ count, firstAt, lastAt }: WouldRefuse) => ({
  count,
  firstAt: firstAt.toISOString(),
  lastAt: lastAt.toISOString(),
});

/** What was noted of each key's lists that are in report mode now: nothing is read where there is none. */
export const wouldRefuseOf = async (
  { stores }: Domain,
  keys: readonly ApiKey[],
): Promise<ReadonlyMap<string, { count: number; lastAt: string }>> => {
  const reporting = keys.filter(
    (key) =>
      shownMode(key.scopes, key.scopesMode) === 'report' ||
      shownMode(key.allowedIps, key.allowedIpsMode) === 'report',
  );
  if (reporting.length === 0) return new Map();
  const held = await stores.wouldRefuse.getMany(reporting.map(({ id }) => id));
  const summaries = new Map<string, { count: number; lastAt: string }>();
  for (const key of reporting) {
    const modes = { scope: key.scopesMode, ip: key.allowedIpsMode };
    const entries = stillRefused(key, held.get(key.id)?.entries ?? []).filter(
      ({ check }) => modes[check] === 'report',
    );
    if (entries.length === 0) continue;
    const lastAt = new Date(Math.max(...entries.map((entry) => entry.lastAt.getTime())));
    summaries.set(key.id, { count: total(entries), lastAt: lastAt.toISOString() });
  }
  return summaries;
};

export const toWouldRefuse = async (
  { stores }: Domain,
  key: ApiKey,
): Promise<z.infer<typeof contract.WouldRefuse>> => {
  const held = (await stores.wouldRefuse.getMany([key.id])).get(key.id)?.entries ?? [];
  const entries = stillRefused(key, held);
  const scopes = entries.filter(({ check }) => check === 'scope');
  const ips = entries.filter(({ check }) => check === 'ip');
  const others = ips.find(({ value }) => value === null);
  return {
    keyId: key.id,
    scopes: {
      mode: shownMode(key.scopes, key.scopesMode),
      since: (key.scopesChangedAt ?? key.createdAt).toISOString(),
      count: total(scopes),
      entries: scopes.map((entry) => ({ permission: entry.value as Permission, ...seen(entry) })),
    },
    allowedIps: {
      mode: shownMode(key.allowedIps, key.allowedIpsMode),
      since: (key.allowedIpsChangedAt ?? key.createdAt).toISOString(),
      count: total(ips),
      entries: ips.flatMap((entry) => (entry.value === null ? [] : [{ ip: entry.value, ...seen(entry) }])),
      others: others ? seen(others) : null,
    },
  };
};
