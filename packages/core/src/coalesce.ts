import { KaanaError } from './errors.ts';

/** One promise for all who ask for the same key in the same batch. */
class Answer<Value> {
  resolve!: (value: Value) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<Value>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** So many who asked at the same time are likely to ask together again, and are waited for. */
const CROWD = 4;
/** So long: a query costs about as much as ten requests, whatever it asks for. */
const GATHER_MS = 2;

class Batch<Key, Value> {
  readonly answers = new Map<Key, Answer<Value | undefined>>();
  waiting = 0;
}

/**
 * One batch at a time: what arrives while a batch is under way gathers and goes together in the next one. Nothing is
 * remembered between batches: an answer is handed only to those who asked before its load began, so it is never older
 * than the question. Load makes the batches bigger, not the loads more.
 */
export class Coalescer<Key, Value> {
  readonly #load: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>;
  readonly #maxWaiting: number;
  readonly #gatherMs: number;
  #gathering = new Batch<Key, Value>();
  #underWay = 0;
  /** How many asked in the last round: those it answered and those that came meanwhile. */
  #expected = 0;
  /** Ends the wait for them. */
  #complete: (() => void) | null = null;
  #busy = false;

  /**
   * `maxWaiting`: how many may wait for an answer before further ones are refused with `overloaded`. `gatherMs`: how
   * long a crowd is waited for.
   */
  constructor(
    load: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
    { maxWaiting = 5_000, gatherMs = GATHER_MS } = {},
  ) {
    this.#load = load;
    this.#maxWaiting = maxWaiting;
    this.#gatherMs = gatherMs;
  }

  get(key: Key): Promise<Value | undefined> {
    const batch = this.#gathering;
    if (batch.waiting + this.#underWay >= this.#maxWaiting) return Promise.reject(overloaded());
    batch.waiting++;
    if (batch.waiting >= this.#expected) this.#complete?.();
    let answer = batch.answers.get(key);
    if (!answer) {
      answer = new Answer();
      batch.answers.set(key, answer);
    }
    if (!this.#busy) {
      this.#busy = true;
      void this.#run();
    }
    return answer.promise;
  }

  async #run(): Promise<void> {
    while (this.#gathering.waiting > 0) {
      await this.#gather();
      const { answers, waiting } = this.#gathering;
      this.#gathering = new Batch();
      this.#underWay = waiting;
      try {
        const found = await this.#load([...answers.keys()]);
        for (const [key, { resolve }] of answers) resolve(found.get(key));
      } catch (error) {
        for (const { reject } of answers.values()) reject(error);
      }
      this.#underWay = 0;
      this.#expected = waiting + this.#gathering.waiting;
    }
    this.#busy = false;
  }

  /** Who comes alone waits for what one turn of the event loop reads from the sockets; a crowd until it is complete. */
  #gather(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#expected < CROWD || this.#gathering.waiting >= this.#expected) {
        setImmediate(resolve);
        return;
      }
      const complete = () => {
        clearTimeout(timer);
        this.#complete = null;
        setImmediate(resolve);
      };
      const timer = setTimeout(complete, this.#gatherMs);
      this.#complete = complete;
    });
  }
}

export const overloaded = () =>
  new KaanaError('overloaded', 'More requests are waiting than we take on. Try again in a second.', {
    retryAfterSeconds: 1,
  });
