import type { Answer } from './call.ts';

/** One request of an account, with the interval in which it must have been admitted or refused. */
export type Entry = {
  readonly startedAt: number;
  readonly endedAt: number;
  /** `unknown`: it may have been counted, or not. */
  readonly outcome: 'accepted' | 'refused' | 'unknown';
  readonly remaining: number;
  readonly resetSeconds: number;
  readonly retryAfterSeconds: number;
};

const WINDOW_MS = 60_000;
/** Above this limit a request may leave the window a tick late, as docs/decisions/0003-exact-limits.md says. */
const EXACT_LIMIT = 6_000;
const TICK_MS = 100;

const RATE_LIMIT = /^"account";r=(\d+);t=(\d+)$/;

/** How many of the sorted `values` are at most `bound`. */
const countUpTo = (values: readonly number[], bound: number): number => {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
};

const ascending = (values: number[]): number[] => values.sort((a, b) => a - b);

/**
 * What one account was told, and what follows from it for certain. All times are whole milliseconds of one clock, which
 * is the embedded engine's too: an admission carries a time from `startedAt` to `endedAt`, both included. Another
 * database's clock may run faster or slower, by `driftMs` in a window. Where the intervals leave a doubt, the server has
 * the benefit of it.
 */
export class Journal {
  readonly limit: number;
  readonly name: string;
  readonly entries: Entry[] = [];
  readonly complaints: string[] = [];

  /** How long after 60 seconds a request may still be in the window, and how much sooner it may have left. */
  readonly #late: number;
  readonly #early: number;

  constructor(name: string, limit: number, driftMs: number) {
    this.name = name;
    this.limit = limit;
    this.#late = WINDOW_MS + driftMs + (limit > EXACT_LIMIT ? TICK_MS : 0);
    this.#early = WINDOW_MS - driftMs;
  }

  get accepted(): number {
    return this.#of('accepted').length;
  }

  get refused(): number {
    return this.#of('refused').length;
  }

  /** What the client may be sure to have left, at the time `now`. */
  surelyLeft(now: number): number {
    return this.limit - this.entries.filter(({ endedAt }) => endedAt > now - this.#late).length;
  }

  write(startedAt: number, answer: Answer | undefined): Entry {
    const endedAt = Date.now();
    const header = RATE_LIMIT.exec(String(answer?.headers.ratelimit));
    const outcome = answer === undefined ? 'unknown' : answer.status === 429 ? 'refused' : 'accepted';
    const entry: Entry = {
      startedAt,
      endedAt,
      outcome,
      remaining: Number(header?.[1]),
      resetSeconds: Number(header?.[2]),
      retryAfterSeconds: Number(answer?.headers['retry-after']),
    };
    this.entries.push(entry);
    if (!answer) this.#complain('gave no answer');
    if (answer && answer.status !== 200 && answer.status !== 429) this.#complain(`answered ${answer.status}`);
    if (answer && !header) this.#complain(`told RateLimit: ${answer.headers.ratelimit}`);
    if (answer && answer.headers['ratelimit-policy'] !== `"account";q=${this.limit};w=60`) {
      this.#complain(`told RateLimit-Policy: ${answer.headers['ratelimit-policy']}`);
    }
    return entry;
  }

  /** Everything that is certainly wrong. */
  findings(): string[] {
    return [...this.complaints, ...this.#tooMany(), ...this.#refusedWithin(), ...this.#untrueHeaders()];
  }

  #of(outcome: Entry['outcome']): Entry[] {
    return this.entries.filter((entry) => entry.outcome === outcome);
  }

  #complain(what: string): void {
    if (this.complaints.length < 10) this.complaints.push(`${this.name}: ${what}`);
  }

  /** Spans of 60 seconds that certainly hold more accepted requests than the limit. */
  #tooMany(): string[] {
    // What took longer than a span lies inside none.
    const accepted = this.#of('accepted').filter(({ startedAt, endedAt }) => endedAt - startedAt < WINDOW_MS);
    const starts = ascending(accepted.map(({ startedAt }) => startedAt));
    const ends = ascending(accepted.map(({ endedAt }) => endedAt));
    for (const from of starts) {
      // Of those that ended in time, those that began before. They have ended in time, since none is that long.
      const inside = countUpTo(ends, from + this.#early - 1) - countUpTo(starts, from - 1);
      if (inside > this.limit) return [`${this.name}: ${inside} accepted in 60 s, of ${this.limit}`];
    }
    return [];
  }

  /** Refusals at a time at which fewer than the limit can have been in the window. */
  #refusedWithin(): string[] {
    const counted = this.entries.filter(({ outcome }) => outcome !== 'refused');
    const starts = ascending(counted.map(({ startedAt }) => startedAt));
    const ends = ascending(counted.map(({ endedAt }) => endedAt));
    return this.#of('refused')
      .filter(({ startedAt, endedAt }) => {
        const possible = countUpTo(starts, endedAt) - countUpTo(ends, startedAt - this.#late);
        return possible < this.limit;
      })
      .slice(0, 3)
      .map(({ startedAt }) => `${this.name}: refused within the limit, ${this.#at(startedAt)}`);
  }

  #untrueHeaders(): string[] {
    const { limit } = this;
    const longest = Math.ceil(this.#late / 1000);
    const counted = this.entries.filter(({ outcome }) => outcome !== 'refused');
    const possibleStarts = ascending(counted.map(({ startedAt }) => startedAt));
    const possibleEnds = ascending(counted.map(({ endedAt }) => endedAt));
    const accepted = this.#of('accepted');
    const starts = ascending(accepted.map(({ startedAt }) => startedAt));
    const ends = ascending(accepted.map(({ endedAt }) => endedAt));
    const wrong = this.entries.flatMap((entry): string[] => {
      const { outcome, startedAt, endedAt, remaining, resetSeconds, retryAfterSeconds } = entry;
      const told = `${outcome} ${this.#at(startedAt)} with r=${remaining}, t=${resetSeconds}`;
      if (outcome === 'unknown') return [];
      if (!(resetSeconds >= 1 && resetSeconds <= longest))
        return [`${told}: the reset is not within the window`];
      if (outcome === 'refused') {
        if (remaining !== 0) return [`${told}: refused with something remaining`];
        return retryAfterSeconds >= 1 && retryAfterSeconds <= longest
          ? []
          : [`${told}: Retry-After: ${retryAfterSeconds}`];
      }
      // Above, what other processes hold in advance counts as used for them, for about a second.
      if (limit > EXACT_LIMIT) return remaining >= 0 && remaining < limit ? [] : [`${told}: not possible`];
      const used = limit - remaining;
      // Those that had been answered before it was sent, and were in the window until after it was answered.
      const atLeast =
        1 + Math.max(0, countUpTo(ends, startedAt - 1) - countUpTo(starts, endedAt - this.#early));
      const atMost = countUpTo(possibleStarts, endedAt) - countUpTo(possibleEnds, startedAt - this.#late);
      return used >= atLeast && used <= Math.min(atMost, limit)
        ? []
        : [`${told}: ${used} used, where ${atLeast} to ${atMost} were`];
    });
    return [...wrong, ...this.#repeated(accepted)].slice(0, 3).map((finding) => `${this.name}: ${finding}`);
  }

  /** Until the first request leaves the window, every one that is let in finds one less remaining. */
  #repeated(accepted: readonly Entry[]): string[] {
    if (this.limit > EXACT_LIMIT) return [];
    const first = Math.min(...accepted.map(({ startedAt }) => startedAt));
    const remaining = accepted
      .filter(({ endedAt }) => endedAt < first + this.#early)
      .map((entry) => entry.remaining)
      .sort((a, b) => b - a);
    const twice = remaining.find((left, index) => left === remaining[index + 1]);
    return twice === undefined ? [] : [`two requests were told that ${twice} remain`];
  }

  #at(time: number): string {
    return `at ${((time - (this.entries[0]?.startedAt ?? 0)) / 1000).toFixed(3)} s`;
  }
}
