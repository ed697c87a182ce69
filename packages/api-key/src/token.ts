import { BASE62, base62Digit, CHECKSUM_LENGTH, checksum, hasChecksumAt } from './checksum.ts';

/** Says whose token it is, to people and to secret scanners. */
export const PREFIX = 'kaana_';

/** 62^32 is 190.5 bits. */
const SECRET_LENGTH = 32;

const CHECKSUM_START = PREFIX.length + SECRET_LENGTH;

/** Characters in a token; all are ASCII, so bytes too. */
export const TOKEN_LENGTH = CHECKSUM_START + CHECKSUM_LENGTH;

/** The form alone, for schemas and `<input pattern>`: it knows nothing of the checksum. `parseToken` is exact. */
export const TOKEN_PATTERN = /^kaana_[0-9A-Za-z]{38}$/;

const START_LENGTH = PREFIX.length + 6;

/** A byte below this falls on each of the 62 characters equally often (4 times); `%` of a larger one would favour some. */
const UNBIASED = 256 - (256 % 62);

const randomBase62 = (length: number): string => {
  // 3 % of the bytes are refused, so that one draw is nearly always enough.
  const bytes = new Uint8Array(length + 8);
  let characters = '';
  while (characters.length < length) {
    globalThis.crypto.getRandomValues(bytes);
    for (const byte of bytes) {
      if (byte < UNBIASED && characters.length < length) characters += BASE62.charAt(byte % 62);
    }
  }
  return characters;
};

/** A new token, from the platform's CSPRNG. Show it once, and store only its digest and its start. */
export const mintToken = (): string => {
  const body = PREFIX + randomBase62(SECRET_LENGTH);
  return body + checksum(body);
};

/**
 * The first 12 characters, which are stored and shown so that people can tell their keys apart. 6 of them are random and
 * so given away: 35.7 bits. The other 26 stay secret: 154.8 bits (26 * log2 62), beyond any guessing. The checksum adds
 * none, and is not part of the start, which would give away 32 bits more.
 */
export const tokenStart = (token: string): string => token.slice(0, START_LENGTH);

/** Whether a token's form, with or without the right checksum, is at `index`. */
const hasFormAt = (text: string, index: number): boolean => {
  if (index + TOKEN_LENGTH > text.length || !text.startsWith(PREFIX, index)) return false;
  for (let at = index + PREFIX.length; at < index + TOKEN_LENGTH; at++) {
    if (base62Digit(text.charCodeAt(at)) < 0) return false;
  }
  return true;
};

export type ParsedToken =
  | { readonly ok: true; readonly token: string; readonly start: string }
  /** `format`: not a token at all. `checksum`: the form is right, so it was mistyped, cut together or made up. */
  | { readonly ok: false; readonly reason: 'format' | 'checksum' };

/**
 * Whether `text` is exactly a token: nothing is trimmed and no case is folded. It says nothing about whether the key
 * exists. Never throws.
 */
export const parseToken = (text: string): ParsedToken => {
  if (text.length !== TOKEN_LENGTH || !hasFormAt(text, 0)) return { ok: false, reason: 'format' };
  if (!hasChecksumAt(text, CHECKSUM_START)) return { ok: false, reason: 'checksum' };
  return { ok: true, token: text, start: tokenStart(text) };
};

/** Where a token's form begins in `text`; the places may overlap (`kaana_` minus `_` is base62 too). */
function* formsIn(text: string): Generator<number> {
  for (let index = text.indexOf(PREFIX); index !== -1; index = text.indexOf(PREFIX, index + PREFIX.length)) {
    if (hasFormAt(text, index)) yield index;
  }
}

export type FoundToken = { readonly token: string; readonly index: number };

/**
 * The tokens in `text`, in order, for scanners of code, logs and pastes. Only the checksum decides, not the characters
 * around: in `"\nkaana_..."` or `%3Dkaana_...` a letter or digit comes right before a real token. Random text of the
 * right form passes once in 4 billion.
 */
export const findTokens = (text: string): FoundToken[] => {
  const found: FoundToken[] = [];
  for (const index of formsIn(text)) {
    const token = text.slice(index, index + TOKEN_LENGTH);
    if (hasChecksumAt(token, CHECKSUM_START)) found.push({ token, index });
  }
  return found;
};

/**
 * `text` with all but the start of whatever has a token's form replaced, for logs and error reports. The checksum does
 * not matter here: a token with one wrong character is still most of a secret.
 */
export const redactTokens = (text: string): string => {
  let redacted = '';
  let copied = 0;
  for (const index of formsIn(text)) {
    // Of two that overlap, a plain `replace` would take the first, and leave nearly all of the second readable.
    if (index >= copied) {
      redacted += `${text.slice(copied, index)}${text.slice(index, index + START_LENGTH)}…[redacted]`;
    }
    copied = index + TOKEN_LENGTH;
  }
  return copied === 0 ? text : redacted + text.slice(copied);
};
