import { RawDocument, type Reply } from '../commands/command.ts';
import type { ServerError } from '../errors.ts';
import { type Doc, Double, Int32, isDoc } from '../values/types.ts';
import { BsonWriter } from './bson-writer.ts';
import { LEGACY_PREFIX_BYTES, MESSAGE_PREFIX_BYTES, sealLegacyReply, sealMessage } from './frame.ts';

/** What a request asked by, which its answer has to name and follow. */
export interface Asked {
  requestId: number;
  legacy: boolean;
}

/** Bytes of array elements besides the documents: type, an index of up to seven digits, zero. */
const ELEMENT_BYTES = 9;

/** Bytes that a reply will copy; so a large one is allocated once. */
function rawBytes(value: unknown): number {
  if (value instanceof RawDocument) {
    if (Buffer.isBuffer(value.bytes)) return value.bytes.length;
    let sum = 0;
    for (const item of value.bytes) sum += item.length + ELEMENT_BYTES;
    return sum;
  }
  let sum = 0;
  if (isDoc(value)) for (const name of Object.keys(value)) sum += rawBytes(value[name]);
  return sum;
}

/** A whole message: header and document in one buffer. */
function message(asked: Asked, reply: Doc): Buffer {
  const writer = new BsonWriter(asked.legacy ? LEGACY_PREFIX_BYTES : MESSAGE_PREFIX_BYTES, rawBytes(reply));
  writer.document(reply);
  const bytes = writer.finish();
  return asked.legacy ? sealLegacyReply(bytes, asked.requestId) : sealMessage(bytes, asked.requestId);
}

const OK = new Double(1);
const NOT_OK = new Double(0);

export function successMessage(asked: Asked, reply: Reply): Buffer {
  // The reply is its command's own, made for this request.
  reply.ok = OK;
  return message(asked, reply);
}

export function errorMessage(asked: Asked, error: ServerError): Buffer {
  return message(asked, {
    ok: NOT_OK,
    errmsg: error.message,
    code: new Int32(error.code),
    codeName: error.codeName,
    ...error.extra,
  });
}
