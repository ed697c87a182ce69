import { randomUUID } from 'node:crypto';
import {
  appendUse,
  type Decision,
  EXACT_LIMIT,
  type Lease,
  SETTLING_MS,
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
  readonly cost: number;
  /** How long a cost above 1 waits for what other processes may return. */
  readonly patientUntil: number;
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
  /** Costs above 1 that ask again in a moment. */
  #deferred = 0;
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

  /** `cost`: how many admissions at once, all or none; 0 only asks whether one more would be let in. */
  ask(limit: number, cost: number): RateLimitState | Promise<RateLimitState> {
    const now = this.#timer.now();
    this.#lastAsked = now;
    return (
      this.#refuseExhausted(limit, now) ?? this.#useLease(limit, cost, now) ?? this.#enqueue(limit, cost, now)
    );
  }

  /** Where it is known already that it would be refused; asks nobody, and counts nothing. */
  refusal(limit: number): RateLimitState | null {
    const now = this.#timer.now();
    this.#lastAsked = now;
    return this.#refuseExhausted(limit, now);
  }

  /** Nothing depends on it any more. */
  isIdle(now: number): boolean {
    const waits = this.#busy || this.#deferred > 0;
    return !waits && !this.#lease && !this.#settlement && now - this.#lastAsked > IDLE_MS;
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

  #useLease(limit: number, cost: number, now: number): RateLimitState | null {
    const lease = this.#lease;
    if (!lease || lease.left === 0 || lease.left < cost || lease.limit !== limit || now >= lease.endsAt)
      return null;
    if (cost > 0) {
      lease.left -= cost;
      lease.used += cost;
      this.#admitted += cost;
      const at = lease.databaseTime + (now - lease.startedAt);
      appendUse(lease.uses, stampOf(at, limit, REQUEST_WINDOW_MS), cost);
    }
    return stateOf(true, limit, lease.used, lease.availableAt - now);
  }

  #enqueue(limit: number, cost: number, now: number): Promise<RateLimitState> {
    if (this.#waiting.length + this.#deferred >= this.#maxWaiting) return Promise.reject(overloaded());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ limit, cost, patientUntil: now + LEASE_MS + SETTLING_MS, resolve, reject });
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#busy) return;
    this.#busy = true;
    // After the poll phase: what one read of the sockets brought in asks together.
    setImmediate(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    for (let newest = this.#waiting.at(-1); newest; newest = this.#waiting.at(-1)) {
      // The limit as the last arrival read it is the newest known. Nobody ever asks for more than the limit.
      const { limit } = newest;
      this.#serveFromLease(limit);
      const batch = this.#waiting.splice(0, limit);
      if (batch.length === 0) break;
      try {
        const costs = batch.some(({ cost }) => cost !== 1) ? batch.map(({ cost }) => cost) : undefined;
        const count = costs ? costs.reduce((sum, cost) => sum + cost, 0) : batch.length;
        const decision = await this.#question(count, limit, costs);
        const refused = this.#answer(batch, limit, decision);
        const { askAgainInMs, used } = decision;
        if (refused.length === 0 || askAgainInMs === null) continue;
        if (used < limit) {
          // Only costs above 1 do not fit into what is left: others need not wait for them.
          this.#deferred += refused.length;
          void this.#timer.wait(askAgainInMs).then(() => {
            this.#deferred -= refused.length;
            this.#waiting.push(...refused);
            this.#begin();
          });
        } else {
          this.#waiting.unshift(...refused);
          await this.#timer.wait(askAgainInMs);
        }
      } catch (error) {
        for (const waiter of batch) waiter.reject(error);
      }
    }
    this.#busy = false;
  }

  /** Answers all but those that may get what they ask for in a moment, and returns these. */
  #answer(batch: readonly Waiter[], limit: number, decision: Decision): Waiter[] {
    const { granted, used, availableInMs, askAgainInMs } = decision;
    const now = this.#timer.now();
    const left: Waiter[] = [];
    let ungiven = granted;
    for (const waiter of batch) {
      const { cost, patientUntil } = waiter;
      if (cost <= ungiven) {
        ungiven -= cost;
        const usedBy = used - ungiven;
        waiter.resolve(stateOf(cost > 0 || usedBy < limit, limit, usedBy, availableInMs));
      } else if (askAgainInMs === null || (cost > 1 && now >= patientUntil)) {
        waiter.resolve(stateOf(false, limit, used, availableInMs));
      } else left.push(waiter);
    }
    return left;
  }

  #serveFromLease(limit: number): void {
    const now = this.#timer.now();
    let served = 0;
    for (const waiter of this.#waiting) {
      const state = this.#useLease(limit, waiter.cost, now);
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

  async #question(count: number, limit: number, costs?: readonly number[]): Promise<Decision> {
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
      return { count, costs, limit, windowMs: REQUEST_WINDOW_MS, now, settlement, lease: advance };
    };
    // Who only asks writes nothing that would fail if what is believed were outdated.
    const held = costs && count === 0 ? null : this.#held;
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
    if (!costs && decision.granted < count && decision.askAgainInMs === null) {
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
