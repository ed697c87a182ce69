/** Work on BSON bytes without decoding them. */

function int32(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** Where the zero byte is that ends a name. Names are short, so a loop here beats a call of `indexOf`. */
function nameEnd(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] !== 0) at++;
  return at;
}

function valueSize(bytes: Buffer, type: number, at: number): number {
  switch (type) {
    case 0x01:
    case 0x09:
    case 0x11:
    case 0x12:
      return 8;
    case 0x02:
    case 0x0d:
    case 0x0e:
      return 4 + int32(bytes, at);
    case 0x03:
    case 0x04:
    case 0x0f:
      return int32(bytes, at);
    case 0x05:
      return 5 + int32(bytes, at);
    case 0x07:
      return 12;
    case 0x08:
      return 1;
    case 0x0b:
      return nameEnd(bytes, nameEnd(bytes, at) + 1) + 1 - at;
    case 0x0c:
      return 4 + int32(bytes, at) + 12;
    case 0x10:
      return 4;
    case 0x13:
      return 16;
    default:
      return 0;
  }
}

/** Top-level fields to keep in, or to leave out of, documents that stay encoded. */
export class FieldFilter {
  readonly #keep: boolean;
  /** The names as bytes, by their length. */
  readonly #names: Buffer[][] = [];

  constructor(names: Iterable<string>, keep: boolean) {
    this.#keep = keep;
    for (const name of names) {
      const bytes = Buffer.from(name, 'utf8');
      const same = this.#names[bytes.length] ?? [];
      this.#names[bytes.length] = [...same, bytes];
    }
  }

  #has(bytes: Buffer, start: number, end: number): boolean {
    const candidates = this.#names[end - start];
    if (!candidates) return false;
    next: for (const name of candidates) {
      for (let i = 0; i < name.length; i++) if (name[i] !== bytes[start + i]) continue next;
      return true;
    }
    return false;
  }

  /** The document with the fields that are wanted; its bytes are trusted, as they have been decoded once. */
  apply(bytes: Buffer): Buffer {
    const result = Buffer.allocUnsafe(bytes.length);
    const last = bytes.length - 1;
    let to = 4;
    let at = 4;
    // Neighbours that are kept are copied together.
    let from = -1;
    while (at < last) {
      const start = at;
      const end = nameEnd(bytes, at + 1);
      at = end + 1 + valueSize(bytes, bytes[start] as number, end + 1);
      if (this.#has(bytes, start + 1, end) === this.#keep) {
        if (from < 0) from = start;
      } else if (from >= 0) {
        to += bytes.copy(result, to, from, start);
        from = -1;
      }
    }
    if (from >= 0) to += bytes.copy(result, to, from, last);
    result[to] = 0;
    result.writeInt32LE(to + 1, 0);
    return result.subarray(0, to + 1);
  }
}

/** Puts an element (type, name and value bytes) in front of a document's own. */
export function prependElement(bytes: Buffer, element: Buffer): Buffer {
  const whole = Buffer.allocUnsafe(bytes.length + element.length);
  whole.writeInt32LE(whole.length, 0);
  element.copy(whole, 4);
  bytes.copy(whole, 4 + element.length, 4);
  return whole;
}
