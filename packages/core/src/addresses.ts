import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';
import { BoundedMap } from './bounded-map.ts';

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** As some proxies write an address into X-Forwarded-For: `203.0.113.7:443`, `[2001:db8::1]:443`, `[2001:db8::1]`. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+):\d{1,5})$/;
/** Longer than any address with its zone: not worth a look. */
const MAX_LENGTH = 100;

/** Node needs 50 microseconds to write an IPv6 address as everybody does; callers come back. */
const canonical = new BoundedMap<string, string>(4_096);

const canonicalIpv6 = (text: string): string => {
  const known = canonical.get(text);
  if (known !== undefined) return known;
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  const written = MAPPED.exec(address)?.[1] ?? address;
  canonical.set(text, written);
  return written;
};

/**
 * A caller's address as it is compared, kept and shown: without port, brackets and zone, an IPv4-mapped IPv6 address as
 * IPv4, IPv6 in its usual short form. `null`: this is no address, whatever a proxy or a client has written there.
 */
export const normalizeAddress = (text: string | null | undefined): string | null => {
  if (!text || text.length > MAX_LENGTH) return null;
  if (isIPv4(text)) return text;
  const [, bracketed, beforePort] = WITH_PORT.exec(text) ?? [];
  const bare = bracketed ?? beforePort ?? text;
  if (isIPv4(bare)) return bracketed === undefined ? bare : null;
  return isIPv6(bare) ? canonicalIpv6(bare) : null;
};

type Range = { readonly family: 'ipv4' | 'ipv6'; readonly address: string; readonly prefix: number };

const MAPPED_BITS = 96;

/** An entry of a list, as the contract has checked it. A range inside ::ffff:0:0/96 is one of IPv4. */
const rangeOf = (entry: string): Range => {
  const [text = '', bits] = entry.split('/');
  if (isIPv4(text)) return { family: 'ipv4', address: text, prefix: bits === undefined ? 32 : Number(bits) };
  const address = canonicalIpv6(text);
  const prefix = bits === undefined ? 128 : Number(bits);
  return isIPv4(address) && prefix >= MAPPED_BITS
    ? { family: 'ipv4', address, prefix: prefix - MAPPED_BITS }
    : { family: 'ipv6', address: text, prefix };
};

/** Apart, since `BlockList` takes every IPv4 address for a part of ::/0. */
type Ranges = { readonly ipv4: BlockList; readonly ipv6: BlockList };

const compiled = new WeakMap<readonly string[], Ranges>();

const rangesOf = (allowed: readonly string[]): Ranges => {
  const known = compiled.get(allowed);
  if (known) return known;
  const ranges = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const entry of allowed) {
    const { family, address, prefix } = rangeOf(entry);
    ranges[family].addSubnet(address, prefix, family);
  }
  compiled.set(allowed, ranges);
  return ranges;
};

/**
 * `allowed`: addresses and CIDR ranges, as the contract has checked them. What is no address is not allowed. IPv4 and
 * IPv6 are apart: only ranges of its own family let an address in, an IPv4-mapped one being IPv4.
 */
export const isAddressAllowed = (ip: string | null, allowed: readonly string[]): boolean => {
  const address = normalizeAddress(ip);
  if (address === null) return false;
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  return rangesOf(allowed)[family].check(address, family);
};

/** Those of `wanted` (addresses and ranges) that are not wholly inside one entry of `held`. */
export const addressesBeyond = (held: readonly string[], wanted: readonly string[]): readonly string[] => {
  const ranges = held.map((entry) => ({ list: [entry], ...rangeOf(entry) }));
  return wanted.filter((entry) => {
    const { family, address, prefix } = rangeOf(entry);
    return !ranges.some(
      (range) => range.family === family && range.prefix <= prefix && isAddressAllowed(address, range.list),
    );
  });
};

/** What of a new key's list (`null`: none) is more than somebody held to `held` (`null`: nobody is) may give. */
export const addressesOutside = (
  held: readonly string[] | null,
  wanted: readonly string[] | null,
): readonly string[] => {
  if (held === null) return [];
  return wanted === null ? ['any address'] : addressesBeyond(held, wanted);
};
