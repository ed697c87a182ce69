import { overloaded } from './coalesce.ts';
import type { Admission, LimitStore } from './stores.ts';

/** Every limit in one list. Windows in milliseconds. */
export const REQUEST_WINDOW_MS = 60_000;
const MINUTES = 60_000;
export const THROTTLES = {
  /** Wrong passwords for one account from one address: a person who mistypes never meets it. */
  signInAccountAddress: { limit: 10, windowMs: 5 * MINUTES },
  /** For one account from anywhere: many addresses guessing at once. Short, since it also meets the owner. */
  signInAccount: { limit: 50, windowMs: 5 * MINUTES },
  /** From one address over all accounts: an office behind one address signs in with right passwords. */
  signInAddress: { limit: 100, windowMs: 5 * MINUTES },
  leakReportAddress: { limit: 60, windowMs: MINUTES },
} as const;

export type RateLimitState = {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until the oldest request leaves the window and quota comes back. */
  readonly resetSeconds: number;
  readonly windowSeconds: number;
};

type Waiter = {
  readonly limit: number;
  readonly resolve: (state: RateLimitState) => void;
  readonly reject: (error: unknown) => void;
};

/** The state that the `index`-th of `count` waiters of one admission meets. Waiters are served in order. */
export const stateOf = (
  admission: Admission,
  index: number,
  limit: number,
  windowMs: number,
): RateLimitState => {
  const usedBefore = admission.used - admission.granted;
  const allowed = index < admission.granted;
  return {
    allowed,
    limit,
    remaining: Math.max(0, limit - (allowed ? usedBefore + index + 1 : admission.used)),
    resetSeconds: Math.max(1, Math.ceil(admission.oldestLeavesInMs / 1000)),
    windowSeconds: windowMs / 1000,
  };
};

/**
 * Requests per account, exact over all processes on one database. The requests of one account that arrive while an
 * admission of that account is under way go together in the next one.
 */
export class Limiter {
  readonly #store: LimitStore;
  readonly #maxWaiting: number;
  readonly #queues = new Map<string, Waiter[]>();

  /** `maxWaiting`: per account; beyond it the answer is `overloaded`. */
  constructor(store: LimitStore, maxWaiting = 2_000) {
    this.#store = store;
    this.#maxWaiting = maxWaiting;
  }

  /** Counts one request of the account, if the limit (per 60 seconds) lets it in. */
  admit(accountId: string, limit: number): Promise<RateLimitState> {
    return new Promise((resolve, reject) => {
      const waiter = { limit, resolve, reject };
      const queue = this.#queues.get(accountId);
      if (queue) {
        if (queue.length >= this.#maxWaiting) reject(overloaded());
        else queue.push(waiter);
        return;
      }
      const started: Waiter[] = [waiter];
      this.#queues.set(accountId, started);
      setImmediate(() => void this.#drain(accountId, started));
    });
  }

  async #drain(accountId: string, queue: Waiter[]): Promise<void> {
    for (let first = queue[0]; first; first = queue[0]) {
      // The limit as the last arrival read it: the newest known. A batch never asks for more than the limit.
      const limit = queue.at(-1)?.limit ?? first.limit;
      const batch = queue.splice(0, limit);
      try {
        const admission = await this.#store.admit(accountId, batch.length, limit, REQUEST_WINDOW_MS);
        batch.forEach((waiter, index) => {
          waiter.resolve(stateOf(admission, index, limit, REQUEST_WINDOW_MS));
        });
      } catch (error) {
        for (const waiter of batch) waiter.reject(error);
      }
    }
    this.#queues.delete(accountId);
  }
}
