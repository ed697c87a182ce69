import { afterPrefix } from '../indexes/key.ts';
import { run, type Task } from '../task.ts';
import type { Store } from './store.ts';

/** Entries removed at a time. */
const PIECE = 256;
/** More than this waiting for the disk, and removing pauses until it is less. */
const MAX_PENDING_BYTES = 16 * 1024 * 1024;

/**
 * Prefixes whose entries nobody knows any more, or not yet: of dropped collections and indexes, and of indexes
 * that are being built. Each is marked in the store in the same step that makes it unknown, so that whatever
 * happens to the process, the next start goes on to remove its entries. Removing is done little by little.
 */
export class Leftovers {
  readonly #store: Store;
  readonly #marks: string;
  readonly #waiting: string[] = [];
  #clearing = false;
  #stopped = false;

  constructor(store: Store, marks: string) {
    this.#store = store;
    this.#marks = marks;
    let low: string | undefined = marks;
    while (low !== undefined) {
      const chunk = store.range(low, afterPrefix(marks), false, PIECE);
      for (const { key } of chunk.entries) this.#waiting.push(key.slice(marks.length));
      low = chunk.next;
    }
    if (this.#waiting.length > 0) this.#start();
  }

  /** What is written under the prefix is nothing yet: unless it is released, it will be removed. */
  reserve(ident: string): void {
    this.#store.put(this.#marks + ident, Buffer.alloc(1));
  }

  /** What was written under a reserved prefix is to stay. */
  release(ident: string): void {
    this.#store.remove(this.#marks + ident);
  }

  /** Whatever is under the prefix is to go. */
  discard(ident: string): void {
    this.reserve(ident);
    this.#waiting.push(ident);
    this.#start();
  }

  /** What has not been removed yet stays for the next start. */
  stop(): void {
    this.#stopped = true;
  }

  #start(): void {
    if (this.#clearing) return;
    this.#clearing = true;
    setImmediate(() => {
      const ended = (): void => {
        this.#clearing = false;
      };
      // It fails only with the store, which says so itself.
      Promise.resolve(run(this.#clear())).then(ended, ended);
    });
  }

  *#clear(): Task<void> {
    for (let ident = this.#waiting.shift(); ident !== undefined; ident = this.#waiting.shift()) {
      let low: string | undefined = ident;
      while (low !== undefined) {
        if (this.#stopped) return;
        const chunk = this.#store.range(low, afterPrefix(ident), false, PIECE);
        for (const { key } of chunk.entries) this.#store.remove(key);
        low = chunk.next;
        this.#store.lazily();
        yield this.#store.pendingBytes > MAX_PENDING_BYTES ? this.#store.durable() : undefined;
      }
      this.release(ident);
    }
    this.#store.lazily();
  }
}
