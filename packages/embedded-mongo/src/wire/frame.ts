import { MAX_MESSAGE_BYTES } from '../commands/diagnostics.ts';

export const OP_REPLY = 1;
export const OP_QUERY = 2004;
export const OP_MSG = 2013;
export const HEADER_BYTES = 16;

export interface Frame {
  requestId: number;
  opCode: number;
  body: Buffer;
}

/** Bytes that are no MongoDB message; their connection is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** Cuts a byte stream into messages. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  #needed = HEADER_BYTES;

  /** Whole messages that are now complete, in order. Throws `ProtocolError` for an impossible length. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const frames: Frame[] = [];
    // Chunks are joined only when there is something to read in them: a large message costs one copy.
    while (this.#size >= this.#needed) {
      const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      this.#chunks = [bytes];
      const length = bytes.readInt32LE(0);
      if (length < HEADER_BYTES || length > MAX_MESSAGE_BYTES)
        throw new ProtocolError(`message length ${length} is out of range`);
      if (bytes.length < length) {
        this.#needed = length;
        break;
      }
      frames.push({
        requestId: bytes.readInt32LE(4),
        opCode: bytes.readInt32LE(12),
        body: bytes.subarray(HEADER_BYTES, length),
      });
      this.#chunks = bytes.length > length ? [bytes.subarray(length)] : [];
      this.#size = bytes.length - length;
      this.#needed = HEADER_BYTES;
    }
    return frames;
  }
}

let nextRequestId = 1;

function writeHeader(bytes: Buffer, responseTo: number, opCode: number): void {
  nextRequestId = (nextRequestId + 1) & 0x7fffffff;
  bytes.writeInt32LE(bytes.length, 0);
  bytes.writeInt32LE(nextRequestId, 4);
  bytes.writeInt32LE(responseTo, 8);
  bytes.writeInt32LE(opCode, 12);
}

/** Header, flags and section kind of an OP_MSG with one document. */
export const MESSAGE_PREFIX_BYTES = HEADER_BYTES + 5;

/** Makes an OP_MSG of a document that lies behind room for its prefix. */
export function sealMessage(bytes: Buffer, responseTo: number): Buffer {
  writeHeader(bytes, responseTo, OP_MSG);
  bytes.fill(0, HEADER_BYTES, MESSAGE_PREFIX_BYTES);
  return bytes;
}

/** An OP_MSG with one document. */
export function encodeMessage(responseTo: number, document: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(MESSAGE_PREFIX_BYTES + document.length);
  document.copy(bytes, MESSAGE_PREFIX_BYTES);
  return sealMessage(bytes, responseTo);
}

export const LEGACY_PREFIX_BYTES = HEADER_BYTES + 20;

/** Makes the OP_REPLY to a legacy OP_QUERY of a document that lies behind room for its prefix. */
export function sealLegacyReply(bytes: Buffer, responseTo: number): Buffer {
  writeHeader(bytes, responseTo, OP_REPLY);
  bytes.fill(0, HEADER_BYTES, LEGACY_PREFIX_BYTES);
  bytes.writeInt32LE(8, HEADER_BYTES); // AwaitCapable, as every server since 3.0 sets it
  bytes.writeInt32LE(1, HEADER_BYTES + 16);
  return bytes;
}
