import { generatePepper, parsePeppers } from '@kaana/api-key/digest';
import { describe, expect, it } from 'vitest';
import { mintWebhookSecret, openSecret, sealSecret } from './secrets.ts';

describe('a secret', () => {
  const old = generatePepper('p1');
  const peppers = parsePeppers(old);

  it('is 24 to 64 random bytes as base64, behind its prefix', () => {
    const secret = mintWebhookSecret();
    expect(secret).toMatch(/^whsec_[\w+/]+=*$/);
    expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(32);
    expect(mintWebhookSecret()).not.toBe(secret);
  });

  it('is stored so that only who has its pepper can read it, also after another has become current', () => {
    const secret = mintWebhookSecret();
    const sealed = sealSecret(peppers, 'whk_1', secret);
    expect(JSON.stringify(sealed)).not.toContain(secret.slice(6, 20));
    expect(sealSecret(peppers, 'whk_1', secret).sealed).not.toBe(sealed.sealed);
    const rotated = parsePeppers(`${generatePepper('p2')},${old}`);
    expect(openSecret(rotated, 'whk_1', sealed)).toBe(secret);
    expect(sealSecret(rotated, 'whk_1', secret).pepperId).toBe('p2');
    expect(() => openSecret(parsePeppers(generatePepper('p2')), 'whk_1', sealed)).toThrow(/not configured/);
    expect(() => openSecret(parsePeppers(generatePepper('p1')), 'whk_1', sealed)).toThrow();
  });

  it('cannot be changed, nor moved to another webhook', () => {
    const sealed = sealSecret(peppers, 'whk_1', mintWebhookSecret());
    expect(() => openSecret(peppers, 'whk_2', sealed)).toThrow();
    for (const at of [0, 15, 40]) {
      const bytes = Buffer.from(sealed.sealed, 'base64url');
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      expect(() =>
        openSecret(peppers, 'whk_1', { ...sealed, sealed: bytes.toString('base64url') }),
      ).toThrow();
    }
    expect(() => openSecret(peppers, 'whk_1', { ...sealed, sealed: '' })).toThrow();
  });
});
