/**
 * Credits of a key. What an admin has decided, the terms, stands in the key; the balance stands apart, so that spending
 * does not change the key. Terms are versioned: whoever finds older ones than the balance has been brought to follows
 * the balance, so that a process that has read the key a moment ago neither undoes nor repeats a change.
 */

/** From `since` on, every so often, the balance is raised to `amount` where it is lower. */
export type CreditRefill = {
  readonly amount: number;
  /** Seconds, or the same day of every month (UTC), in a shorter month its last. */
  readonly every: number | 'month';
  readonly since: Date;
};

export type CreditTerms = {
  /** Grows with every change. */
  readonly version: number;
  /** `false`: requests cost nothing (any more). Kept for its version. */
  readonly metered: boolean;
  /** Grows whenever the balance is set. */
  readonly epoch: number;
  /** What it was set to. */
  readonly amount: number;
  /** What has been added since it was set, in all. */
  readonly added: number;
  readonly refill: CreditRefill | null;
  readonly changedAt: Date;
};

export type CreditBalance = {
  readonly terms: CreditTerms;
  readonly remaining: number;
  /** The number of the last refill that it has had. */
  readonly period: number;
  /** What that refill added. */
  readonly topped: number;
};

export const MAX_CREDITS = 1_000_000_000_000;

const monthsAfter = (since: Date, months: number): number => {
  const lastDay = new Date(Date.UTC(since.getUTCFullYear(), since.getUTCMonth() + months + 1, 0));
  const at = new Date(since);
  at.setUTCFullYear(
    lastDay.getUTCFullYear(),
    lastDay.getUTCMonth(),
    Math.min(since.getUTCDate(), lastDay.getUTCDate()),
  );
  return at.getTime();
};

/** When the refill of this number is due; the first is number 1. */
export const refillAt = ({ every, since }: CreditRefill, number: number): number =>
  every === 'month' ? monthsAfter(since, number) : since.getTime() + number * every * 1000;

/** How many refills are due by then. */
export const refillsUntil = (refill: CreditRefill, at: number): number => {
  const { every, since } = refill;
  if (at < since.getTime()) return 0;
  if (every !== 'month') return Math.floor((at - since.getTime()) / (every * 1000));
  const until = new Date(at);
  const months =
    (until.getUTCFullYear() - since.getUTCFullYear()) * 12 + until.getUTCMonth() - since.getUTCMonth();
  return monthsAfter(since, months) <= at ? months : months - 1;
};

const refilled = (balance: CreditBalance, at: number): CreditBalance => {
  const { refill } = balance.terms;
  const period = refill ? refillsUntil(refill, at) : 0;
  if (!refill || period <= balance.period) return balance;
  const topped = Math.max(0, refill.amount - balance.remaining);
  return { ...balance, remaining: balance.remaining + topped, period, topped };
};

const isSameRefill = (one: CreditRefill | null, other: CreditRefill | null): boolean =>
  one?.since.getTime() === other?.since.getTime() && one?.every === other?.every;

/** The balance at a time, brought to the newest terms that are known: each change and each refill once. */
export const balanceAt = (balance: CreditBalance | null, terms: CreditTerms, at: number): CreditBalance => {
  if (balance && balance.terms.version >= terms.version) return refilled(balance, at);
  const changedAt = Math.min(terms.changedAt.getTime(), at);
  const before = balance && refilled(balance, changedAt);
  const same = before !== null && isSameRefill(before.terms.refill, terms.refill);
  const period = same ? before.period : terms.refill ? refillsUntil(terms.refill, changedAt) : 0;
  const changed: CreditBalance =
    before?.terms.epoch === terms.epoch
      ? {
          terms,
          remaining: before.remaining + terms.added - before.terms.added,
          period,
          topped: same ? before.topped : 0,
        }
      : { terms, remaining: terms.amount + terms.added, period, topped: 0 };
  return refilled(changed, at);
};

/** What was taken in `period` of `epoch` is given back. A refill in between has given part of it back already. */
export const giveBack = (
  balance: CreditBalance,
  count: number,
  epoch: number,
  period: number,
): CreditBalance => {
  if (balance.terms.epoch !== epoch) return balance;
  const covered = balance.period > period ? Math.min(count, balance.topped) : 0;
  return { ...balance, remaining: balance.remaining + count - covered, topped: balance.topped - covered };
};
