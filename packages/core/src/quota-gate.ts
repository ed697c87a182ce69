import { randomUUID } from 'node:crypto';
import type { Instant } from './admission-log.ts';
import { overloaded } from './coalesce.ts';
import type { Timer } from './meter.ts';
import type { Quota } from './named-limits.ts';
import {
  decideQuota,
  type QuotaDecision,
  type QuotaRefusal,
  type QuotaSettlement,
  type QuotaState,
  type QuotaVerdict,
} from './quota-record.ts';
import type { HeldQuota, QuotaStore } from './stores.ts';

/** What else a request needs is decided within this time, else its reservation counts as used. */
const RESERVE_MS = 1_000;
/** How often those look again who wait for what another process may give back. */
const POLL_MS = 40;
/** A refusal is remembered no longer: a process that was taken for dead may give something back after all. */
const REMEMBER_MS = 1_000;
/** A gate that nobody has asked for so long is forgotten: the database remembers. */
const IDLE_MS = 5_000;

export type Reserved = {
  readonly states: readonly QuotaState[];
  /** `null`: it is counted, and `settle` must be told whether it may stay so. */
  readonly refusal: QuotaRefusal | null;
  readonly settle: (kept: boolean) => void;
};

const NOTHING_TO_SETTLE = () => {};

type Waiter = {
  readonly quota: Quota;
  readonly cost: number;
  readonly resolve: (reserved: Reserved) => void;
  readonly reject: (error: unknown) => void;
};

/** Requests of this cost, and dearer ones, are refused until then, whoever asks; new terms are asked for anew. */
type Exhausted = {
  readonly quota: Quota;
  readonly cost: number;
  readonly since: number;
  readonly until: number;
  readonly verdict: QuotaVerdict;
};

/**
 * The requests of one owner in this process. Those that arrive while others are being decided go together in the next
 * question, which also tells what became of those before.
 */
export class QuotaGate {
  readonly #store: QuotaStore;
  readonly #now: () => Promise<Instant>;
  readonly #timer: Timer;
  readonly #maxWaiting: number;
  #waiting: Waiter[] = [];
  #busy = false;
  #quota: Quota;
  #held: HeldQuota | null = null;
  #settlement: QuotaSettlement | null = null;
  #exhausted: Exhausted | null = null;
  #lastAsked: number;

  constructor(
    quota: Quota,
    store: QuotaStore,
    now: () => Promise<Instant>,
    timer: Timer,
    maxWaiting: number,
  ) {
    this.#quota = quota;
    this.#store = store;
    this.#now = now;
    this.#timer = timer;
    this.#maxWaiting = maxWaiting;
    this.#lastAsked = timer.now();
  }

  /** `cost` 0: nothing is counted, but would one more be let in? */
  reserve(quota: Quota, cost: number): Reserved | Promise<Reserved> {
    this.#lastAsked = this.#timer.now();
    const refused = this.#refuseExhausted(quota, cost);
    if (refused) return refused;
    if (this.#waiting.length >= this.#maxWaiting) return Promise.reject(overloaded());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ quota, cost, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      // After the poll phase: what one read of the sockets brought in asks together.
      setImmediate(() => void this.#drain());
    });
  }

  /** Nothing depends on it any more. */
  isIdle(now: number): boolean {
    return !this.#busy && !this.#settlement && now - this.#lastAsked > IDLE_MS;
  }

  /** Tells what became of the last reservation, where nobody has asked since. */
  async settle(): Promise<void> {
    if (this.#busy || !this.#settlement) return;
    this.#busy = true;
    try {
      await this.#question(this.#quota, []);
    } finally {
      await this.#drain();
    }
  }

  #refuseExhausted(quota: Quota, cost: number): Reserved | null {
    const exhausted = this.#exhausted;
    if (!exhausted || exhausted.quota !== quota || Math.max(1, cost) < exhausted.cost) return null;
    const now = this.#timer.now();
    if (now >= exhausted.until) {
      this.#exhausted = null;
      return null;
    }
    const passedMs = now - exhausted.since;
    const { states, refusal } = exhausted.verdict;
    return {
      states: states.map((state) => later(state, passedMs)),
      refusal: refusal && {
        state: later(refusal.state, passedMs),
        waitMs: refusal.waitMs === null ? null : Math.max(0, refusal.waitMs - passedMs),
      },
      settle: NOTHING_TO_SETTLE,
    };
  }

  async #drain(): Promise<void> {
    for (let newest = this.#waiting.at(-1); newest; newest = this.#waiting.at(-1)) {
      // The terms as the last arrival read them are the newest known.
      const { quota } = newest;
      const batch = this.#waiting.splice(0);
      try {
        const { decision, id } = await this.#question(
          quota,
          batch.map(({ cost }) => cost),
        );
        const again = await this.#hand(batch, decision, id);
        this.#waiting.unshift(...again);
        if (again.length > 0 && decision.mayReturn) await this.#timer.wait(POLL_MS);
      } catch (error) {
        for (const waiter of batch) waiter.reject(error);
      }
    }
    this.#busy = false;
    // Others may be waiting for what was given back.
    if (this.#settlement && this.#settlement.returned > 0) await this.settle().catch(() => undefined);
  }

  /**
   * Hands out the verdicts, and waits for what becomes of those that were let in here: it may make room for those that
   * were refused. Returns whom to ask for again.
   */
  async #hand(batch: readonly Waiter[], { verdicts, mayReturn }: QuotaDecision, id: string) {
    let open = 0;
    let returned = 0;
    let allSettled = NOTHING_TO_SETTLE;
    const settled = new Promise<void>((resolve) => {
      allSettled = resolve;
    });
    const settleOne = (cost: number) => (kept: boolean) => {
      if (!kept) returned += cost;
      if (--open === 0) allSettled();
    };
    const refused: [Waiter, QuotaVerdict][] = [];
    for (const [index, waiter] of batch.entries()) {
      const verdict = verdicts[index] as QuotaVerdict;
      if (verdict.refusal) refused.push([waiter, verdict]);
      else {
        open++;
        waiter.resolve({ ...verdict, settle: settleOne(waiter.cost) });
      }
    }
    if (open > 0) {
      await settled;
      this.#settlement = { id, returned };
    }
    if (mayReturn || returned > 0) return refused.map(([waiter]) => waiter);
    for (const [waiter, verdict] of refused) waiter.resolve({ ...verdict, settle: NOTHING_TO_SETTLE });
    return [];
  }

  async #question(quota: Quota, costs: readonly number[]): Promise<{ decision: QuotaDecision; id: string }> {
    const id = randomUUID();
    const settlement = this.#settlement ?? undefined;
    this.#quota = quota;
    let believed = this.#held;
    // Not believed again unless the question comes to its end.
    this.#held = null;
    for (;;) {
      const current = believed ?? (await this.#store.read(quota));
      const askedAt = this.#timer.now();
      const now = await this.#now();
      const reservation = { id, until: now.latest + RESERVE_MS };
      const decision = decideQuota(current.record, { quota, costs, now, reservation, settlement });
      const refused = decision.verdicts.some(({ refusal }) => refusal !== null);
      // A refusal is never given by belief.
      if (believed === null || !refused) {
        const revision = decision.record
          ? await this.#store.write(quota, current.revision, decision.record, now)
          : current.revision;
        if (!decision.record || revision !== null) {
          this.#settlement = null;
          this.#held = { revision, record: decision.record ?? current.record };
          this.#remember(quota, costs, decision, askedAt, now);
          return { decision, id };
        }
      }
      believed = null;
    }
  }

  #remember(
    quota: Quota,
    costs: readonly number[],
    { verdicts, mayReturn, units }: QuotaDecision,
    askedAt: number,
    { earliest, latest }: Instant,
  ): void {
    const index = verdicts.findLastIndex(({ refusal }) => refusal !== null);
    const verdict = verdicts[index];
    // What was let in together with it may yet be given back.
    if (!verdict?.refusal || mayReturn || units > 0) return;
    const waitMs = (verdict.refusal.waitMs ?? Number.POSITIVE_INFINITY) - (latest - earliest);
    const until = askedAt + Math.min(REMEMBER_MS, waitMs);
    this.#exhausted = { quota, cost: Math.max(1, costs[index] as number), since: askedAt, until, verdict };
  }
}

const later = (state: QuotaState, ms: number): QuotaState =>
  state.resetSeconds === null
    ? state
    : { ...state, resetSeconds: Math.max(1, Math.ceil(state.resetSeconds - ms / 1000)) };
