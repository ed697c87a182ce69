import { Binary, Decimal128, Double, Int32, Long, ObjectId, Timestamp } from 'bson';
import { describe, expect, test } from 'vitest';
import { RawDocument } from '../commands/command.ts';
import { decode, encode } from '../values/codec.ts';
import type { Doc } from '../values/types.ts';
import { BsonWriter } from './bson-writer.ts';

function written(doc: Doc, header = 0): Buffer {
  const writer = new BsonWriter(header);
  writer.document(doc);
  return writer.finish().subarray(header);
}

describe('a reply', () => {
  test('is the BSON that bson writes, for every kind of value', () => {
    const doc = {
      text: 'ö'.repeat(2000),
      empty: '',
      yes: true,
      no: false,
      nothing: null,
      missing: undefined,
      int: new Int32(-5),
      long: Long.fromString('-9007199254740993'),
      time: new Timestamp({ t: 1, i: 2 }),
      double: new Double(-0),
      decimal: Decimal128.fromString('1.50'),
      date: new Date(7),
      id: new ObjectId(),
      bytes: new Binary(Buffer.alloc(3000, 1)),
      list: [1, 'a', { b: [] }],
      pattern: /x/i,
      inner: { deeper: { deepest: 'x' }, number: 1.5 },
      ok: new Double(1),
    };
    expect(written(doc)).toEqual(encode(doc));
    expect(written({}, 21)).toEqual(encode({}));
  });

  test('holds what is encoded already as it is', () => {
    const documents = Array.from({ length: 300 }, (_, i) => encode({ i: new Int32(i), text: 'x'.repeat(i) }));
    const reply = {
      cursor: { firstBatch: new RawDocument(documents), id: Long.ZERO },
      value: new RawDocument(encode({ a: 'b' })),
    };
    expect(written(reply)).toEqual(
      encode({
        cursor: { firstBatch: documents.map((bytes) => decode(bytes)), id: Long.ZERO },
        value: { a: 'b' },
      }),
    );
  });
});
