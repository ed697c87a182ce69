import { KaanaError } from './errors.ts';

/** Who comes alone waits for what one turn of the event loop reads from the sockets, and for nobody else. */
const gather = (answeredBefore: number) =>
  new Promise<void>((resolve) => {
    if (answeredBefore < CROWD) setImmediate(resolve);
    else setTimeout(resolve, GATHER_MS);
  });

/** One promise for all who ask for the same key in the same batch. */
class Answer<Value> {
  resolve!: (value: Value) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<Value>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** From so many on that were answered together, the next batch waits for those that they are about to send again. */
const CROWD = 4;
/** So long: a query costs about as much as ten requests, whatever it asks for. */
const GATHER_MS = 1;

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
  #gathering = new Batch<Key, Value>();
  #underWay = 0;
  #busy = false;

  /** `maxWaiting`: how many may wait for an answer before further ones are refused with `overloaded`. */
  constructor(load: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>, maxWaiting = 5_000) {
    this.#load = load;
    this.#maxWaiting = maxWaiting;
  }

  get(key: Key): Promise<Value | undefined> {
    const batch = this.#gathering;
    if (batch.waiting + this.#underWay >= this.#maxWaiting) return Promise.reject(overloaded());
    batch.waiting++;
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
      await gather(this.#underWay);
      const { answers, waiting } = this.#gathering;
      this.#gathering = new Batch();
      this.#underWay = waiting;
      try {
        const found = await this.#load([...answers.keys()]);
        for (const [key, { resolve }] of answers) resolve(found.get(key));
      } catch (error) {
        for (const { reject } of answers.values()) reject(error);
      }
    }
    this.#underWay = 0;
    this.#busy = false;
  }
}

export const overloaded = () =>
  new KaanaError('overloaded', 'More requests are waiting than we take on. Try again in a second.', {
    retryAfterSeconds: 1,
  });
