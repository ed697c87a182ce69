import { isAddressAllowed, normalizeAddress } from './addresses.ts';
import type { Clock } from './clock.ts';
import type { ApiKey, WouldRefuse } from './model.ts';
import type { HeldWouldRefuse, WouldRefuseStore } from './stores.ts';

export type WouldRefuseCheck = WouldRefuse['check'];

/** Of each check of a key so many values are told apart; the rest is counted together. */
export const MAX_VALUES = 50;
/** Keys whose notes wait to be written. Beyond, what concerns further keys is not noted until the next flush. */
const MAX_KEYS = 5_000;
/** Keys that are read at once, and written side by side. */
const BATCH = 50;
/** Another process may be faster this often; then the notes wait for the next flush. */
const ATTEMPTS = 5;

/** What a client or a proxy has written where an address should be is not kept. */
const NO_ADDRESS = 'unknown';

const idOf = ({ check, value }: Pick<WouldRefuse, 'check' | 'value'>) => `${check}:${value ?? ''}`;

const join = (one: WouldRefuse, other: WouldRefuse): WouldRefuse => ({
  ...one,
  count: one.count + other.count,
  firstAt: one.firstAt < other.firstAt ? one.firstAt : other.firstAt,
  lastAt: one.lastAt > other.lastAt ? one.lastAt : other.lastAt,
});

/** The rarest of a check is given up first, of equally rare ones the one that was seen longest ago. */
const byWeight = (a: WouldRefuse, b: WouldRefuse) =>
  b.count - a.count || b.lastAt.getTime() - a.lastAt.getTime();

/** Both together: no count is lost, and of each check no more than `maxValues` values are told apart. */
export const mergeWouldRefuse = (
  held: readonly WouldRefuse[],
  more: readonly WouldRefuse[],
  maxValues = MAX_VALUES,
): WouldRefuse[] => {
  const merged = new Map<string, WouldRefuse>();
  const add = (entry: WouldRefuse) => {
    const same = merged.get(idOf(entry));
    merged.set(idOf(entry), same ? join(same, entry) : entry);
  };
  for (const entry of [...held, ...more]) add(entry);
  for (const check of ['scope', 'ip'] as const) {
    const told = [...merged.values()].filter((entry) => entry.check === check && entry.value !== null);
    for (const entry of told.toSorted(byWeight).slice(maxValues)) {
      merged.delete(idOf(entry));
      add({ ...entry, value: null });
    }
  }
  return [...merged.values()].toSorted(byWeight);
};

/** Of what was noted, that which the key's lists of today would refuse. */
export const stillRefused = (
  { scopes, allowedIps }: Pick<ApiKey, 'scopes' | 'allowedIps'>,
  entries: readonly WouldRefuse[],
): WouldRefuse[] =>
  entries.filter(({ check, value }) => {
    if (check === 'scope') return scopes !== null && !(scopes as readonly string[]).includes(value ?? '');
    return allowedIps !== null && (value === null || !isAddressAllowed(value, allowedIps));
  });

const NOTHING_HELD: HeldWouldRefuse = { revision: null, entries: [] };

type Pending = { readonly organizationId: string; readonly entries: Map<string, WouldRefuse> };

/**
 * What restrictions in report mode would have refused, gathered in memory and written behind. Bounded in memory and
 * storage, whoever uses a key from however many addresses. A crash loses what came since the last flush.
 */
export class WouldRefuseRecorder {
  readonly #store: WouldRefuseStore;
  readonly #clock: Clock;
  readonly #maxKeys: number;
  #pending = new Map<string, Pending>();
  #flushing: Promise<void> = Promise.resolve();

  constructor(store: WouldRefuseStore, clock: Clock, maxKeys = MAX_KEYS) {
    this.#store = store;
    this.#clock = clock;
    this.#maxKeys = maxKeys;
  }

  note(
    { id, organizationId }: Pick<ApiKey, 'id' | 'organizationId'>,
    check: WouldRefuseCheck,
    of: string | null,
  ): void {
    const value = check === 'ip' ? (normalizeAddress(of) ?? NO_ADDRESS) : of;
    const at = new Date(this.#clock());
    this.#add(id, organizationId, { check, value, count: 1, firstAt: at, lastAt: at });
  }

  /** Writes what has gathered. What cannot be written is kept for the next time. */
  flush(): Promise<void> {
    const before = this.#flushing;
    this.#flushing = before.catch(() => undefined).then(() => this.#write());
    return this.#flushing;
  }

  #add(keyId: string, organizationId: string, entry: WouldRefuse): void {
    let pending = this.#pending.get(keyId);
    if (!pending) {
      if (this.#pending.size >= this.#maxKeys) return;
      pending = { organizationId, entries: new Map() };
      this.#pending.set(keyId, pending);
    }
    const { entries } = pending;
    const known = entries.get(idOf(entry));
    // Twice as many as are kept, so that which are the rarest is seen when they are merged.
    const kept =
      known || entry.value === null || entries.size < 2 * MAX_VALUES ? entry : { ...entry, value: null };
    const same = entries.get(idOf(kept));
    entries.set(idOf(kept), same ? join(same, kept) : kept);
  }

  async #write(): Promise<void> {
    const left = this.#pending;
    this.#pending = new Map();
    try {
      for (let attempt = 1; left.size > 0 && attempt <= ATTEMPTS; attempt++) {
        const all = [...left];
        for (let at = 0; at < all.length; at += BATCH)
          await this.#writeBatch(all.slice(at, at + BATCH), left);
      }
    } finally {
      for (const [keyId, { organizationId, entries }] of left)
        for (const entry of entries.values()) this.#add(keyId, organizationId, entry);
    }
  }

  /** Takes out of `left` what has been written. */
  async #writeBatch(batch: readonly [string, Pending][], left: Map<string, Pending>): Promise<void> {
    const held = await this.#store.getMany(batch.map(([keyId]) => keyId));
    const outcomes = await Promise.allSettled(
      batch.map(async ([keyId, { organizationId, entries }]) => {
        const { revision, entries: before } = held.get(keyId) ?? NOTHING_HELD;
        const merged = mergeWouldRefuse(before, [...entries.values()]);
        if (await this.#store.write(keyId, organizationId, revision, merged)) left.delete(keyId);
      }),
    );
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
}
