import { compareValues, type StringOrder } from '../values/compare.ts';
import type { Doc } from '../values/types.ts';
import { type SortField, sortKeys } from './sort.ts';

interface Held<T> {
  item: T;
  keys: unknown[];
}

/** So many are sorted, and so many are merged, between two pauses. */
const RUN = 1024;

/** Sorts items by their documents' fields, in pieces between which the caller may pause; ties keep their order. */
export class Sorter<T> {
  readonly #fields: SortField[];
  readonly #strings: StringOrder | undefined;
  #runs: Held<T>[][] = [];
  #last: Held<T>[] = [];

  constructor(fields: SortField[], strings: StringOrder | undefined) {
    this.#fields = fields;
    this.#strings = strings;
  }

  add(item: T, doc: Doc): void {
    this.#last.push({ item, keys: sortKeys(doc, this.#fields, this.#strings) });
    if (this.#last.length >= RUN) this.#close();
  }

  #close(): void {
    this.#runs.push(this.#last.sort((a, b) => this.#compare(a, b)));
    this.#last = [];
  }

  #compare(a: Held<T>, b: Held<T>): number {
    for (let i = 0; i < this.#fields.length; i++) {
      const order = compareValues(a.keys[i], b.keys[i], this.#strings);
      if (order !== 0) return this.#fields[i]?.descending ? -order : order;
    }
    return 0;
  }

  /** The items in order; undefined where the caller may pause. Of no use but for the first `wanted`. */
  *sorted(wanted = Number.POSITIVE_INFINITY): Generator<T | undefined, void, undefined> {
    if (this.#last.length > 0) this.#close();
    let runs = this.#runs;
    this.#runs = [];
    while (runs.length > 1) {
      const merged: Held<T>[][] = [];
      for (let i = 0; i < runs.length; i += 2) {
        const [left, right] = [runs[i], runs[i + 1]];
        if (left) merged.push(right ? yield* this.#merge(left, right, wanted) : left);
      }
      runs = merged;
    }
    for (const { item } of runs[0] ?? []) yield item;
  }

  *#merge(left: Held<T>[], right: Held<T>[], wanted: number): Generator<undefined, Held<T>[], undefined> {
    const merged: Held<T>[] = [];
    let l = 0;
    let r = 0;
    while (merged.length < wanted && (l < left.length || r < right.length)) {
      const a = left[l];
      const b = right[r];
      // The left run came first, so it goes first where both are equal.
      if (a && (!b || this.#compare(a, b) <= 0)) {
        merged.push(a);
        l++;
      } else if (b) {
        merged.push(b);
        r++;
      }
      if (merged.length % RUN === 0) yield undefined;
    }
    return merged;
  }
}
