import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressesBeyond, isAddressAllowed, normalizeAddress } from './addresses.ts';

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
    ['203.0.113.7', ['::/0'], false],
    ['::ffff:203.0.113.7', ['::/0'], false],
    ['2001:db8::1', ['::/0'], true],
    ['10.1.2.3', ['::ffff:10.0.0.0/104'], true],
    ['11.1.2.3', ['::ffff:10.0.0.0/104'], false],
    ['203.0.113.9', ['203.0.113.7/24'], true],
  ] as const)('%s against %j: %s', (ip, allowed, expected) => {
    expect(isAddressAllowed(ip, allowed)).toBe(expected);
  });

  it('allows nothing that is no address, without throwing: a proxy may hand on what it was sent', () => {
    const everything = ['0.0.0.0/0', '::/0'];
    const garbage = [
      null,
      '',
      'unknown',
      'localhost',
      ' 203.0.113.7',
      '203.0.113.7,',
      '203.0.113.7:https',
      '203.0.113.7:',
      '[203.0.113.7]',
      '[203.0.113.7]:443',
      '[::1',
      '::1]:443',
      '0x7f.0.0.1',
      '2130706433',
      '010.0.0.1',
      '1.2.3.4\u0000',
      `fe80::1%${'a'.repeat(100)}`,
      '203.0.113',
      '::1/128',
      '999.1.1.1',
    ];
    for (const ip of garbage) expect(isAddressAllowed(ip, everything), String(ip)).toBe(false);
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

describe('an address as it is compared and kept', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:443', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:CB00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:443', '203.0.113.7'],
    ['2001:0DB8:0:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%eth0]:80', 'fe80::1'],
    ['::', '::'],
    ['_hidden', null],
    ['for=203.0.113.7', null],
    [undefined, null],
  ])('%s is %s', (text, address) => {
    expect(normalizeAddress(text)).toBe(address);
  });

  it('is an address or nothing, and stays as it is when it is normalized again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.ipV4(), fc.ipV6()), (text) => {
        const address = normalizeAddress(text);
        if (address === null) {
          expect(isIP(text)).toBe(0);
          return;
        }
        expect(isIP(address)).not.toBe(0);
        expect(normalizeAddress(address)).toBe(address);
        expect(normalizeAddress(isIP(address) === 6 ? `[${address}]:8080` : `${address}:8080`)).toBe(address);
      }),
    );
  });
});

describe('a list within another one', () => {
  it.each([
    [['10.0.0.0/8'], ['10.1.2.3', '10.1.0.0/16', '::ffff:10.1.2.3'], []],
    [['10.0.0.0/16'], ['10.0.0.0/8', '11.0.0.0/24'], ['10.0.0.0/8', '11.0.0.0/24']],
    [['10.0.0.0/9', '10.128.0.0/9'], ['10.0.0.0/8'], ['10.0.0.0/8']],
    [['0.0.0.0/0'], ['::/0', '2001:db8::1'], ['::/0', '2001:db8::1']],
    [['::/0'], ['2001:db8::/32', '10.0.0.1', '::ffff:10.0.0.0/104'], ['10.0.0.1', '::ffff:10.0.0.0/104']],
    [['2001:db8::/32'], ['2001:db8:1::/48', '2001:db9::/48'], ['2001:db9::/48']],
    [['203.0.113.7'], ['203.0.113.7/32', '203.0.113.7/31'], ['203.0.113.7/31']],
  ])('%j holds %j but for %j', (held, wanted, beyond) => {
    expect(addressesBeyond(held, wanted)).toEqual(beyond);
  });

  it('lets in no address that the other one does not', () => {
    const prefix = fc.integer({ min: 0, max: 32 });
    const range = fc.tuple(fc.ipV4(), prefix).map(([address, bits]) => `${address}/${bits}`);
    fc.assert(
      fc.property(
        fc.array(range, { minLength: 1 }),
        fc.array(range),
        fc.array(fc.ipV4()),
        (held, wanted, ips) => {
          const within = wanted.filter((entry) => !addressesBeyond(held, wanted).includes(entry));
          for (const ip of [...ips, ...within.map((entry) => entry.split('/')[0] ?? '')])
            if (isAddressAllowed(ip, within)) expect(isAddressAllowed(ip, held), ip).toBe(true);
        },
      ),
    );
  });
});
