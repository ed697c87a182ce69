import { redactTokens } from '@kaana/api-key';
import type { Clock } from './clock.ts';
import type { LastUse } from './model.ts';
import type { Permission } from './permissions.ts';
import type { Principal } from './principal.ts';
import type { ActivityDelta, UsageDelta, UsageStore } from './stores.ts';
import { type Counts, MINUTE_MS, noCounts, OUTCOMES, type Outcome, startOfMinute } from './usage.ts';

export type Use = {
  readonly principal: Principal;
  readonly outcome: Outcome;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** The permissions that the request needed and had: what the key is really used for. */
  readonly exercised?: Permission | readonly Permission[] | null;
};

type PendingUse = { at: number; ip: string; userAgent: string };
type PendingActivity = {
  readonly since: number;
  /** One of `secrets`. */
  last: PendingUse;
  readonly secrets: Map<string, PendingUse>;
  readonly permissions: Map<Permission, number>;
};

const MAX_USER_AGENT = 200;
/** Such a text is made short at once, instead of when it is written: whole ones would fill the memory. */
const LONG_USER_AGENT = 1_000;

/**
 * A count that is written later than this counts for the minute in which it is written: hours are summed up an hour
 * after their end, and what came into one after that would be seen by nobody.
 */
const LATE_MS = 30 * MINUTE_MS;
/** Entries that wait, one per key and minute. Beyond, each key has one more at most, for the minute of its last use. */
const MAX_PENDING = 100_000;
/** Keys whose last use waits. Beyond, the first of them are forgotten: their last use is told by their next one. */
const MAX_ACTIVITY = 20_000;
/** Entries written at once, so that none takes long, and a failure leaves little in doubt. */
const MAX_BATCH = 5_000;

export type RecorderBounds = { readonly pending: number; readonly activity: number; readonly batch: number };
const BOUNDS: RecorderBounds = { pending: MAX_PENDING, activity: MAX_ACTIVITY, batch: MAX_BATCH };

const shortened = (userAgent: string): string => redactTokens(userAgent).slice(0, MAX_USER_AGENT);

/** Counts by key and minute: at most `capacity` entries and one for each key, and every count in one of them. */
class PendingUsage {
  readonly #capacity: number;
  /** By key, in the order of their minutes. */
  readonly #deltas = new Map<string, UsageDelta[]>();
  #size = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The counts to add to; `owner` is whose key it is. */
  countsAt(keyId: string, minute: number, owner: Pick<UsageDelta, 'organizationId' | 'accountId'>): Counts {
    const deltas = this.#deltas.get(keyId);
    const newest = deltas?.at(-1);
    if (newest?.minute === minute) return newest.counts;
    const { organizationId, accountId } = owner;
    const delta = { organizationId, accountId, keyId, minute, counts: noCounts() };
    if (!deltas || !newest) {
      this.#deltas.set(keyId, [delta]);
      this.#size++;
      return delta.counts;
    }
    // From the end, since that is where nearly all belong.
    let index = deltas.length;
    while (index > 0 && (deltas[index - 1]?.minute ?? minute) > minute) index--;
    const same = deltas[index - 1];
    if (same?.minute === minute) return same.counts;
    if (this.#size < this.#capacity) {
      deltas.splice(index, 0, delta);
      this.#size++;
      return delta.counts;
    }
    // No room: the newest takes it in, and moves to the later of the two minutes. Late rather than lost.
    if (index === deltas.length) deltas[index - 1] = { ...newest, minute };
    return newest.counts;
  }

  add({ keyId, minute, counts, ...owner }: UsageDelta): void {
    const sum = this.countsAt(keyId, minute, owner);
    for (const outcome of OUTCOMES) sum[outcome] += counts[outcome];
  }

  deltas(): UsageDelta[] {
    return [...this.#deltas.values()].flat();
  }
}

/**
 * Counts and last uses, gathered in memory and written behind, so that no request waits for them: one entry per key
 * and minute, whatever the traffic. A crash loses what came since the last flush (about a second's worth), never state.
 * While the database is away they are kept. No count is ever given up for want of room; what grows without a bound is
 * only the number of different keys that are used meanwhile.
 */
export class UsageRecorder {
  readonly #store: UsageStore;
  readonly #clock: Clock;
  readonly #bounds: RecorderBounds;
  #usage: PendingUsage;
  #activity = new Map<string, PendingActivity>();
  #flushing: Promise<void> = Promise.resolve();

  constructor(store: UsageStore, clock: Clock, bounds: RecorderBounds = BOUNDS) {
    this.#store = store;
    this.#clock = clock;
    this.#bounds = bounds;
    this.#usage = new PendingUsage(bounds.pending);
  }

  record({ principal: { account, credential }, outcome, ip, userAgent, exercised }: Use): void {
    if (credential.type !== 'key') return;
    const now = this.#clock();
    const { keyId, secretId } = credential;
    const owner = { organizationId: account.organizationId, accountId: account.id };
    this.#usage.countsAt(keyId, startOfMinute(now), owner)[outcome]++;
    let activity = this.#activity.get(keyId);
    if (!activity) {
      const [first] = this.#activity.keys();
      if (first !== undefined && this.#activity.size >= this.#bounds.activity) this.#activity.delete(first);
      const use = { at: now, ip: '', userAgent: '' };
      activity = { since: now, last: use, secrets: new Map([[secretId, use]]), permissions: new Map() };
      this.#activity.set(keyId, activity);
    }
    let use = activity.secrets.get(secretId);
    if (!use) {
      use = { at: now, ip: '', userAgent: '' };
      activity.secrets.set(secretId, use);
    }
    use.at = now;
    use.ip = ip ?? '';
    use.userAgent =
      userAgent && userAgent.length > LONG_USER_AGENT ? shortened(userAgent) : (userAgent ?? '');
    activity.last = use;
    if (typeof exercised === 'string') activity.permissions.set(exercised, now);
    else if (exercised) for (const permission of exercised) activity.permissions.set(permission, now);
  }

  /** Writes what has gathered. What cannot be written is kept for the next time. */
  flush(): Promise<void> {
    const before = this.#flushing;
    this.#flushing = before.catch(() => undefined).then(() => this.#write());
    return this.#flushing;
  }

  async #write(): Promise<void> {
    const usage = this.#punctual(this.#usage.deltas());
    const activity = [...this.#activity];
    this.#usage = new PendingUsage(this.#bounds.pending);
    this.#activity = new Map();
    const { batch } = this.#bounds;
    for (let at = 0; at < Math.max(usage.length, activity.length); at += batch) {
      const end = at + batch;
      try {
        await this.#store.add(usage.slice(at, end), activity.slice(at, end).map(toDelta));
      } catch (error) {
        this.#restore(usage.slice(at), activity.slice(at));
        throw error;
      }
    }
  }

  /** With what is late counted for the current minute. */
  #punctual(deltas: UsageDelta[]): UsageDelta[] {
    const minute = startOfMinute(this.#clock());
    const isLate = (delta: UsageDelta) => minute - delta.minute > LATE_MS;
    if (!deltas.some(isLate)) return deltas;
    const punctual = new PendingUsage(this.#bounds.pending);
    for (const delta of deltas) punctual.add(isLate(delta) ? { ...delta, minute } : delta);
    return punctual.deltas();
  }

  #restore(usage: readonly UsageDelta[], activity: readonly [string, PendingActivity][]): void {
    for (const delta of usage) this.#usage.add(delta);
    for (const [keyId, older] of activity) {
      const newer = this.#activity.get(keyId);
      if (newer) {
        addMissing(newer.secrets, older.secrets);
        addMissing(newer.permissions, older.permissions);
        this.#activity.set(keyId, { ...newer, since: older.since });
      } else if (this.#activity.size < this.#bounds.activity) this.#activity.set(keyId, older);
    }
  }
}

const addMissing = <Key, Value>(newer: Map<Key, Value>, older: ReadonlyMap<Key, Value>): void => {
  for (const [key, value] of older) if (!newer.has(key)) newer.set(key, value);
};

const toDates = (times: ReadonlyMap<string, number>): Record<string, Date> =>
  Object.fromEntries([...times].map(([key, at]) => [key, new Date(at)]));

const toLastUse = ({ at, ip, userAgent }: PendingUse): LastUse => ({
  at: new Date(at),
  ip,
  userAgent: shortened(userAgent),
});

const toDelta = ([keyId, { since, last, secrets, permissions }]: [
  string,
  PendingActivity,
]): ActivityDelta => ({
  keyId,
  lastUsedAt: new Date(last.at),
  ip: last.ip,
  userAgent: shortened(last.userAgent),
  secrets: Object.fromEntries([...secrets].map(([id, use]) => [id, toLastUse(use)])),
  permissions: toDates(permissions),
  permissionsSince: new Date(since),
});
