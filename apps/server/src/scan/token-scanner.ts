import { findTokens, TOKEN_LENGTH } from '@kaana/api-key';

export type Found = { readonly token: string; readonly line: number };

const countLines = (text: string, end: number): number => {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) count++;
  return count;
};

/**
 * Finds tokens in bytes that come piece by piece, whatever they are: a token is ASCII, so that it stands the same in
 * every encoding that keeps ASCII, and in UTF-16 with a zero beside each character. No more is held than one piece and
 * the end of the one before.
 */
export class TokenScanner {
  #carry = '';
  /** Line breaks before the carry. */
  #line = 1;

  push(bytes: Buffer): Found[] {
    const text = this.#carry + bytes.toString('latin1').replaceAll('\0', '');
    const found = findTokens(text).map(({ token, index }) => ({
      token,
      line: this.#line + countLines(text, index),
    }));
    // One character less than a token, so that none is found twice.
    const kept = Math.max(0, text.length - (TOKEN_LENGTH - 1));
    this.#line += countLines(text, kept);
    this.#carry = text.slice(kept);
    return found;
  }
}
