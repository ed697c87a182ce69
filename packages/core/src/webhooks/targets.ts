import { Resolver } from 'node:dns/promises';
import { BlockList, isIP, isIPv4 } from 'node:net';
import { KaanaError } from '../errors.ts';

/**
 * Where messages may be sent to. `public`: https to public addresses alone. `loopback`: also to this machine, by http
 * too, for development. `private`: also to private networks, where an operator says so.
 */
export type WebhookReach = 'public' | 'loopback' | 'private';

/** A name's addresses, IPv4 and IPv6. Rejects where it has none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

export type WebhookTargets = {
  /** The addresses that a request to this URL may go to, each of them checked. Error: `invalid_input`, with why. */
  addressesOf(url: string): Promise<readonly string[]>;
};

const FIRST_UNPRIVILEGED_PORT = 1024;
const HTTPS_PORT = 443;

const listOf = (family: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
};

const LOOPBACK = { ipv4: listOf('ipv4', ['127.0.0.0/8']), ipv6: listOf('ipv6', ['::1/128']) };
const PRIVATE = {
  ipv4: listOf('ipv4', ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16']),
  ipv6: listOf('ipv6', ['fc00::/7']),
};
/** What is not reachable by everybody (IANA's registries of special-purpose addresses), beside those above. */
const SPECIAL = {
  ipv4: listOf('ipv4', [
    '0.0.0.0/8',
    '169.254.0.0/16', // Link-local, where clouds tell machines their credentials.
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
  ]),
  // Inside what is global unicast: protocol assignments with Teredo, documentation, 6to4.
  ipv6: listOf('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']),
};
/** All else of IPv6 is not public: IPv4 in disguise (mapped, NAT64), link-local, multicast, unspecified. */
const GLOBAL_UNICAST = listOf('ipv6', ['2000::/3']);

export type AddressKind = 'public' | 'loopback' | 'private' | 'special';

/** `address` is one that `net.isIP` knows. */
export const kindOfAddress = (address: string): AddressKind => {
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  if (LOOPBACK[family].check(address, family)) return 'loopback';
  if (PRIVATE[family].check(address, family)) return 'private';
  if (SPECIAL[family].check(address, family)) return 'special';
  return family === 'ipv4' || GLOBAL_UNICAST.check(address, family) ? 'public' : 'special';
};

const ALLOWED: Record<WebhookReach, readonly AddressKind[]> = {
  public: ['public'],
  loopback: ['public', 'loopback'],
  private: ['public', 'loopback', 'private'],
};

const refused = (message: string) =>
  new KaanaError('invalid_input', `Webhooks cannot be sent to this URL: it ${message}.`, {
    errors: [{ path: 'url', message }],
  });

/** What can be said of a URL without asking for its addresses. Error: `invalid_input`. */
const parseTarget = (text: string, reach: WebhookReach): URL => {
  if (!URL.canParse(text)) throw refused('is no URL');
  const url = new URL(text);
  const plain = url.protocol === 'http:' && reach !== 'public';
  if (url.protocol !== 'https:' && !plain) throw refused('must begin with https://');
  if (url.username || url.password) throw refused('must not contain a user name or a password');
  const port = Number(url.port || (plain ? 80 : HTTPS_PORT));
  if (reach === 'public' && port !== HTTPS_PORT && port < FIRST_UNPRIVILEGED_PORT) {
    throw refused(`must use port ${HTTPS_PORT}, or one from ${FIRST_UNPRIVILEGED_PORT} on`);
  }
  return url;
};

/** As it stands in a URL: an IPv6 address has brackets there. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** For one name server, and for all of them together. */
const DNS_TRY_MS = 1_500;
const DNS_TIMEOUT_MS = 5_000;

/**
 * Asks the name servers, and not the system's resolver: that one would occupy threads that passwords and files need,
 * for as long as a name's own server likes. `localhost` is this machine (RFC 6761).
 */
export const resolveByDns: Resolve = async (name) => {
  if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1'];
  const resolver = new Resolver({ timeout: DNS_TRY_MS, tries: 2 });
  const timer = setTimeout(() => resolver.cancel(), DNS_TIMEOUT_MS);
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  clearTimeout(timer);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length === 0) throw new Error(`${name} has no address`);
  return found;
};

export const createWebhookTargets = (
  reach: WebhookReach,
  resolve: Resolve = resolveByDns,
): WebhookTargets => ({
  addressesOf: async (text) => {
    const url = parseTarget(text, reach);
    const host = hostOf(url);
    const addresses = isIP(host)
      ? [host]
      : await resolve(host.replace(/\.$/, '')).catch(() => {
          throw refused('has a host name whose address cannot be found');
        });
    if (addresses.length === 0) throw refused('has a host name without an address');
    // All of them: one that is allowed is no reason to trust the name.
    for (const address of addresses) {
      const kind = isIP(address) ? kindOfAddress(address) : 'special';
      if (!ALLOWED[reach].includes(kind)) throw refused('leads to an address that is not public');
      if (url.protocol === 'http:' && kind === 'public') throw refused('must begin with https://');
    }
    return addresses;
  },
});
