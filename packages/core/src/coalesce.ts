import { KaanaError } from './errors.ts';

type Waiting<Value> = {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * One batch at a time: what arrives while a batch is under way gathers and goes together in the next one. Nothing is
 * remembered between batches: an answer is handed only to those who asked before its load began, so it is never older
 * than the question. Load makes the batches bigger, not the loads more.
 */
export class Coalescer<Key, Value> {
  readonly #load: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>;
  readonly #maxWaiting: number;
  #gathering = new Map<Key, Waiting<Value | undefined>[]>();
  #waiting = 0;
  #busy = false;

  /** `maxWaiting`: how many may wait for a batch before further ones are refused with `overloaded`. */
  constructor(load: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>, maxWaiting = 10_000) {
    this.#load = load;
    this.#maxWaiting = maxWaiting;
  }

  get(key: Key): Promise<Value | undefined> {
    if (this.#waiting >= this.#maxWaiting) return Promise.reject(overloaded());
    this.#waiting++;
    return new Promise((resolve, reject) => {
      const others = this.#gathering.get(key);
      if (others) others.push({ resolve, reject });
      else this.#gathering.set(key, [{ resolve, reject }]);
      if (!this.#busy) {
        this.#busy = true;
        // After the poll phase: all requests that one read of the sockets brought in share the batch.
        setImmediate(() => void this.#run());
      }
    });
  }

  async #run(): Promise<void> {
    while (this.#gathering.size > 0) {
      const batch = this.#gathering;
      this.#gathering = new Map();
      this.#waiting = 0;
      try {
        const found = await this.#load([...batch.keys()]);
        for (const [key, waiters] of batch) {
          const value = found.get(key);
          for (const waiter of waiters) waiter.resolve(value);
        }
      } catch (error) {
        for (const waiters of batch.values()) for (const waiter of waiters) waiter.reject(error);
      }
    }
    this.#busy = false;
  }
}

export const overloaded = () =>
  new KaanaError('overloaded', 'More requests are waiting than we take on. Try again in a second.', {
    retryAfterSeconds: 1,
  });
