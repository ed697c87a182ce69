import { isDeepStrictEqual } from 'node:util';

export type Stored = Record<string, unknown>;

/** What a document may be, if one of several requests was under way: null means that it is not there. */
type States = (Stored | null)[];

/** One change under way. */
export interface Attempt {
  key: string;
  after: Stored | null;
}

/**
 * What has to be in a collection by what was acknowledged. Each document is written by one writer, one request at
 * a time; so it is what the last acknowledged request made it, or, if one was under way when the server died, what
 * that would have made it.
 */
export class Ledger {
  readonly #states = new Map<string, States>();
  /** Requests of several ordered changes that nobody answered: each of them implies those before it. */
  readonly #sequences: Attempt[][] = [];

  /** The state of a document, which must be certain. */
  get(key: string): Stored | null {
    const states = this.#states.get(key) ?? [null];
    if (states.length > 1) throw new Error(`the state of ${key} is not known`);
    return states[0] ?? null;
  }

  begin(attempts: readonly Attempt[]): void {
    for (const { key, after } of attempts) this.#states.set(key, [this.get(key), after]);
    if (attempts.length > 1) this.#sequences.push([...attempts]);
  }

  /** The request was answered: all of it is done, or nothing. */
  settle(attempts: readonly Attempt[], done: boolean): void {
    for (const { key, after } of attempts) {
      const [before = null] = this.#states.get(key) ?? [];
      this.#states.set(key, [done ? after : before]);
    }
    const at = this.#sequences.findIndex((sequence) => sequence[0]?.key === attempts[0]?.key);
    if (at >= 0) this.#sequences.splice(at, 1);
  }

  /** Compares with what is there, tells what is wrong, and takes what is there for certain from now on. */
  check(stored: ReadonlyMap<string, Stored>): string[] {
    const problems: string[] = [];
    for (const [key, states] of this.#states) {
      const found = stored.get(key) ?? null;
      if (!states.some((state) => isDeepStrictEqual(state, found)))
        problems.push(
          `${key} is ${JSON.stringify(found)}, but only ${states.map((state) => JSON.stringify(state)).join(' or ')} was written`,
        );
    }
    for (const key of stored.keys()) if (!this.#states.has(key)) problems.push(`nobody wrote ${key}`);
    for (const sequence of this.#sequences) {
      const done = sequence.map(({ key, after }) => isDeepStrictEqual(stored.get(key) ?? null, after));
      if (done.lastIndexOf(true) > done.indexOf(false) && done.includes(false))
        problems.push(`of an ordered request a part is there without what came before it: ${done.join()}`);
    }
    this.#sequences.length = 0;
    for (const key of this.#states.keys()) this.#states.set(key, [stored.get(key) ?? null]);
    return problems;
  }

  /** Documents whose last change nobody answered. */
  get uncertain(): number {
    return [...this.#states.values()].filter((states) => states.length > 1).length;
  }
}
