interface Bucket {
  values: Map<string, Buffer | null>;
  /** Keys in order; made on the first range read and kept up from then on. */
  sorted: string[] | undefined;
}

/** Length of the prefix that names a collection's data or an index; ranges never cross it. */
export const IDENT_BYTES = 4;

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Writes that are not on disk yet; null is a removal. */
export class Overlay {
  readonly #buckets = new Map<string, Bucket>();
  readonly done: Promise<void>;
  /** Somebody waits for it. */
  wanted = false;
  size = 0;
  bytes = 0;
  #finish: () => void = () => {};

  constructor() {
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  finish(): void {
    this.#finish();
  }

  /** undefined: this overlay says nothing about the key; null: removed. */
  get(key: string): Buffer | null | undefined {
    if (this.size === 0) return undefined;
    return this.#buckets.get(key.slice(0, IDENT_BYTES))?.values.get(key);
  }

  set(key: string, value: Buffer | null): void {
    const ident = key.slice(0, IDENT_BYTES);
    let bucket = this.#buckets.get(ident);
    if (!bucket) {
      bucket = { values: new Map(), sorted: undefined };
      this.#buckets.set(ident, bucket);
    }
    const before = bucket.values.size;
    bucket.values.set(key, value);
    this.bytes += (value?.length ?? 0) + key.length;
    if (bucket.values.size === before) return;
    this.size++;
    const sorted = bucket.sorted;
    if (!sorted) return;
    if (sorted.length === 0 || (sorted[sorted.length - 1] as string) < key) sorted.push(key);
    else sorted.splice(lowerBound(sorted, key), 0, key);
  }

  /** Adds what this overlay says about low <= key < high. */
  collect(low: string, high: string, into: Map<string, Buffer | null>): void {
    const bucket = this.#buckets.get(low.slice(0, IDENT_BYTES));
    if (!bucket) return;
    bucket.sorted ??= [...bucket.values.keys()].sort((a, b) => (a < b ? -1 : 1));
    const sorted = bucket.sorted;
    for (let i = lowerBound(sorted, low); i < sorted.length; i++) {
      const key = sorted[i] as string;
      if (key >= high) break;
      into.set(key, bucket.values.get(key) ?? null);
    }
  }

  *entries(): Generator<[string, Buffer | null]> {
    for (const bucket of this.#buckets.values()) yield* bucket.values;
  }
}
