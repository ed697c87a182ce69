import { SortedKeys } from './sorted-keys.ts';

/** Length of the prefix that names a collection's data or an index; ranges never cross it. */
export const IDENT_BYTES = 4;

/** Writes that are not on disk yet; null is a removal. */
export class Overlay {
  readonly #values = new Map<string, Buffer | null>();
  /** The keys in order, by their prefix. */
  readonly #sorted = new Map<string, SortedKeys>();
  readonly done: Promise<void>;
  /** Somebody waits for it. */
  wanted = false;
  bytes = 0;
  #finish: () => void = () => {};
  #fail: (error: Error) => void = () => {};

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    // Whether anybody waits or not, a failure is told to the store's owner.
    this.done.catch(() => {});
  }

  finish(): void {
    this.#finish();
  }

  fail(error: Error): void {
    this.#fail(error);
  }

  get size(): number {
    return this.#values.size;
  }

  /** undefined: this overlay says nothing about the key; null: removed. */
  get(key: string): Buffer | null | undefined {
    return this.#values.size === 0 ? undefined : this.#values.get(key);
  }

  set(key: string, value: Buffer | null): void {
    const before = this.#values.size;
    this.#values.set(key, value);
    this.bytes += (value?.length ?? 0) + key.length;
    if (this.#values.size === before) return;
    const ident = key.slice(0, IDENT_BYTES);
    let sorted = this.#sorted.get(ident);
    if (!sorted) {
      sorted = new SortedKeys();
      this.#sorted.set(ident, sorted);
    }
    sorted.add(key);
  }

  /** Up to `limit` keys with low <= key < high that this overlay says something about. */
  keys(low: string, high: string, reverse: boolean, limit: number): string[] {
    return this.#sorted.get(low.slice(0, IDENT_BYTES))?.read(low, high, reverse, limit) ?? [];
  }

  entries(): IterableIterator<[string, Buffer | null]> {
    return this.#values.entries();
  }
}
