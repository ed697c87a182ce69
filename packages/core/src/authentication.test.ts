import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assessKey, isAddressAllowed } from './authentication.ts';
import type { ApiKey, KeySecret } from './model.ts';

const secret: KeySecret = {
  id: 'sec_1',
  digest: 'digest',
  pepperId: 'p1',
  start: 'kaana_abcdef',
  createdAt: new Date(0),
  expiresAt: null,
};
const key: ApiKey = {
  id: 'key_1',
  organizationId: 'org_1',
  accountId: 'acc_1',
  name: 'key',
  secrets: [secret],
  status: 'active',
  slot: 0,
  scopes: null,
  allowedIps: null,
  createdAt: new Date(0),
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
};
const at = new Date(1_000);

describe('the verdict on a key', () => {
  const verdict = (changes: Partial<ApiKey>, of: Partial<KeySecret>, now: number) =>
    assessKey({ ...key, ...changes }, { ...secret, ...of }, now)?.code ?? null;

  it('is none for an active key and secret', () => {
    expect(verdict({}, {}, 5_000)).toBeNull();
    expect(verdict({ expiresAt: at }, { expiresAt: at }, 999)).toBeNull();
  });

  it('is "expired" from the very millisecond on, for the key and for a secret that was rotated out', () => {
    expect(verdict({ expiresAt: at }, {}, 1_000)).toBe('key_expired');
    expect(verdict({}, { expiresAt: at }, 1_000)).toBe('key_expired');
  });

  it('is "revoked" before anything else', () => {
    expect(verdict({ status: 'revoked', expiresAt: at }, { expiresAt: at }, 5_000)).toBe('key_revoked');
    expect(verdict({ status: 'revoked' }, {}, 0)).toBe('key_revoked');
  });
});

describe('an address list', () => {
  it.each([
    ['203.0.113.7', ['203.0.113.7'], true],
    ['203.0.113.8', ['203.0.113.7'], false],
    ['203.0.113.255', ['203.0.113.0/24'], true],
    ['203.0.114.0', ['203.0.113.0/24'], false],
    ['8.8.8.8', ['0.0.0.0/0'], true],
    ['203.0.113.7', ['203.0.113.7/32', '198.51.100.0/24'], true],
    ['::ffff:203.0.113.7', ['203.0.113.0/24'], true],
    ['::ffff:cb00:7107', ['203.0.113.7'], true],
    ['203.0.113.7', ['::ffff:203.0.113.7'], true],
    ['2001:db8::1', ['2001:db8::/32'], true],
    ['2001:0DB8:0:0::1', ['2001:db8::1'], true],
    ['2001:db9::1', ['2001:db8::/32'], false],
    ['2001:db8::1', ['0.0.0.0/0'], false],
    ['203.0.113.7', ['2001:db8::/32'], false],
    ['127.0.0.1', ['::1'], false],
    ['203.0.113.7', [], false],
  ] as const)('%s against %j: %s', (ip, allowed, expected) => {
    expect(isAddressAllowed(ip, allowed)).toBe(expected);
  });

  it('allows nothing that is no address, without throwing: a proxy may hand on what it was sent', () => {
    const everything = ['0.0.0.0/0', '::/0'];
    const garbage = [
      '',
      'unknown',
      '203.0.113.7:443',
      '[::1]',
      ' 203.0.113.7',
      '203.0.113',
      '::1/128',
      '999.1.1.1',
    ];
    for (const ip of garbage) expect(isAddressAllowed(ip, everything), ip).toBe(false);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.ipV4Extended(), fc.ipV6()), (ip) => {
        expect(typeof isAddressAllowed(ip, everything)).toBe('boolean');
      }),
    );
  });

  it('takes a link-local address with its zone as the address', () => {
    expect(isAddressAllowed('fe80::1%eth0', ['fe80::/10'])).toBe(true);
  });

  it('lets every address in by itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (ip) => {
        expect(isAddressAllowed(ip, [ip])).toBe(true);
      }),
    );
  });
});
