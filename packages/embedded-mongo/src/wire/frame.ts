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

function header(length: number, responseTo: number, opCode: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  nextRequestId = (nextRequestId + 1) & 0x7fffffff;
  bytes.writeInt32LE(length, 0);
  bytes.writeInt32LE(nextRequestId, 4);
  bytes.writeInt32LE(responseTo, 8);
  bytes.writeInt32LE(opCode, 12);
  return bytes;
}

const MSG_PREFIX = Buffer.alloc(5);

/** An OP_MSG with one document. */
export function encodeMessage(responseTo: number, document: Buffer): Buffer {
  const length = HEADER_BYTES + MSG_PREFIX.length + document.length;
  return Buffer.concat([header(length, responseTo, OP_MSG), MSG_PREFIX, document], length);
}

/** The OP_REPLY to a legacy OP_QUERY. */
export function encodeLegacyReply(responseTo: number, document: Buffer): Buffer {
  const prefix = Buffer.alloc(20);
  prefix.writeInt32LE(8, 0); // AwaitCapable, as every server since 3.0 sets it
  prefix.writeInt32LE(1, 16);
  const length = HEADER_BYTES + prefix.length + document.length;
  return Buffer.concat([header(length, responseTo, OP_REPLY), prefix, document], length);
}
