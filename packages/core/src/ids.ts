const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export type IdPrefix = 'org' | 'acc' | 'key' | 'sec' | 'prj' | 'ses' | 'evt';

/**
 * `key_` + 26 characters: a ULID (48 bits of milliseconds, 80 random bits, Crockford base32) in lower case, so that
 * ids sort by creation and a page of a list is a range of ids.
 */
export const createId = (prefix: IdPrefix, now: number): string => {
  let time = '';
  for (let rest = now, digit = 0; digit < 10; digit++, rest = Math.floor(rest / 32)) {
    time = ALPHABET.charAt(rest % 32) + time;
  }
  let random = '';
  for (const byte of globalThis.crypto.getRandomValues(new Uint8Array(16)))
    random += ALPHABET.charAt(byte & 31);
  return `${prefix}_${time}${random}`;
};
