import { RawDocument } from '../commands/command.ts';
import { encode } from '../values/codec.ts';
import { type Doc, Double, Int32, isDoc, Long, Timestamp } from '../values/types.ts';

const INITIAL_BYTES = 512;

/** A timestamp is a `Long` too, by inheritance. */
function isLong(value: unknown): value is Long {
  return value instanceof Long && !(value instanceof Timestamp);
}

/**
 * Writes a reply as BSON into one buffer, after some room for a header. What is BSON already is copied as it is,
 * once; the few kinds of values that every reply has are written here, and anything else by `bson`.
 */
export class BsonWriter {
  #bytes: Buffer;
  #at: number;

  constructor(headerBytes: number, expectedBytes = 0) {
    this.#bytes = Buffer.allocUnsafe(headerBytes + INITIAL_BYTES + expectedBytes);
    this.#at = headerBytes;
  }

  /** The header's room, still to be filled, and what was written. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  document(doc: Doc): void {
    const start = this.#open();
    for (const name of Object.keys(doc)) this.#element(name, doc[name]);
    this.#close(start);
  }

  #element(name: string, value: unknown): void {
    if (typeof value === 'string') {
      this.#head(2, name);
      this.#reserve(value.length * 3 + 5);
      const length = this.#bytes.write(value, this.#at + 4, 'utf8');
      this.#bytes.writeInt32LE(length + 1, this.#at);
      this.#at += 4 + length;
      this.#bytes[this.#at++] = 0;
    } else if (typeof value === 'boolean') {
      this.#head(8, name);
      this.#bytes[this.#at++] = value ? 1 : 0;
    } else if (value === null) this.#head(10, name);
    else if (value instanceof Int32) {
      this.#head(16, name);
      this.#at = this.#bytes.writeInt32LE(value.value, this.#at);
    } else if (value instanceof Double) {
      this.#head(1, name);
      this.#at = this.#bytes.writeDoubleLE(value.value, this.#at);
    } else if (isLong(value)) {
      this.#head(18, name);
      this.#at = this.#bytes.writeInt32LE(value.low, this.#at);
      this.#at = this.#bytes.writeInt32LE(value.high, this.#at);
    } else if (value instanceof RawDocument) this.#raw(name, value.bytes);
    else if (isDoc(value)) {
      this.#head(3, name);
      this.document(value);
    } else this.#copy(encode({ [name]: value }), 4, 1);
  }

  #raw(name: string, bytes: Buffer | readonly Buffer[]): void {
    if (Buffer.isBuffer(bytes)) {
      this.#head(3, name);
      this.#copy(bytes, 0, 0);
      return;
    }
    this.#head(4, name);
    const start = this.#open();
    for (let i = 0; i < bytes.length; i++) {
      this.#head(3, String(i));
      this.#copy(bytes[i] as Buffer, 0, 0);
    }
    this.#close(start);
  }

  #open(): number {
    this.#reserve(4);
    const start = this.#at;
    this.#at += 4;
    return start;
  }

  #close(start: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = 0;
    this.#bytes.writeInt32LE(this.#at - start, start);
  }

  /** Type and name of an element, and room for a value of eight bytes. */
  #head(type: number, name: string): void {
    this.#reserve(name.length * 3 + 10);
    this.#bytes[this.#at++] = type;
    this.#at += this.#bytes.write(name, this.#at, 'utf8');
    this.#bytes[this.#at++] = 0;
  }

  /** Copies bytes but for the first and last few. */
  #copy(bytes: Buffer, skip: number, cut: number): void {
    this.#reserve(bytes.length);
    this.#at += bytes.copy(this.#bytes, this.#at, skip, bytes.length - cut);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
