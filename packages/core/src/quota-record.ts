import { appendUse, countOf, type Instant, inWindow, leavesAt } from './admission-log.ts';
import { balanceAt, type CreditBalance, giveBack, refillAt } from './credits.ts';
import type { NamedLimit, Quota } from './named-limits.ts';

/**
 * The decision on a request that several limits and credits apply to, without any effect: what is remembered of one
 * owner's quota, and what becomes of it. A request is counted against all of it, or none. Since the account's quota and
 * the plan's limit are asked afterwards, what is counted is at first a reservation, which may be given back. Times are
 * milliseconds since the epoch by the database's clock.
 */

/** The admissions under one limit, as pairs `[time, units, ...]`, oldest first. */
export type QuotaLog = { readonly name: string; readonly windowMs: number; readonly log: readonly number[] };

/** Counted already; `until` then its process has said what it gives back, or has died. */
export type Reservation = {
  readonly id: string;
  readonly at: number;
  readonly until: number;
  readonly units: number;
  /** Of the credits that were taken. */
  readonly epoch: number;
  readonly period: number;
};

export type QuotaRecord = {
  readonly logs: readonly QuotaLog[];
  readonly credits: CreditBalance | null;
  readonly reservations: readonly Reservation[];
};

export const NO_QUOTA_USED: QuotaRecord = { logs: [], credits: null, reservations: [] };

/** A reservation has turned out to be needed but for `returned`. */
export type QuotaSettlement = { readonly id: string; readonly returned: number };

/** Where a policy stands, as the headers say it. */
export type QuotaState = {
  readonly scope: 'key' | 'account';
  /** Of the key or the account. */
  readonly ownerId: string;
  /** Of a child key's request: how many keys up; where it is not given, none. */
  readonly above?: number;
  readonly kind: 'limit' | 'credits';
  readonly name: string;
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until some comes back; `null`: never by itself. */
  readonly resetSeconds: number | null;
  readonly windowSeconds: number | null;
};

export type QuotaRefusal = {
  readonly state: QuotaState;
  /** Until it could be admitted; `null`: never by itself. */
  readonly waitMs: number | null;
};

export type QuotaVerdict = { readonly states: readonly QuotaState[]; readonly refusal: QuotaRefusal | null };

export type QuotaQuestion = {
  readonly quota: Quota;
  /** Of those that wait, the first to come first. */
  readonly costs: readonly number[];
  readonly now: Instant;
  readonly reservation: Pick<Reservation, 'id' | 'until'>;
  readonly settlement?: QuotaSettlement | undefined;
};

export type QuotaDecision = {
  readonly verdicts: readonly QuotaVerdict[];
  readonly units: number;
  /** Some were refused, and somebody may give back what they need: to be asked again. */
  readonly mayReturn: boolean;
  /** What to remember from now on; `null`: what is remembered is right as it is. */
  readonly record: QuotaRecord | null;
};

/**
 * Up to this limit every admission is remembered with its time (8 kB), and leaves the window at its millisecond. Above
 * it they are counted in ticks of a 600th of the window under the tick's end: never one too many, but a request leaves
 * the window up to a tick late.
 */
export const EXACT_NAMED_LIMIT = 1_000;
const TICKS_PER_WINDOW = 600;
/** How long a reservation is waited for beyond its `until` before its process counts as dead, and it as used. */
export const RESERVATION_GRACE_MS = 1_500;
/** After that nobody settles it any more. */
const RESERVATION_KEPT_MS = 60_000;
/** Logs of limits that are no longer in the terms are kept until they are empty, so that nobody wins by renaming. */
const MAX_LOGS = 20;

const windowMsOf = ({ windowSeconds }: NamedLimit): number => windowSeconds * 1000;

const stampOf = (at: number, limit: NamedLimit): number => {
  const tick = limit.limit <= EXACT_NAMED_LIMIT ? 1 : windowMsOf(limit) / TICKS_PER_WINDOW;
  return Math.ceil(Math.ceil(at / tick) * tick);
};

/** Takes back from the first entries that may hold what was counted at `at`: none of them leaves sooner than it would. */
const subtract = (log: readonly number[], at: number, units: number): number[] => {
  const rest: number[] = [];
  let left = units;
  for (let index = 0; index < log.length; index += 2) {
    const time = log[index] as number;
    const count = log[index + 1] as number;
    const taken = time >= at ? Math.min(left, count) : 0;
    left -= taken;
    if (count > taken) rest.push(time, count - taken);
  }
  return rest;
};

const settle = (record: QuotaRecord, settlement: QuotaSettlement | undefined): QuotaRecord | null => {
  const reservation = record.reservations.find(({ id }) => id === settlement?.id);
  if (!settlement || !reservation) return null;
  const { returned } = settlement;
  const reservations = record.reservations.filter((other) => other !== reservation);
  if (returned === 0) return { ...record, reservations };
  return {
    reservations,
    logs: record.logs.map((log) => ({ ...log, log: subtract(log.log, reservation.at, returned) })),
    credits: record.credits && giveBack(record.credits, returned, reservation.epoch, reservation.period),
  };
};

type Counter = { readonly limit: NamedLimit; readonly log: readonly number[]; readonly used: number };

/** `used`: what was counted just now included, which the log does not have yet. `cost`: of what it refuses. */
const stateOfLimit = ({ limit, log, used }: Counter, owner: Quota, cost: number, now: Instant) => {
  const windowMs = windowMsOf(limit);
  const surplus = Math.max(1, used + cost - limit.limit);
  // What has just been counted leaves after a window; what never fits is told so, for want of a better answer.
  const leaves = leavesAt({ log, leases: [] }, surplus, windowMs);
  const waitMs = Math.max(0, (leaves || now.latest + windowMs) - now.earliest);
  const state: QuotaState = {
    scope: owner.scope,
    ownerId: owner.id,
    kind: 'limit',
    name: limit.name,
    limit: limit.limit,
    remaining: Math.max(0, limit.limit - used),
    resetSeconds: Math.ceil(Math.min(windowMs, Math.max(1, waitMs)) / 1000),
    windowSeconds: limit.windowSeconds,
  };
  return { state, waitMs };
};

export const creditState = (balance: CreditBalance, keyId: string, now: number): QuotaState => {
  const { terms, period, remaining } = balance;
  const { refill } = terms;
  const nextMs = refill ? refillAt(refill, period + 1) - now : null;
  return {
    scope: 'key',
    ownerId: keyId,
    kind: 'credits',
    name: 'credits',
    limit: refill ? refill.amount : terms.amount + terms.added,
    remaining,
    resetSeconds: nextMs === null ? null : Math.max(1, Math.ceil(nextMs / 1000)),
    windowSeconds: refill && refill.every !== 'month' ? refill.every : null,
  };
};

const longest = (refusals: readonly QuotaRefusal[]): QuotaRefusal | null =>
  refusals.reduce<QuotaRefusal | null>(
    (worst, refusal) =>
      worst === null || (refusal.waitMs ?? Infinity) > (worst.waitMs ?? Infinity) ? refusal : worst,
    null,
  );

export const decideQuota = (record: QuotaRecord, question: QuotaQuestion): QuotaDecision => {
  const { costs, now, quota, reservation, settlement } = question;
  const { limits } = quota;
  const settled = settle(record, settlement);
  const before = settled ?? record;
  const credits = quota.credits && balanceAt(before.credits, quota.credits, now.earliest);
  const counters: Counter[] = limits.map((limit) => {
    const known = before.logs.find(({ name }) => name === limit.name)?.log ?? [];
    const log = inWindow(known, now, windowMsOf(limit));
    return { limit, log, used: countOf(log) };
  });

  let units = 0;
  const verdicts = costs.map((asked): QuotaVerdict => {
    // A cost of 0 asks whether one more would be let in.
    const cost = Math.max(1, asked);
    const refusals: QuotaRefusal[] = [];
    const states: QuotaState[] = [];
    const fits =
      counters.every(({ limit, used }) => used + units + cost <= limit.limit) &&
      (credits === null || credits.remaining - units >= cost);
    const taken = fits ? units + asked : units;
    for (const counter of counters) {
      const { limit, log, used } = counter;
      const isFull = used + units + cost > limit.limit;
      const { state, waitMs } = stateOfLimit(
        { limit, log, used: used + taken },
        quota,
        isFull ? cost : 0,
        now,
      );
      states.push(state);
      if (isFull) refusals.push({ state, waitMs });
    }
    if (credits) {
      const state = creditState({ ...credits, remaining: credits.remaining - taken }, quota.id, now.earliest);
      states.push(state);
      if (credits.remaining - units < cost) {
        const waitMs = state.resetSeconds === null ? null : state.resetSeconds * 1000;
        refusals.push({ state, waitMs });
      }
    }
    units = taken;
    return { states, refusal: longest(refusals) };
  });

  const isOpen = ({ until }: Reservation) => until + RESERVATION_GRACE_MS > now.latest;
  const mayReturn = verdicts.some(({ refusal }) => refusal !== null) && before.reservations.some(isOpen);
  if (units === 0 && !settled) return { verdicts, units, mayReturn, record: null };
  return { verdicts, units, mayReturn, record: remembered(before, counters, credits, units, question) };

  function remembered(
    known: QuotaRecord,
    counted: readonly Counter[],
    balance: CreditBalance | null,
    taken: number,
    { now }: QuotaQuestion,
  ): QuotaRecord {
    const logs: QuotaLog[] = counted.map(({ limit, log }) => {
      const next = [...log];
      if (taken > 0) appendUse(next, stampOf(now.latest, limit), taken);
      return { name: limit.name, windowMs: windowMsOf(limit), log: next };
    });
    for (const other of known.logs) {
      if (logs.length >= MAX_LOGS) break;
      if (limits.some(({ name }) => name === other.name)) continue;
      const log = inWindow(other.log, now, other.windowMs);
      if (log.length > 0) logs.push({ ...other, log });
    }
    const kept = known.reservations.filter(({ until }) => until + RESERVATION_KEPT_MS > now.latest);
    const made: Reservation[] =
      taken === 0
        ? []
        : [
            {
              ...reservation,
              at: now.latest,
              units: taken,
              epoch: balance?.terms.epoch ?? 0,
              period: balance?.period ?? 0,
            },
          ];
    return {
      logs,
      credits: balance ? { ...balance, remaining: balance.remaining - taken } : known.credits,
      reservations: [...kept, ...made],
    };
  }
};
