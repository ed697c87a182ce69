import type { Instant, LimitRecord } from '../admission-log.ts';
import { NO_ADMISSIONS } from '../admission-log.ts';
import type { Timer } from '../meter.ts';
import type { HeldLimit, LimitStore } from '../stores.ts';

/** Lets everything run that can run by itself. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Time that is moved by hand; who waits for it goes on when it has come. */
export class ManualTime implements Timer {
  #now = 1_000_000;
  #sleepers: { readonly until: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wait(ms: number): Promise<void> {
    return new Promise((wake) => this.#sleepers.push({ until: this.#now + ms, wake }));
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#sleepers.filter(({ until }) => until <= this.#now);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#now);
    for (const { wake } of due) wake();
  }
}

/** The contract of `LimitStore` in memory, on a clock that is set by hand and known up to `uncertaintyMs`. */
export class MemoryLimits implements LimitStore {
  readonly #time: Timer;
  readonly #uncertaintyMs: number;
  readonly #held = new Map<string, { revision: string; record: LimitRecord }>();
  #revisions = 0;
  reads = 0;
  writes = 0;
  /** Called before every read and write; may wait, or throw. */
  interfere: (id: string) => Promise<void> = async () => {};

  constructor(time: Timer, uncertaintyMs = 0) {
    this.#time = time;
    this.#uncertaintyMs = uncertaintyMs;
  }

  now(): Promise<Instant> {
    const now = this.#time.now();
    return Promise.resolve({ earliest: now - this.#uncertaintyMs, latest: now + this.#uncertaintyMs });
  }

  async read(id: string): Promise<HeldLimit> {
    await this.interfere(id);
    this.reads++;
    return this.#held.get(id) ?? { revision: null, record: NO_ADMISSIONS };
  }

  async write(id: string, expected: string | null, record: LimitRecord): Promise<string | null> {
    await this.interfere(id);
    if ((this.#held.get(id)?.revision ?? null) !== expected) return null;
    this.writes++;
    const revision = String(++this.#revisions);
    this.#held.set(id, { revision, record: structuredClone(record) });
    return revision;
  }
}
