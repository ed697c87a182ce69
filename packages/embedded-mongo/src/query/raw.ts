/** Work on BSON bytes without decoding them. */

interface Element {
  name: string;
  /** Of the element, with its type byte and name. */
  start: number;
  valueStart: number;
  end: number;
  type: number;
}

/** The elements of a document; the bytes are trusted, as they have been decoded once. */
export function* elements(bytes: Buffer): Generator<Element> {
  let at = 4;
  const last = bytes.length - 1;
  while (at < last) {
    const start = at;
    const type = bytes[at] as number;
    const nameEnd = bytes.indexOf(0, at + 1);
    const valueStart = nameEnd + 1;
    at = valueStart + valueSize(bytes, type, valueStart);
    yield { name: bytes.toString('utf8', start + 1, nameEnd), start, valueStart, end: at, type };
  }
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
      return 4 + bytes.readInt32LE(at);
    case 0x03:
    case 0x04:
    case 0x0f:
      return bytes.readInt32LE(at);
    case 0x05:
      return 5 + bytes.readInt32LE(at);
    case 0x07:
      return 12;
    case 0x08:
      return 1;
    case 0x0b: {
      const pattern = bytes.indexOf(0, at) + 1;
      return bytes.indexOf(0, pattern) + 1 - at;
    }
    case 0x0c:
      return 4 + bytes.readInt32LE(at) + 12;
    case 0x10:
      return 4;
    case 0x13:
      return 16;
    default:
      return 0;
  }
}

/** The document with only the named top-level fields. */
export function keepFields(bytes: Buffer, fields: ReadonlySet<string>): Buffer {
  const parts: Buffer[] = [];
  let size = 5;
  for (const element of elements(bytes)) {
    if (!fields.has(element.name)) continue;
    parts.push(bytes.subarray(element.start, element.end));
    size += element.end - element.start;
  }
  const kept = Buffer.allocUnsafe(size);
  let at = kept.writeInt32LE(size, 0);
  for (const part of parts) at += part.copy(kept, at);
  kept[at] = 0;
  return kept;
}

/** Puts an element (type, name and value bytes) in front of a document's own. */
export function prependElement(bytes: Buffer, element: Buffer): Buffer {
  const whole = Buffer.allocUnsafe(bytes.length + element.length);
  whole.writeInt32LE(whole.length, 0);
  element.copy(whole, 4);
  bytes.copy(whole, 4 + element.length, 4);
  return whole;
}
