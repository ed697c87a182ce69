/**
 * How keys and values pass between this package and LMDB. Keys are latin1 strings (one character a byte), which
 * are written straight into LMDB's buffers; values are copied once, out of the buffer that the next read uses.
 */

function writeKey(key: string, target: Buffer, start: number): number {
  // lmdb makes room, and asks again, when it sees this kind of error; `write` alone would cut the key.
  if (start + key.length > target.length) throw new RangeError('the key does not fit');
  return start + target.write(key, start, 'latin1');
}

function readKey(source: Buffer, start: number, end: number): string {
  return source.toString('latin1', start, end);
}

export const KEY_CODEC = { writeKey, readKey };

export const VALUE_CODEC = {
  encode: (value: Buffer): Buffer => value,
  /** lmdb says how long the value is by `length`; the buffer itself is longer and is used again. */
  decode(bytes: Uint8Array): Buffer {
    const size = bytes.length;
    const copy = Buffer.allocUnsafe(size);
    copy.set(bytes.subarray(0, size));
    return copy;
  },
};
