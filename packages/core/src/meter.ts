import { randomUUID } from 'node:crypto';
import {
  appendUse,
  type Decision,
  EXACT_LIMIT,
  type Lease,
  type Settlement,
  stampOf,
} from './admission-log.ts';
import { overloaded } from './coalesce.ts';
import { answer } from './limit-question.ts';
import type { HeldLimit, LimitStore } from './stores.ts';

/** The window of every account's limit. */
export const REQUEST_WINDOW_MS = 60_000;

/**
 * How long admissions taken in advance may be used. Longer saves writes; shorter is how soon another process learns
 * what was really used.
 */
const LEASE_MS = 1_000;
/** Fewer are not worth being settled. */
const LEASE_MIN_COUNT = 4;
/** Taken beyond what the last moments suggest, since traffic may grow. */
const LEASE_MARGIN = 1.25;
/** Traffic is measured over no less, so that the first burst does not count as a rate. */
const MEASURE_MIN_MS = 50;
/** A meter that nobody has asked for so long is forgotten: the database remembers. */
const IDLE_MS = 5_000;

export type RateLimitState = {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until the oldest request leaves the window and quota comes back. */
  readonly resetSeconds: number;
  readonly windowSeconds: number;
};

/** `used` and `availableInMs` as of this request. */
export const stateOf = (
  allowed: boolean,
  limit: number,
  used: number,
  availableInMs: number,
): RateLimitState => ({
  allowed,
  limit,
  remaining: Math.max(0, limit - used),
  // What is not known of the database's clock, a millisecond or two, does not make it longer than the window.
  resetSeconds: Math.ceil(Math.min(REQUEST_WINDOW_MS, Math.max(1, availableInMs)) / 1000),
  windowSeconds: REQUEST_WINDOW_MS / 1000,
});

/** Time as this process measures it, which nobody sets: differences of it mean the same to the database. */
export type Timer = {
  now(): number;
  wait(ms: number): Promise<void>;
};

export const systemTimer: Timer = {
  now: () => performance.now(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

type Waiter = {
  readonly limit: number;
  readonly resolve: (state: RateLimitState) => void;
  readonly reject: (error: unknown) => void;
};

/** Admissions in hand. Times are the timer's, but for `databaseTime`: the database's at `startedAt`, or a little more. */
type OpenLease = {
  readonly id: string;
  readonly limit: number;
  readonly startedAt: number;
  readonly endsAt: number;
  readonly databaseTime: number;
  readonly availableAt: number;
  used: number;
  left: number;
  readonly uses: number[];
};

/** All is used up until then, whoever asks; only another limit could change that. */
type Exhausted = { readonly limit: number; readonly until: number; readonly used: number };

/**
 * The requests of one account in this process. Those that arrive while a question is under way go together in the next
 * one. Where most of the limit is free, a question also takes what the next second is likely to need, so that those
 * requests wait for nobody; what of it was used, and when, is told with the next question.
 */
export class Meter {
  readonly #id: string;
  readonly #store: LimitStore;
  readonly #timer: Timer;
  readonly #maxWaiting: number;
  #waiting: Waiter[] = [];
  #busy = false;
  #held: HeldLimit | null = null;
  #lease: OpenLease | null = null;
  #settlement: Settlement | null = null;
  #exhausted: Exhausted | null = null;
  #measuredSince: number;
  #admitted = 0;
  #lastAsked: number;

  constructor(id: string, store: LimitStore, timer: Timer, maxWaiting: number) {
    this.#id = id;
    this.#store = store;
    this.#timer = timer;
    this.#maxWaiting = maxWaiting;
    this.#measuredSince = this.#lastAsked = timer.now();
  }

  ask(limit: number): RateLimitState | Promise<RateLimitState> {
    const now = this.#timer.now();
    this.#lastAsked = now;
    return this.#refuseExhausted(limit, now) ?? this.#useLease(limit, now) ?? this.#enqueue(limit);
  }

  /** Nothing depends on it any more. */
  isIdle(now: number): boolean {
    return !this.#busy && !this.#lease && !this.#settlement && now - this.#lastAsked > IDLE_MS;
  }

  /** Tells what became of a lease that has ended, or, with `early`, of any. */
  async settle(early: boolean): Promise<void> {
    const now = this.#timer.now();
    const due = this.#settlement !== null || (this.#lease && (early || now >= this.#lease.endsAt));
    if (this.#busy || !due) return;
    this.#busy = true;
    try {
      await this.#question(0, this.#lease?.limit ?? Number.MAX_SAFE_INTEGER);
    } finally {
      await this.#drain();
    }
  }

  #refuseExhausted(limit: number, now: number): RateLimitState | null {
    const exhausted = this.#exhausted;
    if (!exhausted || exhausted.limit !== limit) return null;
    if (now >= exhausted.until) {
      this.#exhausted = null;
      return null;
    }
    return stateOf(false, limit, exhausted.used, exhausted.until - now);
  }

  #useLease(limit: number, now: number): RateLimitState | null {
    const lease = this.#lease;
    if (!lease || lease.left === 0 || lease.limit !== limit || now >= lease.endsAt) return null;
    lease.left--;
    lease.used++;
    this.#admitted++;
    appendUse(lease.uses, stampOf(lease.databaseTime + (now - lease.startedAt), limit, REQUEST_WINDOW_MS), 1);
    return stateOf(true, limit, lease.used, lease.availableAt - now);
  }

  #enqueue(limit: number): Promise<RateLimitState> {
    if (this.#waiting.length >= this.#maxWaiting) return Promise.reject(overloaded());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ limit, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      // After the poll phase: what one read of the sockets brought in asks together.
      setImmediate(() => void this.#drain());
    });
  }

  async #drain(): Promise<void> {
    for (let newest = this.#waiting.at(-1); newest; newest = this.#waiting.at(-1)) {
      // The limit as the last arrival read it is the newest known. Nobody ever asks for more than the limit.
      const { limit } = newest;
      this.#serveFromLease(limit);
      const batch = this.#waiting.splice(0, limit);
      if (batch.length === 0) break;
      try {
        const decision = await this.#question(batch.length, limit);
        const { granted, used, availableInMs, askAgainInMs } = decision;
        for (const [index, waiter] of batch.entries()) {
          if (index < granted) {
            waiter.resolve(stateOf(true, limit, used - granted + index + 1, availableInMs));
          } else if (askAgainInMs === null) {
            waiter.resolve(stateOf(false, limit, used, availableInMs));
          }
        }
        if (granted < batch.length && askAgainInMs !== null) {
          this.#waiting.unshift(...batch.slice(granted));
          await this.#timer.wait(askAgainInMs);
        }
      } catch (error) {
        for (const waiter of batch) waiter.reject(error);
      }
    }
    this.#busy = false;
  }

  #serveFromLease(limit: number): void {
    const now = this.#timer.now();
    let served = 0;
    for (const waiter of this.#waiting) {
      const state = this.#useLease(limit, now);
      if (!state) break;
      waiter.resolve(state);
      served++;
    }
    this.#waiting.splice(0, served);
  }

  /** How many admissions the time of a lease is likely to need. */
  #forecast(limit: number, now: number): number {
    // Up to here the answer is exact to the millisecond and to the last request, and its admissions are few.
    if (limit <= EXACT_LIMIT) return 0;
    const measuredMs = Math.max(MEASURE_MIN_MS, now - this.#measuredSince);
    const expected = Math.ceil((this.#admitted / measuredMs) * LEASE_MS * LEASE_MARGIN);
    return expected < LEASE_MIN_COUNT ? 0 : expected;
  }

  #measure(now: number, granted: number): void {
    if (now - this.#measuredSince >= MEASURE_MIN_MS) {
      this.#measuredSince = now;
      this.#admitted = 0;
    }
    this.#admitted += granted;
  }

  async #question(count: number, limit: number): Promise<Decision> {
    const begunAt = this.#timer.now();
    const wanted = count === 0 ? 0 : this.#forecast(limit, begunAt);
    this.#closeLease();
    const settlement = this.#settlement ?? undefined;
    const lease = { id: randomUUID(), startedAt: begunAt, databaseTime: 0 };
    let uncertainty = 0;
    const ask = async () => {
      lease.startedAt = this.#timer.now();
      const now = await this.#store.now();
      lease.databaseTime = now.latest;
      uncertainty = now.latest - now.earliest;
      const advance: Lease | undefined =
        wanted > 0 ? { id: lease.id, until: now.latest + LEASE_MS, count: wanted } : undefined;
      return { count, limit, windowMs: REQUEST_WINDOW_MS, now, settlement, lease: advance };
    };
    const held = this.#held;
    // Not believed again unless the question comes to its end.
    this.#held = null;
    const answered = await answer(this.#store, this.#id, ask, held);
    const { decision } = answered;
    this.#held = answered.held;
    this.#settlement = null;
    this.#measure(begunAt, decision.granted);
    const { startedAt } = lease;
    if (decision.leased > 0) {
      this.#lease = {
        ...lease,
        limit,
        endsAt: startedAt + LEASE_MS,
        availableAt: startedAt + decision.availableInMs,
        used: decision.used,
        left: decision.leased,
        uses: [],
      };
    }
    if (decision.granted < count && decision.askAgainInMs === null) {
      const until = startedAt + decision.availableInMs - uncertainty;
      this.#exhausted = { limit, until, used: decision.used };
    }
    return decision;
  }

  #closeLease(): void {
    const lease = this.#lease;
    if (!lease) return;
    this.#lease = null;
    this.#settlement = { leaseId: lease.id, uses: lease.uses };
  }
}
