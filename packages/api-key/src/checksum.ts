/** Digits of base62 in ascending order, which is also their ASCII order. */
export const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const DIGITS = new Int8Array(128).fill(-1);
for (let digit = 0; digit < BASE62.length; digit++) DIGITS[BASE62.charCodeAt(digit)] = digit;

/**
 * The value of the base62 digit with this character code; -1 if it is none. A table: comparisons with the three ranges
 * are mispredicted on random text, and made parsing a token take twice as long.
 */
export const base62Digit = (code: number): number => DIGITS[code] ?? -1;

/** 62^5 < 2^32 < 62^6: the least number of base62 digits that holds any CRC-32. */
export const CHECKSUM_LENGTH = 6;

/** The reflected form of IEEE 802.3's polynomial. */
const POLYNOMIAL = 0xedb88320;

// An Int32Array, since `^` works on 32-bit signed integers: no conversion for half of the entries.
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  return remainder;
});

/**
 * CRC-32 (IEEE 802.3, as in zlib and PNG) of `text`'s first `length` characters, as an unsigned integer. `text` is ASCII:
 * of any other character only the low 8 bits count.
 */
export const crc32 = (text: string, length = text.length): number => {
  let remainder = -1;
  for (let index = 0; index < length; index++) {
    // `& 255` is always inside of the table.
    remainder = (remainder >>> 8) ^ (TABLE[(remainder ^ text.charCodeAt(index)) & 255] as number);
  }
  return ~remainder >>> 0;
};

/** The 6 characters that follow `text` in a token: its CRC-32 in base62, most significant digit first, padded with `0`. */
export const checksum = (text: string): string => {
  let rest = crc32(text);
  let digits = '';
  for (let count = 0; count < CHECKSUM_LENGTH; count++) {
    digits = BASE62.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
};

/**
 * Whether the `CHECKSUM_LENGTH` characters of `text` from `length` on are the checksum of the `length` before them. The
 * same as comparing with `checksum(text.slice(0, length))`, but every request passes here, so it makes no string.
 */
export const hasChecksumAt = (text: string, length: number): boolean => {
  let value = 0;
  for (let index = length; index < length + CHECKSUM_LENGTH; index++) {
    const digit = base62Digit(text.charCodeAt(index));
    if (digit < 0) return false;
    value = value * 62 + digit;
  }
  return value === crc32(text, length);
};
