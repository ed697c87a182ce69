const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export type IdPrefix = 'org' | 'acc' | 'key' | 'sec' | 'prj' | 'ses' | 'evt' | 'whk' | 'whs' | 'dlv' | 'msg';

const RANDOM_CHARACTERS = 16;
let lastTime = -1;
let lastRandom: number[] = [];

/** 80 random bits, or, in the same millisecond as before, the successor of the bits before. */
const nextRandom = (now: number): number[] => {
  if (now !== lastTime) {
    lastTime = now;
    const bytes = globalThis.crypto.getRandomValues(new Uint8Array(RANDOM_CHARACTERS));
    lastRandom = [...bytes].map((byte) => byte & 31);
    return lastRandom;
  }
  for (let index = RANDOM_CHARACTERS - 1; index >= 0; index--) {
    const digit = ((lastRandom[index] ?? 0) + 1) % 32;
    lastRandom[index] = digit;
    if (digit !== 0) break;
  }
  return lastRandom;
};

/**
 * `key_` + 26 characters: a monotonic ULID (48 bits of milliseconds, 80 random bits, Crockford base32) in lower case,
 * so that ids sort by creation, within a process even in the same millisecond, and a page of a list is a range of ids.
 */
export const createId = (prefix: IdPrefix, now: number): string => {
  let time = '';
  for (let rest = now, digit = 0; digit < 10; digit++, rest = Math.floor(rest / 32)) {
    time = ALPHABET.charAt(rest % 32) + time;
  }
  const random = nextRandom(now).map((digit) => ALPHABET.charAt(digit));
  return `${prefix}_${time}${random.join('')}`;
};
