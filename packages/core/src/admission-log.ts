/**
 * The decision of the rate limiter, without any effect: what is remembered of one limit, and what becomes of it when
 * somebody asks. Times are milliseconds since the epoch by the database's clock, which all processes share.
 */

/** Admissions taken in advance by one process, to be used until `until`; they count as used until they are settled. */
export type Lease = { readonly id: string; readonly until: number; readonly count: number };

export type LimitRecord = {
  /** Admissions as pairs `[time, count, time, count, ...]`, oldest first. */
  readonly log: readonly number[];
  readonly leases: readonly Lease[];
};

export const NO_ADMISSIONS: LimitRecord = { log: [], leases: [] };

/** The moment of a question: the database's clock is known up to a fraction of a round trip, and lies between these. */
export type Instant = { readonly earliest: number; readonly latest: number };

/** What a lease turned out to be used for: pairs as in the log. */
export type Settlement = { readonly leaseId: string; readonly uses: readonly number[] };

export type Question = {
  /** How many wait to be admitted. */
  readonly count: number;
  /**
   * Where some ask for more than one admission at once, or for none: what each asks for, in their order, together
   * `count`. Each gets all that it asks for, or nothing.
   */
  readonly costs?: readonly number[] | undefined;
  readonly limit: number;
  readonly windowMs: number;
  readonly now: Instant;
  readonly settlement?: Settlement | undefined;
  /** Admissions wanted in advance. They are given only while at least half of the limit stays free. */
  readonly lease?: Lease | undefined;
};

export type Decision = {
  readonly granted: number;
  readonly leased: number;
  /** Admissions inside the window, these included, but for the lease. */
  readonly used: number;
  /** Until the oldest admission leaves the window; where some are refused, until the cheapest of them could be admitted. */
  readonly availableInMs: number;
  /** Nothing was free, but leases that other processes may return are: when to ask again. */
  readonly askAgainInMs: number | null;
  /** What to remember from now on; `null`: what is remembered is right as it is. */
  readonly record: LimitRecord | null;
};

/**
 * Up to this limit every admission is remembered with its time, and the answer is exact both ways. Above it they
 * are counted in ticks of a 600th of the window, under the tick's end: still never one too many, but a request leaves
 * the window up to one tick late. 6,000 entries are 48 kB as they are stored; more would cost more than they tell.
 */
export const EXACT_LIMIT = 6_000;
const TICKS_PER_WINDOW = 600;

/** A process settles a lease soon after its end; one that has not by then has died, and its lease counts as used. */
export const SETTLING_MS = 1_500;

/** When an admission at `at` is remembered to have happened: never earlier than it did. */
export const stampOf = (at: number, limit: number, windowMs: number): number => {
  if (limit <= EXACT_LIMIT) return at;
  const tick = windowMs / TICKS_PER_WINDOW;
  return Math.ceil(at / tick) * tick;
};

/** Adds `count` admissions at `at` to pairs that are in order; `at` may lie a little before the last of them. */
export const appendUse = (log: number[], at: number, count: number): void => {
  const last = log.length - 2;
  if (last >= 0 && (log[last] as number) >= at) log[last + 1] = (log[last + 1] as number) + count;
  else log.push(at, count);
};

const merge = (one: readonly number[], other: readonly number[]): number[] => {
  if (other.length === 0) return [...one];
  const merged: number[] = [];
  let i = 0;
  let j = 0;
  while (i < one.length || j < other.length) {
    const left = i < one.length ? (one[i] as number) : Number.POSITIVE_INFINITY;
    const right = j < other.length ? (other[j] as number) : Number.POSITIVE_INFINITY;
    if (left <= right) {
      appendUse(merged, left, one[i + 1] as number);
      i += 2;
    } else {
      appendUse(merged, right, other[j + 1] as number);
      j += 2;
    }
  }
  return merged;
};

/**
 * The part of a log that may be inside the window. What lies further in the future than the window is long can only
 * stem from a clock that was set back, and is dropped.
 */
export const inWindow = (
  log: readonly number[],
  { earliest, latest }: Instant,
  windowMs: number,
): number[] => {
  let start = 0;
  let end = log.length;
  while (start < end && (log[start] as number) <= earliest - windowMs) start += 2;
  while (end > start && (log[end - 2] as number) > latest + windowMs) end -= 2;
  return log.slice(start, end);
};

export const countOf = (log: readonly number[]): number => {
  let sum = 0;
  for (let index = 1; index < log.length; index += 2) sum += log[index] as number;
  return sum;
};

/** When `surplus` of the admissions have left the window. */
export const leavesAt = ({ log, leases }: LimitRecord, surplus: number, windowMs: number): number => {
  const byEnd = leases.toSorted((a, b) => a.until - b.until);
  const all =
    byEnd.length === 0
      ? log
      : merge(
          log,
          byEnd.flatMap(({ until, count }) => [until, count]),
        );
  let left = surplus;
  for (let index = 0; index < all.length; index += 2) {
    left -= all[index + 1] as number;
    if (left <= 0) return (all[index] as number) + windowMs;
  }
  return 0;
};

/**
 * How many admissions are granted of `free`, and what the cheapest of the refused asks for (1 where nobody is refused).
 * Whoever goes through the costs with `granted` instead of `free` finds the same ones admitted.
 */
const grant = ({ count, costs }: Question, free: number): { granted: number; cheapest: number } => {
  if (!costs) return { granted: Math.max(0, Math.min(count, free)), cheapest: 1 };
  let left = Math.max(0, free);
  let granted = 0;
  let cheapest = Number.POSITIVE_INFINITY;
  for (const cost of costs) {
    if (cost <= left) {
      left -= cost;
      granted += cost;
    } else cheapest = Math.min(cheapest, cost);
  }
  return { granted, cheapest: Number.isFinite(cheapest) ? cheapest : 1 };
};

export const decide = (record: LimitRecord, question: Question): Decision => {
  const { count, limit, windowMs, now, settlement, lease } = question;
  const settled = record.leases.some(({ id }) => id === settlement?.leaseId);
  const uses = settled && settlement ? settlement.uses : [];
  const log = inWindow(merge(record.log, uses), now, windowMs);
  const leases = record.leases.filter(
    ({ id, until }) =>
      id !== settlement?.leaseId && until > now.earliest - windowMs && until <= now.latest + windowMs,
  );
  const leasedBefore = leases.reduce((sum, { count }) => sum + count, 0);
  const usedBefore = countOf(log) + leasedBefore;
  const { granted, cheapest } = grant(question, limit - usedBefore);
  const used = usedBefore + granted;
  if (granted > 0) appendUse(log, stampOf(now.latest, limit, windowMs), granted);
  const leased =
    lease && granted === count ? Math.max(0, Math.min(lease.count, Math.floor(limit / 2) - used)) : 0;

  const open = leases.filter(({ until }) => until + SETTLING_MS > now.latest);
  const mayReturn = granted < count && open.length > 0;
  const next = { log, leases: lease && leased > 0 ? [...leases, { ...lease, count: leased }] : leases };
  return {
    granted,
    leased,
    used,
    availableInMs: Math.max(
      0,
      leavesAt({ log, leases }, Math.max(1, used - limit + (granted < count ? cheapest : 0)), windowMs) -
        now.earliest,
    ),
    askAgainInMs: mayReturn ? Math.max(1, Math.max(...open.map(({ until }) => until)) - now.earliest) : null,
    record: granted > 0 || leased > 0 || settled ? next : null,
  };
};

/** Without the newest admission: it turned out not to count. `null` where there is none. */
export const withoutNewest = ({ log, leases }: LimitRecord): LimitRecord | null => {
  if (log.length === 0) return null;
  const count = log.at(-1) as number;
  return { log: count > 1 ? [...log.slice(0, -1), count - 1] : log.slice(0, -2), leases };
};
