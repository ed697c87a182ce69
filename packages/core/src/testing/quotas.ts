import type { Instant } from '../admission-log.ts';
import type { CreditBalance } from '../credits.ts';
import type { Timer } from '../meter.ts';
import type { Quota } from '../named-limits.ts';
import { NO_QUOTA_USED, type QuotaRecord } from '../quota-record.ts';
import type { HeldQuota, QuotaStore } from '../stores.ts';

/** The contract of `QuotaStore` in memory. */
export class MemoryQuotas implements QuotaStore {
  readonly #held = new Map<string, { revision: string; record: QuotaRecord }>();
  readonly #time: Timer;
  readonly #uncertaintyMs: number;
  #revisions = 0;
  reads = 0;
  writes = 0;
  /** Called before every read and write; may wait, or throw. */
  interfere: (id: string) => Promise<void> = async () => {};

  constructor(time: Timer, uncertaintyMs = 0) {
    this.#time = time;
    this.#uncertaintyMs = uncertaintyMs;
  }

  readonly now = (): Promise<Instant> => {
    const now = this.#time.now();
    return Promise.resolve({ earliest: now - this.#uncertaintyMs, latest: now + this.#uncertaintyMs });
  };

  record({ scope, id }: Pick<Quota, 'scope' | 'id'>): QuotaRecord {
    return this.#held.get(`${scope}:${id}`)?.record ?? NO_QUOTA_USED;
  }

  async read({ scope, id }: Quota): Promise<HeldQuota> {
    await this.interfere(id);
    this.reads++;
    return this.#held.get(`${scope}:${id}`) ?? { revision: null, record: NO_QUOTA_USED };
  }

  async write({ scope, id }: Quota, expected: string | null, record: QuotaRecord): Promise<string | null> {
    await this.interfere(id);
    const key = `${scope}:${id}`;
    if ((this.#held.get(key)?.revision ?? null) !== expected) return null;
    this.writes++;
    const revision = String(++this.#revisions);
    this.#held.set(key, { revision, record: structuredClone(record) });
    return revision;
  }

  balances(keyIds: readonly string[]): Promise<ReadonlyMap<string, CreditBalance>> {
    return Promise.resolve(
      new Map(
        keyIds.flatMap((id): [string, CreditBalance][] => {
          const { credits } = this.record({ scope: 'key', id });
          return credits ? [[id, credits]] : [];
        }),
      ),
    );
  }
}
