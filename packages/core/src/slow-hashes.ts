import bcrypt from 'bcrypt';
import { createGate, type Gate } from './gate.ts';
import { hashedPartOf, type ImportedHash } from './imported-hash.ts';

/** So many checks may wait for the one that runs. */
const MAX_WAITING = 32;

export type SlowHashes = {
  /** Whether the token is the one of a bcrypt or argon2id hash. Error: `overloaded`, where too many wait already. */
  verify(token: string, hash: ImportedHash): Promise<boolean>;
};

/**
 * Each check takes a thread of libuv's pool for as long as the other system has meant it to take. One at a time: of the
 * four threads two are for passwords, and one is left for everything else.
 */
export const createSlowHashes = (gate: Gate = createGate(1, MAX_WAITING)): SlowHashes => ({
  verify: async (token, hash) => {
    const part = hashedPartOf(token, hash.withoutPrefix);
    if (part === null || part === '') return false;
    return gate(async () => {
      if (hash.format === 'bcrypt') return bcrypt.compare(part, hash.value);
      if (hash.format !== 'argon2id') return false;
      // A native module that only those need who import such hashes.
      const argon2 = await import('@node-rs/argon2');
      return argon2.verify(hash.value, part);
    });
  },
});
