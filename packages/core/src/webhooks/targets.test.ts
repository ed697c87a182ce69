import { describe, expect, it } from 'vitest';
import { createWebhookTargets, kindOfAddress, resolveByDns, type WebhookReach } from './targets.ts';

const PUBLIC = '93.184.215.14';

const targets = (reach: WebhookReach, ...addresses: string[]) =>
  createWebhookTargets(reach, async () => addresses);
const refuses = (reach: WebhookReach, url: string, ...addresses: string[]) =>
  expect(targets(reach, ...addresses).addressesOf(url), url).rejects.toMatchObject({ code: 'invalid_input' });

describe('where webhooks may lead', () => {
  it.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['10.0.0.1', 'private'],
    ['100.64.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['fd00::1', 'private'],
    ['0.0.0.0', 'special'],
    ['169.254.169.254', 'special'],
    ['192.0.0.170', 'special'],
    ['192.0.2.1', 'special'],
    ['192.88.99.1', 'special'],
    ['198.18.0.1', 'special'],
    ['224.0.0.1', 'special'],
    ['255.255.255.255', 'special'],
    ['::', 'special'],
    ['::ffff:127.0.0.1', 'special'],
    ['::ffff:8.8.8.8', 'special'],
    ['::127.0.0.1', 'special'],
    ['64:ff9b::7f00:1', 'special'],
    ['64:ff9b:1::7f00:1', 'special'],
    ['100::1', 'special'],
    ['2001::1', 'special'],
    ['2001:db8::1', 'special'],
    ['2002:7f00:1::', 'special'],
    ['3fff::1', 'special'],
    ['fe80::1', 'special'],
    ['fec0::1', 'special'],
    ['ff02::1', 'special'],
    ['172.32.0.1', 'public'],
    ['100.128.0.1', 'public'],
    ['8.8.8.8', 'public'],
    ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', 'public'],
  ])('%s is %s', (address, kind) => {
    expect(kindOfAddress(address)).toBe(kind);
  });

  it('takes https to public addresses, and hands out those that it has checked', async () => {
    const found = ['8.8.8.8', '2606:4700::1111'];
    expect(await targets('public', ...found).addressesOf('https://example.com/hook?a=b')).toEqual(found);
    expect(await targets('public').addressesOf(`https://${PUBLIC}:8443/`)).toEqual([PUBLIC]);
  });

  it.each([
    'nonsense',
    'http://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://user@example.com/',
    'https://user:secret@example.com/',
    'https://example.com:25/',
    'https://example.com:80/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::127.0.0.1]/',
    'https://169.254.169.254/latest/meta-data',
  ])('refuses %s in production', async (url) => {
    await refuses('public', url, PUBLIC);
  });

  it('refuses a name when one of its addresses is not public, or what it has is no address', async () => {
    for (const reach of ['public', 'loopback'] as const) {
      await refuses(reach, 'https://example.com/', PUBLIC, '10.0.0.1');
      await refuses(reach, 'https://example.com/', '169.254.169.254');
    }
    await refuses('private', 'https://example.com/', PUBLIC, '169.254.169.254');
    await refuses('public', 'https://example.com/');
    await refuses('public', 'https://example.com/', 'fe80::1%eth0');
    const unknown = createWebhookTargets('public', () => Promise.reject(new Error('ENOTFOUND')));
    await expect(unknown.addressesOf('https://example.com/')).rejects.toMatchObject({
      code: 'invalid_input',
    });
  });

  it('takes localhost for this machine, and asks nobody', async () => {
    for (const name of ['localhost', 'app.localhost']) {
      expect(await resolveByDns(name)).toEqual(['127.0.0.1', '::1']);
      await expect(createWebhookTargets('public').addressesOf(`https://${name}/`)).rejects.toMatchObject({
        code: 'invalid_input',
      });
    }
  });

  it('takes http to this machine for development, and to private networks where an operator says so', async () => {
    expect(await targets('loopback', '127.0.0.1').addressesOf('http://localhost:4000/')).toEqual([
      '127.0.0.1',
    ]);
    await refuses('loopback', 'http://example.com/', PUBLIC);
    await refuses('loopback', 'http://10.0.0.1/');
    expect(await targets('private').addressesOf('http://10.0.0.1/')).toEqual(['10.0.0.1']);
    await refuses('private', 'http://example.com/', PUBLIC);
    await refuses('private', 'http://169.254.169.254/');
  });
});
