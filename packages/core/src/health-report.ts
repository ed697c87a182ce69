import { assessHealth, type FindingCode, type Health, idleDaysOf, quietDaysOf } from './health.ts';
import type { ApiKey, Organization } from './model.ts';
import { DAY_MS } from './policies.ts';
import { accountInReach, type Principal } from './principal.ts';
import type { Stores } from './stores.ts';

/** Keys that are looked at together, and put in order: a list of more goes on with the next so many. */
const WINDOW = 1_000;

export type KeyHealth = Health & { readonly key: ApiKey };

/** Where a page ended: `window` is the key before which its keys begin, `after` the last one of it that was shown. */
export type HealthPosition = {
  readonly window: string | null;
  readonly after: { readonly score: number; readonly id: string } | null;
};
export type HealthQuery = {
  readonly limit: number;
  readonly position: HealthPosition;
  readonly finding?: FindingCode | undefined;
  readonly safeToRemove?: boolean | undefined;
};
export type HealthPage = { readonly rows: readonly KeyHealth[]; readonly next: HealthPosition | null };

type HealthStores = Pick<Stores, 'keys' | 'accounts' | 'usage' | 'ghostUse'>;

/** Key id -> its latest use by its counts, of those that seem to have been idle. To the end of the day that it was on. */
const countedUses = async (
  { usage }: HealthStores,
  { id: organizationId }: Organization,
  keyIds: readonly string[],
  from: number,
  now: number,
): Promise<ReadonlyMap<string, Date>> => {
  if (keyIds.length === 0) return new Map();
  const to = new Date(now);
  const { rows } = await usage.days({ organizationId, keyIds, from: new Date(from), to, now: to });
  const latest = new Map<string, Date>();
  for (const { keyId, at } of rows) {
    const end = new Date(Math.min(at.getTime() + DAY_MS, now));
    const known = latest.get(keyId);
    if (!known || known < end) latest.set(keyId, end);
  }
  return latest;
};

/** How keys of an organization are doing, in their order: a handful of queries, whatever their number. */
export const healthOf = async (
  stores: HealthStores,
  organization: Organization,
  keys: readonly ApiKey[],
  now: number,
): Promise<KeyHealth[]> => {
  const ids = keys.map(({ id }) => id);
  const [owners, activities, ghosts] = await Promise.all([
    stores.accounts.getMany([...new Set(keys.map(({ accountId }) => accountId))]),
    stores.usage.activity(ids),
    stores.ghostUse.read(ids),
  ]);
  const { policies } = organization;
  const idleFrom = now - idleDaysOf(policies) * DAY_MS;
  const seemIdle = ids.filter((id) => (activities.get(id)?.lastUsedAt.getTime() ?? 0) <= idleFrom);
  const countedFrom = now - quietDaysOf(policies) * DAY_MS;
  const counted = await countedUses(stores, organization, seemIdle, countedFrom, now);
  return keys.map((key) => ({
    key,
    ...assessHealth({
      key,
      owner: owners.get(key.accountId) ?? null,
      policies,
      activity: activities.get(key.id),
      countedAt: counted.get(key.id) ?? null,
      ghosts: ghosts.get(key.id)?.value ?? null,
      now,
    }),
  }));
};

type Place = { readonly score: number; readonly id: string };
const placeOf = ({ score, key }: KeyHealth): Place => ({ score, id: key.id });
/** The worst first; of equally bad ones the newest. */
const inOrder = (a: Place, b: Place): number => a.score - b.score || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

/**
 * The worst first among the newest thousand keys in the principal's reach, then among the next thousand. A page may be
 * shorter than asked for, or empty, before the last one. Revoked keys are in it only while somebody still tries them.
 */
export const listHealth = async (
  stores: HealthStores,
  principal: Principal,
  { limit, position: { window, after }, finding, safeToRemove }: HealthQuery,
  now: number,
  windowSize = WINDOW,
): Promise<HealthPage> => {
  const { organization } = principal;
  const keys = await stores.keys.list({
    organizationId: organization.id,
    accountId: accountInReach(principal),
    limit: windowSize,
    before: window ?? undefined,
    now: new Date(now),
  });
  const wanted = (await healthOf(stores, organization, keys, now))
    .filter((health) => health.key.status !== 'revoked' || health.findings.length > 0)
    .filter(({ findings }) => finding === undefined || findings.some(({ code }) => code === finding))
    .filter((health) => safeToRemove === undefined || (health.safeToRemove !== null) === safeToRemove)
    .filter((health) => after === null || inOrder(placeOf(health), after) > 0)
    .sort((a, b) => inOrder(placeOf(a), placeOf(b)));
  const rows = wanted.slice(0, limit);
  const last = rows.at(-1);
  if (last && wanted.length > limit) return { rows, next: { window, after: placeOf(last) } };
  const oldest = keys.length < windowSize ? undefined : keys.at(-1);
  return { rows, next: oldest ? { window: oldest.id, after: null } : null };
};
