import { randomBytes } from 'node:crypto';
import bcrypt from 'bcrypt';
import { createGate } from './gate.ts';

/** bcrypt's work factor: about 190 ms of one core. */
export const PASSWORD_COST = 12;

const MAX_WAITING = 100;

export type Passwords = {
  hash(password: string): Promise<string>;
  /** `null` for an account that does not exist costs the same work, and is false. */
  verify(password: string, hash: string | null): Promise<boolean>;
};

const BCRYPT_ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Costs as much to compare with as any other, and is the hash of no known password; made without hashing one. */
const unmatchableHash = (cost: number): string =>
  bcrypt.genSaltSync(cost) + [...randomBytes(31)].map((byte) => BCRYPT_ALPHABET.charAt(byte & 63)).join('');

/** `cost`: 12, but for tests that are not about it. */
export const createPasswords = (cost = PASSWORD_COST): Passwords => {
  // bcrypt runs on libuv's pool of four threads. Two at a time leave room for everything else that runs there, and keep a
  // flood of sign-ins from taking the machine.
  const gate = createGate(2, MAX_WAITING);
  const nobody = unmatchableHash(cost);
  return {
    hash: (password) => gate(() => bcrypt.hash(password, cost)),
    verify: async (password, hash) => {
      const matches = await gate(() => bcrypt.compare(password, hash ?? nobody));
      return matches && hash !== null && Buffer.byteLength(password) <= 72;
    },
  };
};

/** A password that a person can type once: 20 characters of base32, 100 bits. */
export const generatePassword = (): string => {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789ABC'.slice(0, 32);
  const characters = [...randomBytes(20)].map((byte) => alphabet.charAt(byte & 31)).join('');
  return (characters.match(/.{5}/g) ?? []).join('-');
};
