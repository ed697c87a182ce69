/** Keys per piece; a piece that grows past twice this is cut in two. */
const PIECE = 256;
/** New keys are put in their place when there are this many, or when somebody reads. */
const FRESH = 512;

/** Index of the first key in order that is not less than `key`. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * A growing ordered list of distinct keys, in pieces, so that neither adding one nor reading a stretch costs more
 * than a little however many there are.
 */
export class SortedKeys {
  #pieces: string[][] = [];
  #fresh: string[] = [];

  add(key: string): void {
    this.#fresh.push(key);
    if (this.#fresh.length >= FRESH) this.#settle();
  }

  /** Up to `limit` keys with low <= key < high, in order, or in reverse order. */
  read(low: string, high: string, reverse: boolean, limit: number): string[] {
    if (this.#fresh.length > 0) this.#settle();
    return reverse ? this.#readDown(low, high, limit) : this.#readUp(low, high, limit);
  }

  #readUp(low: string, high: string, limit: number): string[] {
    const found: string[] = [];
    for (let p = this.#pieceOf(low); p < this.#pieces.length; p++) {
      const piece = this.#pieces[p] as string[];
      for (let i = lowerBound(piece, low); i < piece.length; i++) {
        const key = piece[i] as string;
        if (key >= high || found.length >= limit) return found;
        found.push(key);
      }
    }
    return found;
  }

  #readDown(low: string, high: string, limit: number): string[] {
    const found: string[] = [];
    for (let p = Math.min(this.#pieceOf(high), this.#pieces.length - 1); p >= 0; p--) {
      const piece = this.#pieces[p] as string[];
      for (let i = lowerBound(piece, high) - 1; i >= 0; i--) {
        const key = piece[i] as string;
        if (key < low || found.length >= limit) return found;
        found.push(key);
      }
    }
    return found;
  }

  /** The last piece whose first key is not greater than `key`, or the first piece. */
  #pieceOf(key: string): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#pieces[middle] as string[])[0] as string) <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #settle(): void {
    // Without a function, strings are compared by their code units, which is the order of their bytes.
    const fresh = this.#fresh.sort();
    this.#fresh = [];
    if (this.#pieces.length === 0) {
      this.#pieces.push(fresh);
      this.#cut(0);
      return;
    }
    for (const key of fresh) {
      const at = this.#pieceOf(key);
      const piece = this.#pieces[at] as string[];
      if ((piece[piece.length - 1] as string) < key) piece.push(key);
      else piece.splice(lowerBound(piece, key), 0, key);
      if (piece.length > 2 * PIECE) this.#cut(at);
    }
  }

  #cut(at: number): void {
    const piece = this.#pieces[at] as string[];
    const cuts: string[][] = [];
    for (let i = 0; i < piece.length; i += PIECE) cuts.push(piece.slice(i, i + PIECE));
    this.#pieces.splice(at, 1, ...cuts);
  }
}
