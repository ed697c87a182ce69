import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BASE62, checksum } from './checksum.ts';
import * as entry from './index.ts';
import {
  findTokens,
  mintToken,
  PREFIX,
  parseToken,
  redactTokens,
  TOKEN_LENGTH,
  TOKEN_PATTERN,
  tokenStart,
} from './token.ts';

/** Any token, from fast-check's own random numbers, so that a failure can be replayed and shrunk. */
const tokens = fc
  .string({ unit: fc.constantFrom(...BASE62), minLength: 32, maxLength: 32 })
  .map((secret) => PREFIX + secret + checksum(PREFIX + secret));

const positions = fc.nat(TOKEN_LENGTH - 1);

/** Published with the format: another implementation that agrees on it agrees on all. */
const KNOWN = 'kaana_0123456789ABCDEFGHIJKLMNOPQRSTUV4BZKPH';

const replaceAt = (text: string, index: number, character: string): string =>
  text.slice(0, index) + character + text.slice(index + 1);

const transposeAt = (text: string, index: number): string =>
  text.slice(0, index) + text.charAt(index + 1) + text.charAt(index) + text.slice(index + 2);

describe('mintToken', () => {
  const minted = Array.from({ length: 10_000 }, mintToken);

  it('makes tokens that parse', () => {
    for (const token of minted) {
      expect(token).toHaveLength(44);
      expect(token).toMatch(TOKEN_PATTERN);
      expect(parseToken(token)).toEqual({ ok: true, token, start: token.slice(0, 12) });
    }
  });

  it('never makes the same token, or the same half of one, twice', () => {
    expect(new Set(minted).size).toBe(minted.length);
    // Each half of the secret, 95 bits, is unique too: neither is constant or a short counter.
    expect(new Set(minted.map((token) => token.slice(6, 22))).size).toBe(minted.length);
    expect(new Set(minted.map((token) => token.slice(22, 38))).size).toBe(minted.length);
  });

  it('takes every character equally often', () => {
    const counts = new Map([...BASE62].map((character) => [character, 0]));
    for (const token of minted) {
      for (const character of token.slice(6, 38)) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    const expected = (minted.length * 32) / 62;
    const chiSquare = [...counts.values()].reduce(
      (sum, count) => sum + (count - expected) ** 2 / expected,
      0,
    );
    // 61 degrees of freedom: above 160 by chance less than once in 10^9. `byte % 62` without rejection gives about 2,100.
    expect(chiSquare).toBeLessThan(160);
    expect(counts.size).toBe(62);
  });

  it('takes every character equally often in each place', () => {
    for (let place = 6; place < 38; place++) {
      const counts = new Map([...BASE62].map((character) => [character, 0]));
      for (const token of minted) counts.set(token.charAt(place), (counts.get(token.charAt(place)) ?? 0) + 1);
      const expected = minted.length / 62;
      const chiSquare = [...counts.values()].reduce(
        (sum, count) => sum + (count - expected) ** 2 / expected,
        0,
      );
      expect(chiSquare).toBeLessThan(200);
    }
  });

  it('refuses bytes that would favour some characters', () => {
    // Bytes 248 to 255 are skipped: all others fall on 62 characters, four times each.
    const { getRandomValues } = globalThis.crypto;
    let calls = 0;
    globalThis.crypto.getRandomValues = (array) => {
      if (array instanceof Uint8Array) array.fill(calls++ === 0 ? 255 : 247);
      return array;
    };
    try {
      expect(mintToken().slice(6, 38)).toBe('z'.repeat(32));
    } finally {
      globalThis.crypto.getRandomValues = getRandomValues;
    }
    expect(calls).toBe(2);
  });
});

describe('parseToken', () => {
  it('accepts the known token, and gives its start', () => {
    expect(parseToken(KNOWN)).toEqual({ ok: true, token: KNOWN, start: 'kaana_012345' });
    expect(tokenStart(KNOWN)).toBe('kaana_012345');
  });

  it('accepts every token', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        expect(parseToken(token).ok).toBe(true);
      }),
    );
  });

  it('refuses every substitution of one ASCII character of the known token', () => {
    for (let index = 0; index < TOKEN_LENGTH; index++) {
      for (let code = 0; code < 128; code++) {
        const character = String.fromCharCode(code);
        if (character === KNOWN.charAt(index)) continue;
        expect(parseToken(replaceAt(KNOWN, index, character))).toEqual({
          ok: false,
          reason: index >= PREFIX.length && BASE62.includes(character) ? 'checksum' : 'format',
        });
      }
    }
  });

  it('refuses every substitution of one character', () => {
    fc.assert(
      fc.property(
        tokens,
        positions,
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        (token, index, other) => {
          fc.pre(token.charAt(index) !== other);
          expect(parseToken(replaceAt(token, index, other)).ok).toBe(false);
        },
      ),
    );
    fc.assert(
      fc.property(tokens, positions, fc.constantFrom(...BASE62), (token, index, other) => {
        fc.pre(token.charAt(index) !== other);
        expect(parseToken(replaceAt(token, index, other)).ok).toBe(false);
      }),
      { numRuns: 5_000 },
    );
  });

  it('refuses every transposition of two different neighbours', () => {
    const check = (token: string, index: number) => {
      if (token.charAt(index) === token.charAt(index + 1)) return;
      expect(parseToken(transposeAt(token, index)).ok).toBe(false);
    };
    fc.assert(
      fc.property(tokens, (token) => {
        for (let index = 0; index < TOKEN_LENGTH - 1; index++) check(token, index);
      }),
      { numRuns: 2_000 },
    );
    // A CRC alone promises nothing where its own first digit changes places with the last character before it. It holds
    // there too: the first digit is 0 to 4, and for no two of these do both changes cancel out.
    const boundary = PREFIX.length + 31;
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...BASE62), minLength: 31, maxLength: 31 }),
        fc.constantFrom(...'01234'),
        (secret, last) => {
          const body = PREFIX + secret + last;
          check(body + checksum(body), boundary);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('refuses every truncation, at either end', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        for (let length = 0; length < TOKEN_LENGTH; length++) {
          expect(parseToken(token.slice(0, length))).toEqual({ ok: false, reason: 'format' });
          expect(parseToken(token.slice(TOKEN_LENGTH - length))).toEqual({ ok: false, reason: 'format' });
        }
      }),
    );
  });

  it('refuses every extension, at either end', () => {
    for (let code = 0; code < 65_536; code++) {
      const character = String.fromCharCode(code);
      if (parseToken(KNOWN + character).ok || parseToken(character + KNOWN).ok)
        expect.fail(`U+${code.toString(16)}`);
    }
    fc.assert(
      fc.property(tokens, fc.string({ minLength: 1 }), (token, more) => {
        expect(parseToken(token + more)).toEqual({ ok: false, reason: 'format' });
        expect(parseToken(more + token)).toEqual({ ok: false, reason: 'format' });
      }),
    );
  });

  it('refuses every deletion and every insertion of one character', () => {
    fc.assert(
      fc.property(tokens, positions, fc.constantFrom(...BASE62), (token, index, character) => {
        expect(parseToken(token.slice(0, index) + token.slice(index + 1)).ok).toBe(false);
        expect(parseToken(token.slice(0, index) + character + token.slice(index)).ok).toBe(false);
      }),
    );
  });

  it.each([
    ` ${KNOWN}`,
    `${KNOWN} `,
    `${KNOWN}\n`,
    KNOWN.replace('5', ' '),
    ` ${KNOWN.slice(1)}`,
    `${KNOWN.slice(0, -1)} `,
    KNOWN.toUpperCase(),
    `Bearer ${KNOWN}`,
  ])('trims nothing and folds no case: %j', (text) => {
    expect(parseToken(text)).toEqual({ ok: false, reason: 'format' });
  });

  it('never throws, and accepts nothing that another way of reading the format does not', () => {
    const shaped = fc
      .string({ unit: fc.constantFrom(...BASE62), minLength: 38, maxLength: 38 })
      .map((rest) => PREFIX + rest);
    const sized = fc.string({ unit: 'binary-ascii', minLength: TOKEN_LENGTH, maxLength: TOKEN_LENGTH });
    const any = fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 60 }), sized, shaped, tokens);
    fc.assert(
      fc.property(any, (text) => {
        const parsed = parseToken(text);
        const formed = TOKEN_PATTERN.test(text);
        const valid = formed && checksum(text.slice(0, 38)) === text.slice(38);
        expect(parsed).toEqual(
          valid
            ? { ok: true, token: text, start: tokenStart(text) }
            : { ok: false, reason: formed ? 'checksum' : 'format' },
        );
      }),
      { numRuns: 5_000 },
    );
  });
});

const NEAR_MISSES = [
  ['a wrong checksum', replaceAt(KNOWN, 43, 'v')],
  ['a wrong character', replaceAt(KNOWN, 20, 'x')],
  ['one character less', KNOWN.slice(0, -1)],
  ['another case', KNOWN.toLowerCase()],
  ['another prefix', KNOWN.replace('kaana_', 'kaama_')],
  ['no separator', KNOWN.replace('_', '')],
  ['a line break inside', `${KNOWN.slice(0, 20)}\n${KNOWN.slice(20)}`],
  ['a placeholder', `kaana_${'x'.repeat(38)}`],
  ['nothing', ''],
  ['the prefix alone', 'kaana_'],
] as const;

const EMBEDDINGS: readonly (readonly [string, (token: string) => string])[] = [
  ['alone', (token) => token],
  ['TypeScript', (token) => `const client = createClient({ key: '${token}' });\n`],
  ['JSON', (token) => JSON.stringify({ headers: { authorization: `Bearer ${token}` } })],
  ['JSON with an escaped line break before', (token) => JSON.stringify(`KAANA_API_KEY=\n${token}\n`)],
  ['a URL', (token) => `https://api.example.com/projects?key=${token}&limit=5`],
  ['an encoded URL', (token) => encodeURIComponent(`https://example.com/?next=/a?key=${token}#top`)],
  ['an environment file', (token) => `PORT=3000\r\nKAANA_API_KEY=${token}\r\n`],
  ['a shell command', (token) => `curl -H "Authorization: Bearer ${token}" https://example.com`],
  ['Markdown', (token) => `Use \`${token}\`, or **${token}**.`.replace(`**${token}**`, 'another')],
  ['letters on both sides', (token) => `abc${token}xyz`],
  ['prefixes before', (token) => `kaana_kaana_${token}`],
  ['a form that overlaps', (token) => `kaana_${'x'.repeat(33)}${token}`],
  ['a near miss right before', (token) => `${replaceAt(KNOWN, 10, 'x')}${token}`],
];

describe('findTokens', () => {
  it.each(EMBEDDINGS)('finds a token in %s', (_, embed) => {
    fc.assert(
      fc.property(tokens, (token) => {
        const text = embed(token);
        expect(findTokens(text)).toEqual([{ token, index: text.lastIndexOf(token) }]);
      }),
      { numRuns: 50 },
    );
  });

  it.each(NEAR_MISSES)('ignores %s', (_, text) => {
    expect(findTokens(text)).toEqual([]);
    expect(findTokens(`key = "${text}";`)).toEqual([]);
  });

  it('finds all tokens, in order, whatever is between them', () => {
    const between = fc.oneof(
      fc.string(),
      fc.constantFrom(...NEAR_MISSES.map(([, text]) => text)),
      fc.constantFrom('', ',', 'kaana_', 'kaana', 'kaan'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(between, tokens)), between, (parts, end) => {
        let text = '';
        const expected = parts.map(([before, token]) => {
          const index = text.length + before.length;
          text += before + token;
          return { token, index };
        });
        expect(findTokens(text + end)).toEqual(expected);
      }),
    );
  });
});

describe('redactTokens', () => {
  it.each(EMBEDDINGS)('leaves only the start of a token in %s', (_, embed) => {
    fc.assert(
      fc.property(tokens, (token) => {
        const redacted = redactTokens(embed(token));
        expect(redacted).not.toContain(token.slice(12, 20));
        expect(redacted).not.toContain(token.slice(-8));
        expect(redacted).toContain('…[redacted]');
      }),
      { numRuns: 50 },
    );
  });

  it('keeps the text around it', () => {
    expect(redactTokens(`a ${KNOWN}, b ${KNOWN}.`)).toBe(
      'a kaana_012345…[redacted], b kaana_012345…[redacted].',
    );
  });

  it('does not ask for a right checksum', () => {
    expect(redactTokens(replaceAt(KNOWN, 43, 'v'))).toBe('kaana_012345…[redacted]');
  });

  it('takes both of two forms that overlap', () => {
    const text = `<kaana_${'x'.repeat(33)}${KNOWN}>`;
    expect(redactTokens(text)).toBe('<kaana_xxxxxx…[redacted]>');
  });

  it('is the same as replacing the pattern where nothing overlaps, leaves nothing to redact, and never throws', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 8 }),
      tokens,
      fc.constantFrom('kaana_', 'kaana', ' ', KNOWN.slice(0, 43)),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join(' ');
        const redacted = redactTokens(text);
        expect(redacted).toBe(text.replace(/(kaana_[0-9A-Za-z]{6})[0-9A-Za-z]{32}/g, '$1…[redacted]'));
        expect(redactTokens(redacted)).toBe(redacted);
        expect(redactTokens(pieces.join(''))).not.toMatch(/kaana_[0-9A-Za-z]{38}/);
      }),
    );
  });
});

describe('the entry for browsers', () => {
  it('imports nothing of Node', () => {
    for (const file of ['index.ts', 'token.ts', 'checksum.ts']) {
      const source = readFileSync(new URL(file, import.meta.url), 'utf8');
      const imports = [...source.matchAll(/from '([^']+)'/g)].map(([, specifier]) => specifier);
      expect(imports.filter((specifier) => !specifier?.startsWith('./'))).toEqual([]);
      expect(source).not.toMatch(/\b(Buffer|process|require)\b/);
    }
  });

  it('exports the format', () => {
    expect(Object.keys(entry).sort()).toEqual([
      'PREFIX',
      'TOKEN_LENGTH',
      'TOKEN_PATTERN',
      'checksum',
      'crc32',
      'findTokens',
      'mintToken',
      'parseToken',
      'redactTokens',
      'tokenStart',
    ]);
    expect(PREFIX).toBe('kaana_');
    expect(TOKEN_LENGTH).toBe(44);
  });
});
