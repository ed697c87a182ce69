import { redactTokens } from '@kaana/api-key';
import type { Clock } from './clock.ts';
import { type ErrorCode, KaanaError } from './errors.ts';
import {
  boundSources,
  type Ghost,
  type GhostSource,
  type GhostUse,
  ghostOf,
  mergeGhostUse,
  noGhosts,
} from './ghost-use.ts';
import { inParallel, type RevisionedStore, rewrite } from './revisions.ts';

type PendingSource = { -readonly [Field in keyof GhostSource]: GhostSource[Field] };
type Pending = {
  readonly ghost: Ghost;
  readonly counts: GhostUse['counts'] & Record<Ghost['reason'], number>;
  readonly firstAt: number;
  lastAt: number;
  readonly sources: Map<string, PendingSource>;
};

/** Attempts with tokens that nobody knows, by address. They belong to no organization, and are for operators alone. */
export type UnknownTokens = {
  readonly total: number;
  /** Busiest first. */
  readonly addresses: readonly {
    readonly address: string;
    readonly count: number;
    readonly userAgent: string;
  }[];
};

export type GhostBounds = {
  /** Keys that wait to be written. Beyond, attempts with the tokens of further ones are in the totals alone. */
  readonly keys: number;
  /** Addresses of one key that wait. Beyond, those that matter least are counted without their address. */
  readonly sources: number;
  /** Addresses with unknown tokens between two reports. */
  readonly addresses: number;
  /** Keys written by one flush. */
  readonly batch: number;
};
const BOUNDS: GhostBounds = { keys: 5_000, sources: 40, addresses: 1_000, batch: 500 };

const WRITES_AT_ONCE = 10;
const MAX_ADDRESS = 64;
const MAX_USER_AGENT = 200;
/** Cut at once, since whole ones would fill the memory; what is written is shorter, and holds no token. */
const LONG_USER_AGENT = 1_000;

const addressOf = (ip: string | null): string => (ip ?? '').slice(0, MAX_ADDRESS);
const shortened = (userAgent: string | null): string =>
  redactTokens(userAgent ?? '').slice(0, MAX_USER_AGENT);
const bounded = (userAgent: string | null): string =>
  userAgent && userAgent.length > LONG_USER_AGENT ? shortened(userAgent) : (userAgent ?? '');

/** Codes of refusals that are counted. */
const COUNTED = ['key_unknown', 'key_revoked', 'key_expired', 'account_inactive'] as const;
export type CountedRefusal = (typeof COUNTED)[number];
const isCounted = (code: ErrorCode): code is CountedRefusal => (COUNTED as readonly string[]).includes(code);

/**
 * Attempts with tokens that do not work (any more), gathered in memory and written behind. Whoever attacks can make
 * it neither slow nor big: it holds so many keys, addresses of each and addresses with unknown tokens, and no more.
 */
export class GhostRecorder {
  readonly #store: RevisionedStore<GhostUse>;
  readonly #clock: Clock;
  readonly #bounds: GhostBounds;
  readonly #totals: Record<CountedRefusal, number> = {
    key_unknown: 0,
    key_revoked: 0,
    key_expired: 0,
    account_inactive: 0,
  };
  #pending = new Map<string, Pending>();
  #unknown = new Map<string, { count: number; userAgent: string }>();
  #unknownTotal = 0;
  #flushing: Promise<void> = Promise.resolve();

  constructor(store: RevisionedStore<GhostUse>, clock: Clock, bounds: GhostBounds = BOUNDS) {
    this.#store = store;
    this.#clock = clock;
    this.#bounds = bounds;
  }

  /** Since the start of the process, by code. */
  get totals(): Readonly<Record<CountedRefusal, number>> {
    return this.#totals;
  }

  /** What authentication refused with, whatever it was. */
  record(error: unknown, ip: string | null, userAgent: string | null): void {
    if (!(error instanceof KaanaError) || !isCounted(error.code)) return;
    const now = this.#clock();
    const ghost = ghostOf(error, now);
    // Of an account's session, and not of a key.
    if (!ghost && error.code !== 'key_unknown') return;
    this.#totals[error.code]++;
    if (ghost) this.#recordKnown(ghost, now, addressOf(ip), userAgent);
    else this.#recordUnknown(addressOf(ip), userAgent);
  }

  #recordKnown(ghost: Ghost, now: number, address: string, userAgent: string | null): void {
    let pending = this.#pending.get(ghost.keyId);
    if (!pending) {
      if (this.#pending.size >= this.#bounds.keys) return;
      pending = { ghost, counts: noGhosts(), firstAt: now, lastAt: now, sources: new Map() };
      this.#pending.set(ghost.keyId, pending);
    }
    const { reason, secretId } = ghost;
    pending.counts[reason]++;
    pending.lastAt = now;
    const lastAt = new Date(now);
    const source = pending.sources.get(address);
    if (source) {
      source.count++;
      Object.assign(source, { lastAt, reason, secretId, userAgent: bounded(userAgent) });
      return;
    }
    if (pending.sources.size >= this.#bounds.sources) {
      const kept = boundSources([...pending.sources.values()], this.#bounds.sources / 2);
      pending.sources.clear();
      for (const each of kept) pending.sources.set(each.address, each);
    }
    pending.sources.set(address, {
      address,
      userAgent: bounded(userAgent),
      count: 1,
      lastAt,
      reason,
      secretId,
    });
  }

  #recordUnknown(address: string, userAgent: string | null): void {
    this.#unknownTotal++;
    const known = this.#unknown.get(address);
    if (known) {
      known.count++;
      return;
    }
    // Half of them make room at a time, so that a flood of addresses costs each a constant.
    if (this.#unknown.size >= this.#bounds.addresses) {
      const busiest = byCount(this.#unknown).slice(0, this.#bounds.addresses / 2);
      this.#unknown = new Map(busiest);
    }
    this.#unknown.set(address, { count: 1, userAgent: bounded(userAgent) });
  }

  /** The unknown tokens since the last call, and the addresses that sent most of them. */
  takeUnknown(max: number): UnknownTokens {
    const addresses = byCount(this.#unknown)
      .slice(0, max)
      .map(([address, { count, userAgent }]) => ({ address, count, userAgent: shortened(userAgent) }));
    const total = this.#unknownTotal;
    this.#unknown = new Map();
    this.#unknownTotal = 0;
    return { total, addresses };
  }

  /** Writes what has gathered. What cannot be written is kept for the next time. */
  flush(): Promise<void> {
    const before = this.#flushing;
    this.#flushing = before.catch(() => undefined).then(() => this.#write());
    return this.#flushing;
  }

  async #write(): Promise<void> {
    if (this.#pending.size === 0) return;
    const taken = [...this.#pending.values()].slice(0, this.#bounds.batch);
    for (const { ghost } of taken) this.#pending.delete(ghost.keyId);
    const unwritten = new Map(taken.map((pending) => [pending.ghost.keyId, pending]));
    try {
      const held = await this.#store.read([...unwritten.keys()]);
      await inParallel(taken, WRITES_AT_ONCE, async (pending) => {
        const { keyId } = pending.ghost;
        await rewrite(this.#store, keyId, held.get(keyId), (known) =>
          mergeGhostUse(known, toGhostUse(pending)),
        );
        unwritten.delete(keyId);
      });
    } finally {
      for (const pending of unwritten.values()) this.#restore(pending);
    }
  }

  #restore(older: Pending): void {
    const { keyId } = older.ghost;
    const newer = this.#pending.get(keyId);
    const merged = newer ? mergeGhostUse(toGhostUse(older), toGhostUse(newer)) : toGhostUse(older);
    this.#pending.set(keyId, {
      ghost: older.ghost,
      counts: { ...merged.counts },
      firstAt: merged.firstAt.getTime(),
      lastAt: merged.lastAt.getTime(),
      sources: new Map(merged.sources.map((source) => [source.address, { ...source }])),
    });
  }
}

const byCount = <Entry extends { count: number }>(entries: ReadonlyMap<string, Entry>): [string, Entry][] =>
  [...entries].sort(([, a], [, b]) => b.count - a.count);

const toGhostUse = ({ ghost, counts, firstAt, lastAt, sources }: Pending): GhostUse => ({
  keyId: ghost.keyId,
  counts,
  firstAt: new Date(firstAt),
  lastAt: new Date(lastAt),
  sources: [...sources.values()].map((source) => ({ ...source, userAgent: shortened(source.userAgent) })),
});
