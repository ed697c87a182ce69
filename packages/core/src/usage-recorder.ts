import { redactTokens } from '@kaana/api-key';
import type { Clock } from './clock.ts';
import type { Principal } from './principal.ts';
import type { UsageDelta, UsageStore } from './stores.ts';
import { noCounts, type Outcome, startOfMinute } from './usage.ts';

export type Use = {
  readonly principal: Principal;
  readonly outcome: Outcome;
  readonly ip: string | null;
  readonly userAgent: string | null;
};

type PendingActivity = { lastUsedAt: number; ip: string; userAgent: string; secrets: Map<string, number> };

const MAX_USER_AGENT = 200;

/**
 * Counts and last uses, gathered in memory and written behind, so that no request waits for them: one entry per key
 * and minute, whatever the traffic. A crash loses what came since the last flush (about a second's worth), never state.
 */
export class UsageRecorder {
  readonly #store: UsageStore;
  readonly #clock: Clock;
  #usage = new Map<string, UsageDelta>();
  #activity = new Map<string, PendingActivity>();
  #flushing: Promise<void> = Promise.resolve();

  constructor(store: UsageStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  record({ principal: { account, credential }, outcome, ip, userAgent }: Use): void {
    if (credential.type !== 'key') return;
    const now = this.#clock();
    const minute = startOfMinute(now);
    const { keyId, secretId } = credential;
    const id = `${keyId}:${minute}`;
    let delta = this.#usage.get(id);
    if (!delta) {
      const { organizationId } = account;
      delta = { organizationId, accountId: account.id, keyId, minute, counts: noCounts() };
      this.#usage.set(id, delta);
    }
    delta.counts[outcome]++;
    let activity = this.#activity.get(keyId);
    if (!activity) {
      activity = { lastUsedAt: now, ip: '', userAgent: '', secrets: new Map() };
      this.#activity.set(keyId, activity);
    }
    activity.lastUsedAt = now;
    activity.ip = ip ?? '';
    activity.userAgent = userAgent ?? '';
    activity.secrets.set(secretId, now);
  }

  /** Writes what has gathered. What cannot be written is kept for the next time. */
  flush(): Promise<void> {
    const before = this.#flushing;
    this.#flushing = before.catch(() => undefined).then(() => this.#write());
    return this.#flushing;
  }

  async #write(): Promise<void> {
    if (this.#usage.size === 0 && this.#activity.size === 0) return;
    const usage = this.#usage;
    const activity = this.#activity;
    this.#usage = new Map();
    this.#activity = new Map();
    try {
      await this.#store.add(
        [...usage.values()],
        [...activity].map(([keyId, { lastUsedAt, ip, userAgent, secrets }]) => ({
          keyId,
          lastUsedAt: new Date(lastUsedAt),
          ip,
          userAgent: redactTokens(userAgent).slice(0, MAX_USER_AGENT),
          secrets: Object.fromEntries([...secrets].map(([id, at]) => [id, new Date(at)])),
        })),
      );
    } catch (error) {
      this.#restore(usage, activity);
      throw error;
    }
  }

  #restore(usage: Map<string, UsageDelta>, activity: Map<string, PendingActivity>): void {
    for (const [id, delta] of usage) {
      const newer = this.#usage.get(id);
      if (!newer) this.#usage.set(id, delta);
      else
        for (const outcome of Object.keys(delta.counts) as Outcome[])
          newer.counts[outcome] += delta.counts[outcome];
    }
    for (const [keyId, older] of activity) {
      const newer = this.#activity.get(keyId);
      if (!newer) this.#activity.set(keyId, older);
      else for (const [id, at] of older.secrets) if (!newer.secrets.has(id)) newer.secrets.set(id, at);
    }
  }
}
