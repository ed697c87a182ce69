import type { Instant } from '@kaana/core';

/**
 * How fast two clocks may drift apart, per millisecond: 100 ppm is more than quartz does. One that NTP slews faster for a
 * while is found out by the next reading, which then does not agree and is believed alone.
 */
const DRIFT = 0.000_1;
/** A sample is good for so long; then the clock is asked again. */
const SAMPLE_MS = 1_000;

type Bounds = { readonly at: number; readonly earliest: number; readonly latest: number };

/**
 * The database server's clock, without a round trip for every look: it was read between two moments of this process,
 * so that the difference of the two is known up to a part of that round trip, and every further sample narrows it.
 * It is read again every second, and a clock that was set is believed as of its next reading.
 */
export class ServerClock {
  readonly #read: () => Promise<number>;
  readonly #monotonic: () => number;
  #bounds: Bounds | undefined;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #sampling: Promise<void> | undefined;

  /** `read`: the server's time in whole milliseconds, rounded down, as BSON dates are. */
  constructor(read: () => Promise<number>, monotonic: () => number = () => performance.now()) {
    this.#read = read;
    this.#monotonic = monotonic;
  }

  async now(): Promise<Instant> {
    if (!this.#bounds || this.#monotonic() - this.#sampledAt > SAMPLE_MS) {
      this.#sampling ??= this.#sample().finally(() => {
        this.#sampling = undefined;
      });
      await this.#sampling;
    }
    return this.#current(this.#bounds as Bounds, this.#monotonic());
  }

  #current({ at, earliest, latest }: Bounds, now: number): Instant {
    const elapsed = now - at;
    return {
      earliest: earliest + elapsed * (1 - DRIFT),
      latest: latest + elapsed * (1 + DRIFT),
    };
  }

  async #sample(): Promise<void> {
    const sent = this.#monotonic();
    const time = await this.#read();
    const received = this.#monotonic();
    // Read at some moment between: then as early as `time`, and at the latest just before the next millisecond.
    const fresh: Bounds = { at: received, earliest: time, latest: time + 1 + (received - sent) };
    const known = this.#bounds && this.#current(this.#bounds, received);
    const earliest = Math.max(fresh.earliest, known?.earliest ?? fresh.earliest);
    const latest = Math.min(fresh.latest, known?.latest ?? fresh.latest);
    this.#bounds = earliest <= latest ? { at: received, earliest, latest } : fresh;
    this.#sampledAt = received;
  }
}
