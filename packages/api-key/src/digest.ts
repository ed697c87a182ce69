import { createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';

/** As long as SHA-256's output: a shorter HMAC key is weaker, a longer one no stronger (RFC 2104, section 3). */
export const PEPPER_BYTES = 32;

const ID = /^[a-z0-9_-]{1,32}$/;
const BASE64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/;
const EXAMPLE = 'echo "p1:$(openssl rand -base64 32)"';

/** `pepper_invalid`: the configuration cannot be used. `pepper_unknown`: a digest names a pepper that was taken out of it. */
export class PepperError extends Error {
  readonly code: 'pepper_invalid' | 'pepper_unknown';

  constructor(code: PepperError['code'], message: string) {
    super(message);
    this.name = 'PepperError';
    this.code = code;
  }
}

const invalid = (message: string) => new PepperError('pepper_invalid', message);

export type TokenDigest = { readonly pepperId: string; readonly digest: string };

// Per digest on Node 20: 2.1 to 2.9 µs. A buffer instead of a KeyObject, copies of prepared inner and outer hashes, and
// two one-shot `crypto.hash` calls are no faster beyond noise; WebCrypto takes 75 µs, for its trip through a thread.
const hmac = (secret: KeyObject, token: string): string =>
  createHmac('sha256', secret).update(token).digest('base64url');

/**
 * The secrets of the digest under which a token is stored. They are kept in private fields, as `KeyObject`s: nothing
 * that prints, serializes or clones an object shows them.
 */
export class Peppers {
  /** The one that mints. */
  readonly current: { readonly id: string };
  /** All, the current one first. */
  readonly ids: readonly string[];
  readonly #secrets: ReadonlyMap<string, KeyObject>;

  /** `secrets`: by id in lower case, the current one first. Use `parsePeppers` for what a person has written. */
  constructor(secrets: ReadonlyMap<string, KeyObject>) {
    this.#secrets = new Map(secrets);
    this.ids = Object.freeze([...this.#secrets.keys()]);
    const [id] = this.ids;
    if (id === undefined) throw invalid('There is no pepper: give at least one.');
    this.current = Object.freeze({ id });
  }

  /** HMAC-SHA-256 in base64url, 43 characters. Error: `pepper_unknown`. */
  digest(token: string, pepperId: string = this.current.id): string {
    return hmac(this.#secretOf(pepperId), token);
  }

  /** A key for another purpose, of 32 bytes: HKDF-SHA-256 (RFC 5869). Error: `pepper_unknown`. */
  derive(purpose: string, pepperId: string = this.current.id): KeyObject {
    const key = hkdfSync('sha256', this.#secretOf(pepperId), '', purpose, PEPPER_BYTES);
    return createSecretKey(new Uint8Array(key));
  }

  #secretOf(pepperId: string): KeyObject {
    const secret = this.#secrets.get(pepperId) ?? this.#secrets.get(pepperId.toLowerCase());
    if (!secret) {
      // Anything but an id is not repeated: it may be a token, from a caller that has swapped the arguments.
      const name = ID.test(pepperId) ? ` "${pepperId}"` : '';
      throw new PepperError(
        'pepper_unknown',
        `The pepper${name} is not configured. Put it back, after the current one, or replace the keys that were made with it.`,
      );
    }
    return secret;
  }

  /** Every digest under which the token may be stored, the current pepper's first. */
  digests(token: string): TokenDigest[] {
    const digests: TokenDigest[] = [];
    for (const [pepperId, secret] of this.#secrets) digests.push({ pepperId, digest: hmac(secret, token) });
    return digests;
  }

  toJSON() {
    return { current: this.current, ids: this.ids };
  }

  toString(): string {
    return `Peppers(${this.ids.join(', ')})`;
  }
}

/**
 * Reads `id:base64` pairs, separated by commas: the first one mints, the others only recognize what they have minted.
 * Ids are 1 to 32 of [a-z0-9_-], in any case; secrets are base64 or base64url of at least 32 bytes. Blanks around a pair
 * do not matter. Error: `pepper_invalid`, with what to do, and with nothing of the text, in which a secret may stand in
 * any place.
 */
export const parsePeppers = (text: string): Peppers => {
  if (text.trim() === '') {
    throw invalid(
      `There is no pepper: give at least one "id:base64" pair. A shell makes one with ${EXAMPLE}.`,
    );
  }
  const secrets = new Map<string, KeyObject>();
  for (const [index, pair] of text.split(',').entries()) {
    const which = `Pepper ${index + 1}`;
    const [rawId, base64, ...more] = pair.trim().split(':');
    if (rawId === undefined || rawId === '' || base64 === undefined || more.length > 0) {
      throw invalid(
        `${which} is not an "id:base64" pair: write an id, one colon and the secret, and put commas only between pairs. A shell makes one with ${EXAMPLE}.`,
      );
    }
    const id = rawId.toLowerCase();
    if (!ID.test(id)) {
      throw invalid(
        `${which} has an id that cannot be used: take 1 to 32 letters, digits, "_" or "-", such as "p1".`,
      );
    }
    if (secrets.has(id)) {
      throw invalid(
        `${which} has the same id as one before it: give each pepper its own. Case does not count.`,
      );
    }
    // Buffer.from skips what is not base64, so that a damaged secret would silently become another one.
    if (!BASE64.test(base64)) {
      throw invalid(`${which} has a secret that is not base64: encode it, as ${EXAMPLE} does.`);
    }
    const secret = Buffer.from(base64, 'base64');
    if (secret.length < PEPPER_BYTES) {
      throw invalid(
        `${which} has a secret of ${secret.length} bytes, and ${PEPPER_BYTES} are the least: make another with ${EXAMPLE}.`,
      );
    }
    secrets.set(id, createSecretKey(secret));
  }
  return new Peppers(secrets);
};

/** A new `id:base64` pair, as `parsePeppers` reads it, from the CSPRNG. Error: `pepper_invalid`, for the id. */
export const generatePepper = (id: string): string => {
  if (!ID.test(id.toLowerCase())) {
    throw invalid('A pepper\'s id is 1 to 32 letters, digits, "_" or "-", such as "p1".');
  }
  return `${id.toLowerCase()}:${randomBytes(PEPPER_BYTES).toString('base64')}`;
};
