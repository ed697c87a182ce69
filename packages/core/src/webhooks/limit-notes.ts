import { BoundedMap } from '../bounded-map.ts';
import type { Clock } from '../clock.ts';
import type { Principal } from '../principal.ts';
import type { WebhookEvent } from './events.ts';

const HOUR_MS = 3600_000;
/** Of so many keys it is remembered that this hour they were noted; and so many notes wait at most. */
const CAPACITY = 10_000;

/**
 * Keys that a limit has refused, in this process, to be told later: a refusal costs no more than a look into a map.
 * What is noted is lost with the process.
 */
export class LimitNotes {
  readonly #clock: Clock;
  readonly #hours = new BoundedMap<string, number>(CAPACITY);
  #notes: WebhookEvent[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `limit`: its name, as in `RateLimit`. */
  note({ credential, organization }: Principal, limit: string | undefined): void {
    if (credential.type !== 'key') return;
    const { keyId } = credential;
    const now = this.#clock();
    const hour = Math.floor(now / HOUR_MS);
    if (this.#hours.get(keyId) === hour || this.#notes.length >= CAPACITY) return;
    this.#hours.set(keyId, hour);
    this.#notes.push({
      type: 'key.limit_reached',
      organizationId: organization.id,
      keyId,
      at: new Date(now),
      once: String(hour),
      details: { limit: limit ?? 'account' },
    });
  }

  /** What was noted since the last time; those that could not be told are given back. */
  take(): WebhookEvent[] {
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }

  giveBack(notes: readonly WebhookEvent[]): void {
    this.#notes = [...notes, ...this.#notes].slice(0, CAPACITY);
  }
}
