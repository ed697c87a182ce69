import { Binary, Code, Decimal128, Double, Int32, Long, MaxKey, ObjectId, Timestamp } from 'bson';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../values/codec.ts';
import { FieldFilter, prependElement } from './raw.ts';

const DOCUMENT = {
  _id: new ObjectId(),
  text: 'text with ö and \0',
  code: new Code('f()'),
  scoped: new Code('f()', { a: 1 }),
  nested: { a: 'b', c: [1, 2] },
  list: ['x', { y: 1 }],
  bytes: new Binary(Buffer.alloc(100, 7)),
  yes: true,
  nothing: null,
  date: new Date(5),
  pattern: /a.b/i,
  int: new Int32(5),
  long: Long.fromNumber(5),
  double: new Double(1.5),
  decimal: Decimal128.fromString('1.5'),
  time: new Timestamp({ t: 1, i: 2 }),
  last: new MaxKey(),
  größe: 'a name of more bytes than characters',
};
const BYTES = encode(DOCUMENT as never);
const NAMES = Object.keys(DOCUMENT);

function subset(keep: (name: string) => boolean): Buffer {
  const whole = decode(BYTES);
  return encode(Object.fromEntries(NAMES.filter(keep).map((name) => [name, whole[name]])));
}

describe('fields of encoded documents', () => {
  test.each(NAMES)('%s alone is kept, or left out, whatever its type', (name) => {
    expect(new FieldFilter([name], true).apply(BYTES)).toEqual(subset((other) => other === name));
    expect(new FieldFilter([name], false).apply(BYTES)).toEqual(subset((other) => other !== name));
  });

  test('several keep their order; names that are not there do nothing', () => {
    const names = ['last', '_id', 'list', 'nobody'];
    expect(new FieldFilter(names, true).apply(BYTES)).toEqual(subset((name) => names.includes(name)));
    expect(new FieldFilter([], true).apply(BYTES)).toEqual(encode({}));
    expect(new FieldFilter([], false).apply(BYTES)).toEqual(BYTES);
  });

  test('an element in front', () => {
    const element = encode({ first: 'x' }).subarray(4, -1);
    expect(Object.keys(decode(prependElement(BYTES, element)))).toEqual(['first', ...NAMES]);
  });
});
