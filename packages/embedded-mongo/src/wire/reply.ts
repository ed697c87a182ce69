import { RawDocument, type Reply } from '../commands/command.ts';
import type { ServerError } from '../errors.ts';
import { encode } from '../values/codec.ts';
import { type Doc, Double, Int32, isDoc } from '../values/types.ts';

const END = Buffer.alloc(1);

function sized(parts: Buffer[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 5);
  const length = Buffer.allocUnsafe(4);
  length.writeInt32LE(size);
  return Buffer.concat([length, ...parts, END], size);
}

function named(type: number, name: string, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type]), Buffer.from(`${name}\0`), value]);
}

function hasRaw(value: unknown): boolean {
  return value instanceof RawDocument || (isDoc(value) && Object.values(value).some(hasRaw));
}

/** Encodes a reply; results that are BSON already are copied as they are, not decoded and encoded again. */
export function encodeReply(reply: Doc): Buffer {
  if (!hasRaw(reply)) return encode(reply);
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(reply)) {
    if (value instanceof RawDocument) {
      const { bytes } = value;
      if (Buffer.isBuffer(bytes)) parts.push(named(3, name, bytes));
      else
        parts.push(
          named(
            4,
            name,
            sized((bytes as readonly Buffer[]).flatMap((item, i) => [Buffer.from(`\x03${i}\0`), item])),
          ),
        );
    } else if (hasRaw(value)) parts.push(named(3, name, encodeReply(value as Doc)));
    else parts.push(encode({ [name]: value }).subarray(4, -1));
  }
  return sized(parts);
}

const OK = new Double(1);
const NOT_OK = new Double(0);

export function successReply(reply: Reply): Buffer {
  return encodeReply({ ...reply, ok: OK });
}

export function errorReply(error: ServerError): Buffer {
  return encodeReply({
    ok: NOT_OK,
    errmsg: error.message,
    code: new Int32(error.code),
    codeName: error.codeName,
    ...error.extra,
  });
}
