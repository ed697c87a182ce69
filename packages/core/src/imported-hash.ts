import { createHash, timingSafeEqual } from 'node:crypto';

/** How another system has stored a token. */
export type ImportedHash = {
  readonly format: 'sha256' | 'bcrypt' | 'argon2id';
  /** SHA-256: 32 bytes in base64url; the others: the whole encoded hash. */
  readonly value: string;
  /** SHA-256 alone: text that was hashed together with the token; bcrypt and argon2id carry theirs. */
  readonly salt: string | null;
  readonly saltPosition: 'before' | 'after';
  /** What the token begins with that was not hashed. */
  readonly withoutPrefix: string | null;
};

/** A hash as it is kept until the first use of its token, with what the token is found by. */
export type KeptHash = ImportedHash & { readonly lookup: string };

/**
 * How a token leads to what it may be kept under. There are few of them for all keys of a database: every token that is
 * not ours is tried with each.
 */
export type ImportRule =
  | { readonly kind: 'start'; readonly length: number }
  | {
      readonly kind: 'sha256';
      readonly salt: string | null;
      readonly saltPosition: 'before' | 'after';
      readonly withoutPrefix: string | null;
    };

export const IMPORT_FORMATS = ['sha256', 'bcrypt', 'argon2id'] as const;
/** A start that says less does not tell keys apart; one that says more gives away too much of the token. */
export const START_MIN = 6;
export const START_MAX = 32;
/** Of a start that many keys have, every one would have to be tried. */
export const MAX_SAME_START = 8;
export const MAX_IMPORT_RULES = 64;

/** Shorter tokens can be guessed; longer ones than 512 nobody makes. */
const FOREIGN_TOKEN = /^[\x21-\x7e]{16,512}$/;
/** Whether a text that is not our token may be one of another system. */
export const isForeignToken = (text: string): boolean => FOREIGN_TOKEN.test(text);

const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[\w+/-]{43}=?$/;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const ARGON2ID =
  /^\$argon2id\$v=19\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** A check of one hash must not take the machine: bcrypt's cost 14 is about a second. */
const BCRYPT_COST_MAX = 14;
const ARGON2_MEMORY_MAX_KIB = 256 * 1024;
/** Kibibytes times passes: 64 MiB in 16 passes is about two seconds. */
const ARGON2_WORK_MAX = 1024 * 1024;
const ARGON2_LANES_MAX = 16;

const checkSha256 = (value: string): string | null => {
  if (HEX.test(value) || BASE64.test(value)) return null;
  return 'is no SHA-256: give its 32 bytes as 64 hexadecimal digits, or in base64 or base64url';
};

const checkBcrypt = (value: string): string | null => {
  const cost = BCRYPT.exec(value)?.[1];
  if (cost === undefined) return 'is no bcrypt hash: it begins with $2a$, $2b$ or $2y$ and has 60 characters';
  if (Number(cost) >= 4 && Number(cost) <= BCRYPT_COST_MAX) return null;
  return `has the cost ${cost}: from 4 to ${BCRYPT_COST_MAX} can be checked`;
};

const checkArgon2id = (value: string): string | null => {
  const [, memory, passes, lanes, salt = '', hash = ''] = ARGON2ID.exec(value) ?? [];
  if (memory === undefined) {
    return 'is no argon2id hash: it looks like $argon2id$v=19$m=65536,t=3,p=4$SALT$HASH, without padding';
  }
  const [m, t, p] = [Number(memory), Number(passes), Number(lanes)];
  if (t < 1 || p < 1 || p > ARGON2_LANES_MAX || m < 8 * p || m > ARGON2_MEMORY_MAX_KIB) {
    return `has parameters that cannot be checked: m up to ${ARGON2_MEMORY_MAX_KIB}, p up to ${ARGON2_LANES_MAX}`;
  }
  if (m * t > ARGON2_WORK_MAX) return `takes too long to check: m times t may be up to ${ARGON2_WORK_MAX}`;
  const long = (text: string, bytes: number) => Buffer.from(text, 'base64').length >= bytes;
  return long(salt, 8) && long(hash, 16) ? null : 'has a salt below 8 bytes or a hash below 16';
};

/** What is wrong with a hash as somebody has given it; `null`: nothing. */
export const checkHash = ({ format, value }: Pick<ImportedHash, 'format' | 'value'>): string | null => {
  if (format === 'sha256') return checkSha256(value);
  return format === 'bcrypt' ? checkBcrypt(value) : checkArgon2id(value);
};

/** One spelling for each hash. */
export const normalizeHash = (hash: ImportedHash): ImportedHash => {
  if (hash.format === 'sha256') {
    const bytes = Buffer.from(hash.value, HEX.test(hash.value) ? 'hex' : 'base64');
    const salt = hash.salt || null;
    const saltPosition = salt === null ? 'before' : hash.saltPosition;
    return { ...hash, value: bytes.toString('base64url'), salt, saltPosition };
  }
  // PHP's name for what everybody else calls $2b$.
  return { ...hash, value: hash.value.replace(/^\$2y\$/, '$2b$'), salt: null, saltPosition: 'before' };
};

/** Two hashes that are the same have the same; it says nothing of the token that the hash does not. */
export const identityOf = ({ format, value, salt, saltPosition, withoutPrefix }: ImportedHash): string =>
  JSON.stringify([format, value, salt, salt === null ? null : saltPosition, withoutPrefix]);

/** How a key with this hash is found; a hash that is not the same for equal tokens needs the token's start. */
export const ruleOf = (hash: ImportedHash, start: string | null): ImportRule | null => {
  const { format, salt, saltPosition, withoutPrefix } = hash;
  if (start !== null) return { kind: 'start', length: start.length };
  return format === 'sha256' ? { kind: 'sha256', salt, saltPosition, withoutPrefix } : null;
};

/** Two rules that are the same have the same. */
export const ruleIdOf = (rule: ImportRule): string =>
  rule.kind === 'start'
    ? `start:${rule.length}`
    : `sha256:${JSON.stringify([rule.withoutPrefix, rule.salt, rule.saltPosition])}`;

export const lookupOf = (hash: ImportedHash, start: string | null): string =>
  start === null ? `sha256:${hash.value}` : `start:${start}`;

export const isSlow = ({ format }: Pick<ImportedHash, 'format'>): boolean => format !== 'sha256';

/** What of the token was hashed; `null`: the token does not begin as those do. */
export const hashedPartOf = (token: string, withoutPrefix: string | null): string | null => {
  if (withoutPrefix === null) return token;
  return token.startsWith(withoutPrefix) ? token.slice(withoutPrefix.length) : null;
};

type Salting = Pick<ImportedHash, 'salt' | 'saltPosition' | 'withoutPrefix'>;

const sha256Of = (token: string, { salt, saltPosition, withoutPrefix }: Salting): string | null => {
  const part = hashedPartOf(token, withoutPrefix);
  if (part === null) return null;
  const before = saltPosition === 'before' ? (salt ?? '') : '';
  const after = saltPosition === 'after' ? (salt ?? '') : '';
  return createHash('sha256').update(`${before}${part}${after}`).digest('base64url');
};

/** Under what the token may be kept, by each of the rules. */
export const lookupsOf = (token: string, rules: readonly ImportRule[]): string[] => {
  const lookups = new Set<string>();
  for (const rule of rules) {
    if (rule.kind === 'start') {
      if (token.length > rule.length) lookups.add(`start:${token.slice(0, rule.length)}`);
      continue;
    }
    const value = sha256Of(token, rule);
    if (value !== null) lookups.add(`sha256:${value}`);
  }
  return [...lookups];
};

/** For SHA-256 alone; the others take `SlowHashes`. */
export const matchesSha256 = (token: string, hash: ImportedHash): boolean => {
  const value = sha256Of(token, hash);
  if (value === null || hash.format !== 'sha256') return false;
  const [given, kept] = [Buffer.from(value), Buffer.from(hash.value)];
  return given.length === kept.length && timingSafeEqual(given, kept);
};
