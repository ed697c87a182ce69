import type { Throttle } from './limit-question.ts';
import { Meter, type RateLimitState, systemTimer, type Timer } from './meter.ts';
import type { LimitStore } from './stores.ts';

const MINUTES = 60_000;
/** Every throttle in one list. */
export const THROTTLES = {
  /** Wrong passwords for one account from one address: a person who mistypes never meets it. */
  signInAccountAddress: { limit: 10, windowMs: 5 * MINUTES },
  /** For one account from anywhere: many addresses guessing at once. Short, since it also meets the owner. */
  signInAccount: { limit: 50, windowMs: 5 * MINUTES },
  /** From one address over all accounts: an office behind one address signs in with right passwords. */
  signInAddress: { limit: 100, windowMs: 5 * MINUTES },
  /** Tokens that are checked against slow hashes of another system. What turns out right does not count. */
  importedStartAddress: { limit: 10, windowMs: 5 * MINUTES },
  importedStart: { limit: 50, windowMs: 5 * MINUTES },
  importedAddress: { limit: 100, windowMs: 5 * MINUTES },
  leakReportAddress: { limit: 60, windowMs: MINUTES },
  /** Of one organization: each one walks over its keys. */
  policyImpact: { limit: 30, windowMs: MINUTES },
} as const satisfies Record<string, Throttle>;

export type LimiterOptions = {
  readonly timer?: Timer;
  /** Per account; beyond it the answer is `overloaded`. */
  readonly maxWaiting?: number;
};

/** Requests per account in any 60 seconds, exact over all processes on one database. */
export class Limiter {
  readonly #store: LimitStore;
  readonly #timer: Timer;
  readonly #maxWaiting: number;
  readonly #meters = new Map<string, Meter>();

  constructor(store: LimitStore, { timer = systemTimer, maxWaiting = 2_000 }: LimiterOptions = {}) {
    this.#store = store;
    this.#timer = timer;
    this.#maxWaiting = maxWaiting;
  }

  /**
   * Counts one request of the account, or as many as its `cost` says, if the limit (per 60 seconds) lets all of them in;
   * a cost of 0 counts nothing, and asks whether one more would be let in. Answers at once where that can be known.
   * Errors: `overloaded`, `store_unavailable`.
   */
  admit(accountId: string, limit: number, cost = 1): RateLimitState | Promise<RateLimitState> {
    let meter = this.#meters.get(accountId);
    if (!meter) {
      meter = new Meter(accountId, this.#store, this.#timer, this.#maxWaiting);
      this.#meters.set(accountId, meter);
    }
    if (cost <= limit) return meter.ask(limit, cost);
    // It can never be let in: what is left of the limit is all there is to say.
    return Promise.resolve(meter.ask(limit, 0)).then((state) => ({ ...state, allowed: false }));
  }

  /** The refusal that `admit` would give, where this process knows it already. Counts nothing. */
  refusal(accountId: string, limit: number): RateLimitState | null {
    return this.#meters.get(accountId)?.refusal(limit) ?? null;
  }

  /**
   * Tells the database what became of leases that have ended, and forgets accounts that have gone quiet. To be called
   * several times a second; with `early`, at the end of the process, for all leases.
   */
  async settle(early = false): Promise<void> {
    const now = this.#timer.now();
    const settling: Promise<void>[] = [];
    for (const [accountId, meter] of this.#meters) {
      if (meter.isIdle(now)) this.#meters.delete(accountId);
      else settling.push(meter.settle(early));
    }
    const failed = (await Promise.allSettled(settling)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
}
