import { generatePepper, parsePeppers } from '@kaana/api-key/digest';
import { describe, expect, it } from 'vitest';
import { MAX_TRIES, retryDelayMs } from './schedule.ts';
import { mintWebhookSecret, openSecret, sealSecret } from './secrets.ts';

const HOUR_MS = 3600_000;

describe('when to try again', () => {
  const delays = (random: number) =>
    Array.from({ length: MAX_TRIES - 1 }, (_, index) => retryDelayMs(index + 1, null, random) ?? 0);

  it('waits longer each time, for about three days in all, and then gives up', () => {
    expect(delays(0.5).slice(0, 4)).toEqual([5_000, 20_000, 80_000, 320_000]);
    for (const random of [0, 0.5, 1]) {
      const hours = delays(random).reduce((sum, delay) => sum + delay, 0) / HOUR_MS;
      expect(hours).toBeGreaterThan(60);
      expect(hours).toBeLessThan(96);
    }
    expect(retryDelayMs(MAX_TRIES, null, 0.5)).toBeNull();
  });

  it('does not come back together, nor sooner than the receiver asks for, nor later than in a day', () => {
    expect(new Set([0, 0.25, 0.75, 1].map((random) => retryDelayMs(3, null, random))).size).toBe(4);
    expect(retryDelayMs(1, 60_000, 0)).toBe(60_000);
    expect(retryDelayMs(1, 1e12, 0)).toBe(24 * HOUR_MS);
    expect(retryDelayMs(1, 1, 0.5)).toBe(5_000);
  });
});

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
