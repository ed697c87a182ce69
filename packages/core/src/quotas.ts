import type { Instant } from './admission-log.ts';
import { balanceAt, type CreditTerms } from './credits.ts';
import { type RateLimitState, systemTimer, type Timer } from './meter.ts';
import type { Quota } from './named-limits.ts';
import { QuotaGate, type Reserved } from './quota-gate.ts';
import { creditState, type QuotaRefusal, type QuotaState } from './quota-record.ts';
import type { QuotaStore } from './stores.ts';

export type QuotaAdmission = {
  /** `null`: a quota refused before the plan was asked. */
  readonly plan: RateLimitState | null;
  readonly states: readonly QuotaState[];
  readonly refusal: QuotaRefusal | null;
};

export type QuotaOptions = { readonly timer?: Timer; readonly maxWaiting?: number };

/**
 * Named limits and credits beside the plan's limit, all or nothing, over all processes on one database. A request
 * reserves what it needs under each of its quotas in turn, and then asks for the plan's admission, which decides: where
 * somebody refuses, what was reserved is given back. Whoever meets a quota that is used up by reservations waits for
 * what becomes of them, instead of refusing. Everybody asks in the same order, a child before its parent and
 * the key before the account, so that nobody waits in a circle.
 */
export class Quotas {
  readonly #store: QuotaStore;
  readonly #now: () => Promise<Instant>;
  readonly #timer: Timer;
  readonly #maxWaiting: number;
  readonly #gates = new Map<string, QuotaGate>();

  constructor(
    store: QuotaStore,
    now: () => Promise<Instant>,
    { timer = systemTimer, maxWaiting = 2_000 }: QuotaOptions = {},
  ) {
    this.#store = store;
    this.#now = now;
    this.#timer = timer;
    this.#maxWaiting = maxWaiting;
  }

  /** Errors: `overloaded`, `store_unavailable`; nothing stays counted then. */
  async admit(
    quotas: readonly Quota[],
    cost: number,
    askPlan: () => RateLimitState | Promise<RateLimitState>,
  ): Promise<QuotaAdmission> {
    const reserved: Reserved[] = [];
    const states: QuotaState[] = [];
    let kept = false;
    try {
      for (const quota of quotas) {
        const answer = await this.#gateOf(quota).reserve(quota, cost);
        states.push(...answer.states);
        if (answer.refusal) return { plan: null, states, refusal: answer.refusal };
        reserved.push(answer);
      }
      const plan = await askPlan();
      kept = plan.allowed;
      return { plan, states, refusal: null };
    } finally {
      for (const { settle } of reserved) settle(kept);
    }
  }

  /** The state of a key's credits; to be shown, not to be relied on. */
  async credits(
    keys: readonly { readonly id: string; readonly credits?: CreditTerms | null | undefined }[],
  ): Promise<ReadonlyMap<string, QuotaState>> {
    const metered = keys.filter(({ credits }) => credits?.metered);
    const states = new Map<string, QuotaState>();
    if (metered.length === 0) return states;
    const [balances, now] = await Promise.all([
      this.#store.balances(metered.map(({ id }) => id)),
      this.#now(),
    ]);
    for (const { id, credits } of metered) {
      if (!credits) continue;
      const balance = balanceAt(balances.get(id) ?? null, credits, now.earliest);
      states.set(id, creditState(balance, id, now.earliest));
    }
    return states;
  }

  /** Tells the database what became of reservations, and forgets owners that have gone quiet. To be called often. */
  async settle(): Promise<void> {
    const now = this.#timer.now();
    const settling: Promise<void>[] = [];
    for (const [id, gate] of this.#gates) {
      if (gate.isIdle(now)) this.#gates.delete(id);
      else settling.push(gate.settle());
    }
    const failed = (await Promise.allSettled(settling)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  #gateOf(quota: Quota): QuotaGate {
    const id = `${quota.scope}:${quota.id}`;
    let gate = this.#gates.get(id);
    if (!gate) {
      gate = new QuotaGate(quota, this.#store, this.#now, this.#timer, this.#maxWaiting);
      this.#gates.set(id, gate);
    }
    return gate;
  }
}
