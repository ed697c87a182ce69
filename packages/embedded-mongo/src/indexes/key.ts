import { createHash } from 'node:crypto';
import type { Code, ObjectId, Timestamp } from 'bson';
import { canonicalType, stringOf } from '../values/compare.ts';
import type { Decimal } from '../values/decimal.ts';
import { floorDouble } from '../values/numbers.ts';
import { binaryBytes, type Doc, regexParts } from '../values/types.ts';

/**
 * Index keys are byte strings whose plain byte order is MongoDB's order of values: one byte for the kind of
 * value, then a body that ends itself. A descending component has all its bits inverted. Keys are held as
 * latin1 strings, one character a byte: JavaScript compares and hashes those natively, and byte order is `<`.
 */
export type Key = string;

/** Goes up when the same values get other keys: indexes with keys of another format are built again at the next start. */
export const KEY_FORMAT = 2;

/**
 * LMDB takes keys of at most 1978 bytes. A longer one keeps its first bytes, for order, and a hash of all of it,
 * for identity: equal keys are equal values (up to a SHA-256 collision), but order among keys that share the
 * kept prefix is arbitrary, so an index that holds such a key is not used to sort.
 */
export const MAX_KEY_BYTES = 1900;
const HASH_BYTES = 32;

let buffer = Buffer.allocUnsafe(4096);
let length = 0;

function reserve(bytes: number): void {
  if (length + bytes <= buffer.length) return;
  const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + bytes));
  buffer.copy(larger, 0, 0, length);
  buffer = larger;
}

function writeByte(byte: number): void {
  reserve(1);
  buffer[length++] = byte;
}

/** Zero bytes are escaped as 00 FF and the end is 00 00, so that a prefix sorts before what continues it. */
function writeText(text: string): void {
  if (text.includes('\0')) {
    for (const byte of Buffer.from(text, 'utf8')) {
      writeByte(byte);
      if (byte === 0) writeByte(0xff);
    }
  } else {
    reserve(text.length * 3);
    length += buffer.write(text, length, 'utf8');
  }
  writeByte(0);
  writeByte(0);
}

/** The greatest double that is not greater; then, of what lies above it, all digits. */
function writeNumber(value: unknown): void {
  const { floor, exact } = floorDouble(value);
  reserve(10);
  if (Number.isNaN(floor)) {
    buffer.fill(0, length, length + 10);
  } else {
    buffer.writeDoubleBE(floor === 0 ? 0 : floor, length);
    if ((buffer[length] as number) & 0x80) {
      for (let i = 0; i < 8; i++) buffer[length + i] = ~(buffer[length + i] as number) & 0xff;
    } else buffer[length] = (buffer[length] as number) | 0x80;
    buffer.writeUInt16BE(exact ? 1 : 0, length + 8);
  }
  length += 10;
  if (exact) writeDigits(exact);
}

/** The place of the first digit, then two digits a byte, then a zero; all inverted where less is more. */
function writeDigits({ digits, exponent }: Decimal): void {
  const text = (digits < 0n ? -digits : digits).toString();
  const from = length;
  reserve(text.length + 4);
  length = buffer.writeUInt16BE(exponent + text.length + 0x4000, length);
  const significant = text.replace(/0+$/, '');
  for (let i = 0; i < significant.length; i += 2)
    writeByte(Number(significant.slice(i, i + 2).padEnd(2, '0')) + 1);
  writeByte(0);
  if (digits < 0n) for (let i = from; i < length; i++) buffer[i] = ~(buffer[i] as number) & 0xff;
}

function writeBytes(bytes: Uint8Array): void {
  reserve(bytes.length);
  buffer.set(bytes, length);
  length += bytes.length;
}

function writeFields(doc: Doc): void {
  for (const name of Object.keys(doc)) {
    writeByte(canonicalType(doc[name]));
    writeText(name);
    writeValue(doc[name]);
  }
  writeByte(0);
}

function writeValue(value: unknown): void {
  const kind = canonicalType(value);
  writeByte(kind);
  switch (kind) {
    case 30:
      writeNumber(value);
      return;
    case 60:
      writeText(stringOf(value));
      return;
    case 70:
      writeFields(value as Doc);
      return;
    case 80:
      for (const item of value as unknown[]) writeValue(item);
      writeByte(0);
      return;
    case 90: {
      const bytes = binaryBytes(value);
      reserve(5);
      length = buffer.writeUInt32BE(bytes.length, length);
      writeByte((value as { sub_type?: number }).sub_type ?? 0);
      writeBytes(bytes);
      return;
    }
    case 100:
      writeBytes((value as ObjectId).id);
      return;
    case 110:
      writeByte(value ? 1 : 0);
      return;
    case 120: {
      const time = (value as Date).getTime();
      reserve(8);
      length = buffer.writeBigUInt64BE(
        BigInt.asUintN(64, BigInt(Number.isNaN(time) ? 0 : time) + (1n << 63n)),
        length,
      );
      return;
    }
    case 130:
      reserve(8);
      length = buffer.writeBigUInt64BE(BigInt.asUintN(64, (value as Timestamp).toBigInt()), length);
      return;
    case 140: {
      const { pattern, flags } = regexParts(value);
      writeText(pattern);
      writeText(flags);
      return;
    }
    case 160:
      writeText(String((value as Code).code));
      return;
    case 165:
      writeText(String((value as Code).code));
      writeFields(((value as Code).scope ?? {}) as Doc);
      return;
    default:
  }
}

function take(from: number, descending: boolean): string {
  if (descending) for (let i = from; i < length; i++) buffer[i] = ~(buffer[i] as number) & 0xff;
  return buffer.toString('latin1', from, length);
}

/** One component of a key, not yet cut to LMDB's limit. */
export function encodeComponent(value: unknown, descending = false): Key {
  length = 0;
  writeValue(value);
  return take(0, descending);
}

/** A key over several values; `directions[i]` is true where component i descends. */
export function encodeKey(values: readonly unknown[], directions: readonly boolean[]): Key {
  length = 0;
  for (let i = 0; i < values.length; i++) {
    const from = length;
    writeValue(values[i]);
    if (directions[i]) for (let j = from; j < length; j++) buffer[j] = ~(buffer[j] as number) & 0xff;
  }
  return buffer.toString('latin1', 0, length);
}

export function isLong(key: Key): boolean {
  return key.length > MAX_KEY_BYTES;
}

/** Cuts a key to what LMDB can hold; see `MAX_KEY_BYTES`. */
export function storedKey(key: Key): Key {
  if (!isLong(key)) return key;
  const hash = createHash('sha256').update(Buffer.from(key, 'latin1')).digest();
  return key.slice(0, MAX_KEY_BYTES - HASH_BYTES) + hash.toString('latin1');
}

/** A range's end point: cut, without a hash, since only order matters to it. */
export function boundKey(key: Key): Key {
  return isLong(key) ? key.slice(0, MAX_KEY_BYTES - HASH_BYTES) : key;
}

/** The smallest key that is greater than every key that starts with this one. */
export function afterPrefix(prefix: Key): Key {
  let end = prefix.length;
  while (end > 0 && prefix.charCodeAt(end - 1) === 0xff) end--;
  if (end === 0) return '\xff'.repeat(64);
  return prefix.slice(0, end - 1) + String.fromCharCode(prefix.charCodeAt(end - 1) + 1);
}

/** The bytes between which all values of this value's kind lie, as components. */
export function kindBounds(value: unknown, descending: boolean): { low: Key; high: Key } {
  const kind = canonicalType(value);
  return descending
    ? { low: String.fromCharCode(~kind & 0xff), high: String.fromCharCode((~kind & 0xff) + 1) }
    : { low: String.fromCharCode(kind), high: String.fromCharCode(kind + 1) };
}
