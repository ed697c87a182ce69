import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkHash,
  type ImportedHash,
  identityOf,
  isForeignToken,
  lookupOf,
  lookupsOf,
  matchesSha256,
  normalizeHash,
  ruleOf,
} from './imported-hash.ts';

const token = fc.stringMatching(/^[\x21-\x7e]{16,60}$/);
const salt = fc.option(fc.string({ minLength: 1, maxLength: 20 }));
const plain = { salt: null, saltPosition: 'before', withoutPrefix: null } as const;

/** A hash as another system would have made it. */
const made = fc
  .record({
    token,
    salt,
    saltPosition: fc.constantFrom('before' as const, 'after' as const),
    prefix: fc.option(fc.nat(10)),
    encoding: fc.constantFrom('hex' as const, 'base64' as const, 'base64url' as const),
  })
  .map(({ prefix, encoding, ...rest }) => {
    const withoutPrefix = prefix === null ? null : rest.token.slice(0, prefix + 1);
    const part = rest.token.slice(withoutPrefix?.length ?? 0);
    const text = rest.saltPosition === 'before' ? `${rest.salt ?? ''}${part}` : `${part}${rest.salt ?? ''}`;
    const value = createHash('sha256').update(text).digest(encoding);
    const hash: ImportedHash = {
      format: 'sha256',
      value,
      salt: rest.salt,
      saltPosition: rest.saltPosition,
      withoutPrefix,
    };
    return { token: rest.token, hash };
  });

describe('a SHA-256 of another system', () => {
  it('is found and matched by its token, however it was made and written', () => {
    fc.assert(
      fc.property(made, fc.boolean(), ({ token, hash: given }, byStart) => {
        expect(checkHash(given)).toBeNull();
        const hash = normalizeHash(given);
        const start = byStart ? token.slice(0, 8) : null;
        const rule = ruleOf(hash, start);
        if (!rule) throw new Error('every SHA-256 has a rule');
        expect(lookupsOf(token, [rule])).toEqual([lookupOf(hash, start)]);
        expect(matchesSha256(token, hash)).toBe(true);
      }),
    );
  });

  it('is matched by no other token', () => {
    fc.assert(
      fc.property(made, token, ({ token, hash }, other) => {
        fc.pre(token !== other);
        expect(matchesSha256(other, normalizeHash(hash))).toBe(false);
      }),
    );
  });

  it('is the same in every spelling', () => {
    const digest = createHash('sha256').update('x').digest();
    const spellings = [
      digest.toString('hex'),
      digest.toString('hex').toUpperCase(),
      digest.toString('base64'),
      digest.toString('base64url'),
    ];
    const identities = spellings.map((value) =>
      identityOf(normalizeHash({ format: 'sha256', value, ...plain })),
    );
    expect(new Set(identities).size).toBe(1);
    const salted = normalizeHash({ format: 'sha256', value: spellings[0] ?? '', ...plain, salt: 's' });
    expect(identities).not.toContain(identityOf(salted));
    // Without a salt its position says nothing.
    const empty = normalizeHash({
      format: 'sha256',
      value: spellings[0] ?? '',
      ...plain,
      salt: '',
      saltPosition: 'after',
    });
    expect(identities).toContain(identityOf(empty));
  });

  it.each([
    '',
    'abc',
    'g'.repeat(64),
    'a'.repeat(63),
    'a'.repeat(65),
    `${'A'.repeat(43)}==`,
    `${'A'.repeat(42)}!`,
  ])('is not %j', (value) => expect(checkHash({ format: 'sha256', value })).toContain('no SHA-256'));
});

describe('a slow hash of another system', () => {
  const bcrypt = (start: string) => `${start}${'a'.repeat(53)}`;
  it.each([
    ['bcrypt', bcrypt('$2b$10$'), null],
    ['bcrypt', bcrypt('$2a$04$'), null],
    ['bcrypt', bcrypt('$2y$14$'), null],
    ['bcrypt', bcrypt('$2b$15$'), 'cost 15'],
    ['bcrypt', bcrypt('$2b$03$'), 'cost 03'],
    ['bcrypt', bcrypt('$2x$10$'), 'no bcrypt'],
    ['bcrypt', `${bcrypt('$2b$10$')}a`, 'no bcrypt'],
    ['argon2id', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA', null],
    ['argon2id', '$argon2i$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA', 'no argon2id'],
    ['argon2id', '$argon2id$v=16$m=65536,t=3,p=4$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA', 'no argon2id'],
    ['argon2id', '$argon2id$v=19$m=262145,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA', 'cannot be checked'],
    ['argon2id', '$argon2id$v=19$m=65536,t=17,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA', 'too long'],
    ['argon2id', '$argon2id$v=19$m=65536,t=0,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA', 'cannot be checked'],
    ['argon2id', '$argon2id$v=19$m=7,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA', 'cannot be checked'],
    ['argon2id', '$argon2id$v=19$m=64,t=1,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA', 'salt below'],
    ['argon2id', '$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAA', 'hash below'],
  ] as const)('%s %s: %s', (format, value, problem) => {
    const found = checkHash({ format, value });
    if (problem === null) expect(found).toBeNull();
    else expect(found).toContain(problem);
  });

  it('needs the start of its token to be found', () => {
    const hash: ImportedHash = { format: 'bcrypt', value: bcrypt('$2b$10$'), ...plain };
    expect(ruleOf(hash, null)).toBeNull();
    expect(ruleOf(hash, 'sk_live')).toEqual({ kind: 'start', length: 7 });
    expect(lookupsOf('sk_live', [{ kind: 'start', length: 7 }])).toEqual([]);
  });
});

describe('a token of another system', () => {
  it.each([
    ['x'.repeat(16), true],
    ['x'.repeat(512), true],
    ['!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', true],
    ['x'.repeat(15), false],
    ['x'.repeat(513), false],
    [`${'x'.repeat(20)} `, false],
    [`${'x'.repeat(20)}\n`, false],
    [`${'x'.repeat(20)}é`, false],
  ])('%j: %s', (text, expected) => expect(isForeignToken(text)).toBe(expected));
});
