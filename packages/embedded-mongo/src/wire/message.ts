import { decode, decodeWithRaw } from '../values/codec.ts';
import { type Doc, isDoc } from '../values/types.ts';
import { ProtocolError } from './frame.ts';

export interface Message {
  body: Doc;
  /** The sender expects no reply. */
  moreToCome: boolean;
}

const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 1 << 1;
/** Bits that a receiver must understand; the upper 16 are optional. */
const REQUIRED_BITS = 0xffff;

/** A document at an offset, its length checked against what is there. */
function documentAt(bytes: Buffer, at: number, end: number): Buffer {
  if (at + 5 > end) throw new ProtocolError('a document is cut off');
  const length = bytes.readInt32LE(at);
  if (length < 5 || at + length > end) throw new ProtocolError(`document length ${length} is out of range`);
  return bytes.subarray(at, at + length);
}

/**
 * Sequences that stay encoded: documents to insert are stored as they are, and statements are decoded when it is
 * their turn, so that a command of very many does not hold everybody up.
 */
const RAW_SEQUENCES = new Set(['documents', 'updates', 'deletes', 'ops']);

/** Reads an OP_MSG. */
export function readMessage(bytes: Buffer): Message {
  if (bytes.length < 4) throw new ProtocolError('OP_MSG without flags');
  const flags = bytes.readUInt32LE(0);
  if (flags & REQUIRED_BITS & ~(CHECKSUM_PRESENT | MORE_TO_COME))
    throw new ProtocolError(`unknown OP_MSG flags ${flags}`);
  const end = bytes.length - (flags & CHECKSUM_PRESENT ? 4 : 0);
  let at = 4;
  let body: Doc | undefined;
  const sequences: { name: string; documents: Buffer[] }[] = [];
  while (at < end) {
    const kind = bytes[at++];
    if (kind === 0) {
      if (body) throw new ProtocolError('OP_MSG with two bodies');
      const document = documentAt(bytes, at, end);
      body = decodeBody(document);
      at += document.length;
    } else if (kind === 1) {
      if (at + 4 > end) throw new ProtocolError('a document sequence is cut off');
      const size = bytes.readInt32LE(at);
      const sequenceEnd = at + size;
      if (size < 5 || sequenceEnd > end)
        throw new ProtocolError(`document sequence length ${size} is out of range`);
      const nameEnd = bytes.indexOf(0, at + 4);
      if (nameEnd < 0 || nameEnd >= sequenceEnd) throw new ProtocolError('a document sequence has no name');
      const documents: Buffer[] = [];
      const name = bytes.toString('utf8', at + 4, nameEnd);
      at = nameEnd + 1;
      while (at < sequenceEnd) {
        const document = documentAt(bytes, at, sequenceEnd);
        documents.push(document);
        at += document.length;
      }
      sequences.push({ name, documents });
    } else throw new ProtocolError(`unknown OP_MSG section kind ${kind}`);
  }
  if (!body) throw new ProtocolError('OP_MSG without a body');
  for (const { name, documents } of sequences) {
    if (Object.hasOwn(body, name))
      throw new ProtocolError(`'${name}' is in the body and in a document sequence`);
    body[name] = RAW_SEQUENCES.has(name) ? documents : documents.map(decode);
  }
  return { body, moreToCome: (flags & MORE_TO_COME) !== 0 };
}

const INSERT = Buffer.from('insert\0');

function decodeBody(document: Buffer): Doc {
  // The command's name is the first element's: length, type, then the name.
  return document.subarray(5, 5 + INSERT.length).equals(INSERT)
    ? decodeWithRaw(document, ['documents'])
    : decode(document);
}

/** Reads a legacy OP_QUERY, which drivers use for their first hello only. */
export function readLegacyQuery(bytes: Buffer): Doc {
  const nameEnd = bytes.indexOf(0, 4);
  if (nameEnd < 0) throw new ProtocolError('OP_QUERY without a collection name');
  const namespace = bytes.toString('utf8', 4, nameEnd);
  if (!namespace.endsWith('.$cmd')) throw new ProtocolError('OP_QUERY is only understood for commands');
  const query = decode(documentAt(bytes, nameEnd + 9, bytes.length));
  const body = isDoc(query.$query) ? query.$query : query;
  return { ...body, $db: namespace.slice(0, -'.$cmd'.length) };
}
