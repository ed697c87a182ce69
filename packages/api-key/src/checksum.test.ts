import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BASE62, base62Digit, CHECKSUM_LENGTH, checksum, crc32, hasChecksumAt } from './checksum.ts';

const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 200 });

const decode = (digits: string): number =>
  [...digits].reduce((value, digit) => value * 62 + BASE62.indexOf(digit), 0);

const encode = (value: number): string => {
  let digits = '';
  for (let rest = value; digits.length < CHECKSUM_LENGTH; rest = Math.floor(rest / 62)) {
    digits = BASE62.charAt(rest % 62) + digits;
  }
  return digits;
};

describe('crc32', () => {
  it.each([
    ['', 0],
    ['a', 0xe8b7be43],
    ['abc', 0x352441c2],
    ['123456789', 0xcbf43926],
    ['The quick brown fox jumps over the lazy dog', 0x414fa339],
    ['\0'.repeat(32), 0x190a55ad],
  ])('of %j is the published value', (text, expected) => {
    expect(crc32(text)).toBe(expected);
  });

  it('agrees with zlib', () => {
    fc.assert(
      fc.property(ascii, (text) => {
        expect(crc32(text)).toBe(zlibCrc32(text));
      }),
    );
  });

  it('takes the first characters alone', () => {
    fc.assert(
      fc.property(ascii, fc.nat(200), (text, length) => {
        const end = Math.min(length, text.length);
        expect(crc32(text, end)).toBe(crc32(text.slice(0, end)));
      }),
    );
  });
});

describe('checksum', () => {
  it('is the CRC-32 in base62, most significant digit first, padded with 0', () => {
    expect(checksum('')).toBe('000000');
    // 0xcbf43926 = 3421780262
    expect(checksum('123456789')).toBe('3jZRME');
    fc.assert(
      fc.property(ascii, (text) => {
        expect(checksum(text)).toHaveLength(CHECKSUM_LENGTH);
        expect(decode(checksum(text))).toBe(crc32(text));
      }),
    );
  });

  it('has room for the largest CRC-32, and no digit to spare', () => {
    expect(62 ** CHECKSUM_LENGTH).toBeGreaterThan(2 ** 32);
    expect(62 ** (CHECKSUM_LENGTH - 1)).toBeLessThan(2 ** 32);
  });

  it('is recognized in its place, and nothing else is', () => {
    fc.assert(
      fc.property(
        ascii,
        fc.string({ unit: fc.constantFrom(...BASE62), minLength: 6, maxLength: 6 }),
        (text, other) => {
          expect(hasChecksumAt(text + checksum(text), text.length)).toBe(true);
          expect(hasChecksumAt(text + other, text.length)).toBe(other === checksum(text));
          expect(hasChecksumAt(text + checksum(text).slice(1), text.length)).toBe(false);
        },
      ),
    );
  });

  it('is compared in all of its 32 bits, and not modulo 2^32', () => {
    fc.assert(
      fc.property(ascii, (text) => {
        const value = crc32(text);
        for (let bit = 0; bit < 32; bit++) {
          expect(hasChecksumAt(text + encode((value ^ (1 << bit)) >>> 0), text.length)).toBe(false);
        }
        for (let times = 1; times <= 12; times++) {
          expect(hasChecksumAt(text + encode(value + times * 2 ** 32), text.length)).toBe(false);
        }
        expect(hasChecksumAt(text + encode(value), text.length)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});

describe('base62Digit', () => {
  it('is the value of the 62 digits, and -1 for every other character', () => {
    for (let code = 0; code < 65_536; code++) {
      // No `expect` for each: it would take a second.
      if (base62Digit(code) !== BASE62.indexOf(String.fromCharCode(code)))
        expect.fail(`U+${code.toString(16)}`);
    }
    expect(base62Digit(Number.NaN)).toBe(-1);
  });
});
