import { createHash, createHmac, randomBytes } from 'node:crypto';
import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generatePepper, PepperError, Peppers, parsePeppers } from './digest.ts';
import { mintToken } from './token.ts';

const TOKEN = 'kaana_0123456789ABCDEFGHIJKLMNOPQRSTUV4BZKPH';

const encoded = (secret: Buffer) => secret.toString('base64');

/** What `act` throws, as a PepperError. */
const errorOf = (act: () => unknown): PepperError => {
  try {
    act();
  } catch (error) {
    if (error instanceof PepperError) return error;
    throw error;
  }
  return expect.fail('nothing was thrown');
};

/** RFC 2104 with nothing but SHA-256, for keys of up to 64 bytes. */
const hmacByHand = (secret: Buffer, text: string): string => {
  const key = Buffer.concat([secret, Buffer.alloc(64 - secret.length)]);
  const inner = createHash('sha256')
    .update(key.map((byte) => byte ^ 0x36))
    .update(text)
    .digest();
  return createHash('sha256')
    .update(key.map((byte) => byte ^ 0x5c))
    .update(inner)
    .digest('base64url');
};

describe('digest', () => {
  it('is the known one', () => {
    // By Python: hmac.new(bytes(range(32)), TOKEN, hashlib.sha256), urlsafe_b64encode without padding.
    const peppers = parsePeppers(
      `p1:${encoded(Buffer.from(Array.from({ length: 32 }, (_, index) => index)))}`,
    );
    expect(peppers.digest(TOKEN)).toBe('KtF351M-fWR3GTzoboGuT2U7nPZb9zvytb8rj07HhYU');
  });

  it('is test case 6 of RFC 4231', () => {
    const peppers = parsePeppers(`p1:${encoded(Buffer.alloc(131, 0xaa))}`);
    expect(
      Buffer.from(peppers.digest('Test Using Larger Than Block-Size Key - Hash Key First'), 'base64url'),
    ).toEqual(Buffer.from('60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54', 'hex'));
  });

  it('is HMAC-SHA-256 in base64url, 43 characters', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 64 }), fc.string(), (bytes, text) => {
        const secret = Buffer.from(bytes);
        const digest = parsePeppers(`p1:${encoded(secret)}`).digest(text);
        expect(digest).toMatch(/^[\w-]{43}$/);
        expect(digest).toBe(hmacByHand(secret, text));
        expect(digest).toBe(createHmac('sha256', secret).update(text).digest('base64url'));
      }),
    );
  });

  it('refuses a pepper that is not configured, and says which', () => {
    const error = errorOf(() => parsePeppers(generatePepper('p2')).digest(TOKEN, 'p1'));
    expect(error.code).toBe('pepper_unknown');
    expect(error.message).toContain('"p1"');
  });

  it('does not repeat a token that was given in place of an id', () => {
    const error = errorOf(() => parsePeppers(generatePepper('p1')).digest('p1', TOKEN));
    expect(error.code).toBe('pepper_unknown');
    expect(error.message).not.toContain(TOKEN.slice(0, 12));
  });
});

describe('rotation', () => {
  it('mints with the first pepper, and finds what every one has minted, the current one first', () => {
    const [p1, p2, p3] = [generatePepper('p1'), generatePepper('p2'), generatePepper('p3')];
    const token = mintToken();
    const before = parsePeppers(p1);
    const during = parsePeppers(`${p2},${p1}`);
    const after = parsePeppers(`${p3},${p2}`);

    expect(before.current).toEqual({ id: 'p1' });
    expect(during.current).toEqual({ id: 'p2' });
    expect(during.ids).toEqual(['p2', 'p1']);

    const stored = before.digest(token);
    expect(during.digest(token)).not.toBe(stored);
    expect(during.digest(token, 'p1')).toBe(stored);
    expect(during.digests(token)).toEqual([
      { pepperId: 'p2', digest: during.digest(token) },
      { pepperId: 'p1', digest: stored },
    ]);

    // Once p1 is gone, so are its keys, and p2's stay.
    expect(after.digests(token).map(({ digest }) => digest)).not.toContain(stored);
    expect(after.digest(token, 'p2')).toBe(during.digest(token));
  });

  it('keeps the order, also of ids that look like numbers', () => {
    const peppers = parsePeppers(['10', '9', 'a', '1'].map(generatePepper).join());
    expect(peppers.current.id).toBe('10');
    expect(peppers.digests(TOKEN).map(({ pepperId }) => pepperId)).toEqual(['10', '9', 'a', '1']);
  });
});

describe('parsePeppers', () => {
  const secret = encoded(randomBytes(32));

  it('reads what generatePepper makes, and no two are the same', () => {
    expect(generatePepper('p1')).toMatch(/^p1:[A-Za-z0-9+/]{43}=$/);
    expect(generatePepper('p1')).not.toBe(generatePepper('p1'));
    expect(parsePeppers(generatePepper('p1')).ids).toEqual(['p1']);
  });

  it('knows base64 with and without padding, base64url, and blanks around a pair', () => {
    const bytes = Buffer.alloc(32, 0xfb);
    const digest = parsePeppers(`p1:${encoded(bytes)}`).digest(TOKEN);
    for (const text of [
      encoded(bytes).replace('=', ''),
      bytes.toString('base64url'),
      `${encoded(bytes)}\n`,
    ]) {
      expect(parsePeppers(` p1:${text}`).digest(TOKEN)).toBe(digest);
    }
  });

  it('folds the case of an id', () => {
    const peppers = parsePeppers(`Prod-1:${secret}`);
    expect(peppers.current.id).toBe('prod-1');
    expect(peppers.digest(TOKEN, 'PROD-1')).toBe(peppers.digest(TOKEN));
    expect(generatePepper('P1')).toMatch(/^p1:/);
  });

  it.each([
    ['nothing', '', 'at least one'],
    ['blanks', ' \n', 'at least one'],
    ['a secret without an id', secret, 'Pepper 1 is not an "id:base64" pair'],
    ['an empty id', `:${secret}`, 'Pepper 1 is not an "id:base64" pair'],
    ['a comma at the end', `p1:${secret},`, 'Pepper 2 is not an "id:base64" pair'],
    ['two colons', `p1:${secret}:${secret}`, 'Pepper 1 is not an "id:base64" pair'],
    ['semicolons', `p1:${secret};p2:${secret}`, 'Pepper 1 is not an "id:base64" pair'],
    ['id and secret swapped', `${secret}:p1`, 'Pepper 1 has an id that cannot be used'],
    ['a long id', `${'p'.repeat(33)}:${secret}`, 'Pepper 1 has an id that cannot be used'],
    ['a dot in an id', `p.1:${secret}`, 'Pepper 1 has an id that cannot be used'],
    ['an id twice', `p1:${secret},p2:${secret},P1:${secret}`, 'Pepper 3 has the same id'],
    ['an empty secret', 'p1:', 'Pepper 1 has a secret of 0 bytes'],
    ['31 bytes', `p1:${encoded(randomBytes(31))}`, 'Pepper 1 has a secret of 31 bytes, and 32 are the least'],
    ['a secret that is not base64', `p1:${'!'.repeat(64)}`, 'Pepper 1 has a secret that is not base64'],
    [
      'a blank in a secret',
      `p1:${secret.slice(0, 20)} ${secret}`,
      'Pepper 1 has a secret that is not base64',
    ],
    ['a cut secret', `p1:${secret}${secret.slice(0, 1)}`, 'Pepper 1 has a secret that is not base64'],
    ['quotes', `"p1:${secret}"`, 'Pepper 1 has an id that cannot be used'],
  ])('refuses %s, says so, and shows no secret', (_, text, message) => {
    const error = errorOf(() => parsePeppers(text));
    expect(error.code).toBe('pepper_invalid');
    expect(error.message).toContain(message);
    for (const shown of [error.message, error.stack ?? '', inspect(error, { showHidden: true, depth: 9 })]) {
      expect(shown).not.toContain(secret.slice(0, 8));
    }
  });

  it('throws nothing but a PepperError, and repeats nothing of the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[a-z]{0,3}:?[\w+/=]{0,50},?[A-Z]:[\w+/=]{0,50}$/)),
        (text) => {
          try {
            expect(parsePeppers(text)).toBeInstanceOf(Peppers);
          } catch (error) {
            expect(error).toBeInstanceOf(PepperError);
            for (const part of text.match(/[\w+/=]{12,}/g) ?? []) expect(String(error)).not.toContain(part);
          }
        },
      ),
    );
  });

  it.each(['', 'p 1', 'p:1', 'p,1', 'ä', 'x'.repeat(33)])('generates no pepper for the id %j', (id) => {
    expect(errorOf(() => generatePepper(id)).code).toBe('pepper_invalid');
  });

  it('makes no Peppers out of none', () => {
    expect(errorOf(() => new Peppers(new Map())).code).toBe('pepper_invalid');
  });
});

describe('what shows Peppers', () => {
  const secret = randomBytes(32);
  const peppers = parsePeppers(`p1:${encoded(secret)},${generatePepper('p2')}`);

  it.each<[string, () => string]>([
    ['JSON.stringify', () => JSON.stringify({ peppers })],
    ['util.inspect', () => inspect(peppers)],
    [
      'util.inspect of everything',
      () => inspect({ peppers }, { depth: null, showHidden: true, getters: true, showProxy: true }),
    ],
    ['util.format', () => format('%s %o %O %j', peppers, peppers, peppers, peppers)],
    ['a template', () => `${peppers}`],
    ['String', () => String(peppers)],
    ['a spread', () => inspect({ ...peppers }, { depth: null, showHidden: true })],
    ['structuredClone', () => inspect(structuredClone({ ...peppers }), { depth: null, showHidden: true })],
    ['v8.serialize', () => serialize(peppers.toJSON()).toString('latin1')],
    [
      'the names and values of its properties',
      () => inspect(Object.getOwnPropertyDescriptors(peppers), { depth: null }),
    ],
  ])('%s gives ids and no secret', (_, show) => {
    const shown = show();
    expect(shown).toContain('p1');
    expect(shown).toContain('p2');
    for (const encoding of ['base64', 'base64url', 'hex', 'latin1', 'utf8'] as const) {
      expect(shown).not.toContain(secret.toString(encoding).slice(0, 8));
    }
    expect(shown).not.toMatch(/KeyObject|Buffer|Uint8Array/);
  });

  it('cannot be changed from outside', () => {
    expect(Object.isFrozen(peppers.current)).toBe(true);
    expect(Object.isFrozen(peppers.ids)).toBe(true);
  });
});
