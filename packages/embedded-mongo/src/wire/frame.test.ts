import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../values/codec.ts';
import { encodeMessage, FrameReader, ProtocolError } from './frame.ts';
import { readLegacyQuery, readMessage } from './message.ts';

const message = encodeMessage(7, encode({ ping: 1, $db: 'admin' }));

describe('framing', () => {
  test('finds the messages however the stream is cut', () => {
    fc.assert(
      fc.property(fc.nat({ max: 5 }), fc.array(fc.integer({ min: 1, max: 40 })), (count, cuts) => {
        const stream = Buffer.concat(Array.from({ length: count }, () => message));
        const reader = new FrameReader();
        const bodies: unknown[] = [];
        let at = 0;
        for (const size of [...cuts, stream.length]) {
          for (const frame of reader.push(stream.subarray(at, at + size)))
            bodies.push(readMessage(frame.body).body.$db);
          at += size;
        }
        expect(bodies).toEqual(Array(count).fill('admin'));
      }),
    );
  });

  test('refuses impossible lengths', () => {
    for (const length of [-1, 0, 15, 48_000_001, 0x7fffffff]) {
      const header = Buffer.alloc(16);
      header.writeInt32LE(length);
      expect(() => new FrameReader().push(header)).toThrow(ProtocolError);
    }
  });

  test('answers any bytes with a message or an error', () => {
    const attempt = (read: () => unknown) => {
      try {
        read();
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const bytes = Buffer.from(noise);
        attempt(() => new FrameReader().push(bytes));
        attempt(() => readMessage(bytes));
        attempt(() => readLegacyQuery(bytes));
        attempt(() => decode(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.nat({ max: message.length - 17 }), fc.nat({ max: 255 }), (at, byte) => {
        const damaged = Buffer.from(message.subarray(16));
        damaged[at] = byte;
        attempt(() => readMessage(damaged));
      }),
    );
  });
});
