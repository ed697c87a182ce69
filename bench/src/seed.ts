import { mintToken, tokenStart } from '@kaana/api-key';
import type { Peppers } from '@kaana/api-key/digest';
import { type Account, type ApiKey, createId } from '@kaana/core';
import type { Database } from '@kaana/db';

type Collections = Pick<Database, 'raw'>;

type Stored<Entity extends { readonly id: string }> = Omit<Entity, 'id'> & { _id: string };

/** As the product stores them. A field that it adds is missing here, and the build says so. */
const accountDocument = (organizationId: string, ordinal: number, createdAt: Date): Stored<Account> => ({
  _id: createId('acc', createdAt.getTime()),
  organizationId,
  email: `bench-${ordinal}@globex.test`,
  name: `Bench ${ordinal}`,
  role: 'member',
  status: 'active',
  passwordHash: 'nobody signs in',
  createdAt,
  lastSignedInAt: null,
  limits: null,
});

const keyDocument = (
  token: string,
  owner: { readonly organizationId: string; readonly accountId: string },
  slot: number,
  peppers: Peppers,
  createdAt: Date,
): Stored<ApiKey> => ({
  _id: createId('key', createdAt.getTime()),
  ...owner,
  name: `Bench key ${slot}`,
  secrets: [
    {
      id: createId('sec', createdAt.getTime()),
      digest: peppers.digest(token),
      pepperId: peppers.current.id,
      start: tokenStart(token),
      createdAt,
      expiresAt: null,
    },
  ],
  status: 'active',
  slot,
  scopes: null,
  scopesMode: 'enforce',
  scopesChangedAt: null,
  allowedIps: null,
  allowedIpsMode: 'enforce',
  allowedIpsChangedAt: null,
  createdAt,
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
  limits: null,
  credits: null,
});

/** If we die in between, the whole database is thrown away: no insert waits for a disk. */
const RELAXED = { ordered: false, writeConcern: { w: 1, journal: false } } as const;
const insert = async (database: Collections, collection: string, documents: readonly { _id: string }[]) => {
  await database.raw(collection).insertMany(documents as never[], RELAXED);
};

/** A key of an account that is there already. */
export const seedKey = async (database: Collections, peppers: Peppers, account: Account): Promise<string> => {
  const token = mintToken();
  const owner = { organizationId: account.organizationId, accountId: account.id };
  await insert(database, 'api_keys', [keyDocument(token, owner, 0, peppers, new Date())]);
  return token;
};

export const KEYS_PER_ACCOUNT = 10;
const ACCOUNTS_PER_BATCH = 500;

export type Population = {
  readonly storedKeys: number;
  /** Those whose tokens are wanted, all keys of accounts that are spread evenly among the others. */
  readonly usedKeys: number;
};

/** New accounts with `KEYS_PER_ACCOUNT` keys each, straight into the database; the tokens come account by account. */
export const seedAccounts = async (
  database: Collections,
  peppers: Peppers,
  organizationId: string,
  { storedKeys, usedKeys }: Population,
  report: (keys: number) => void,
): Promise<string[]> => {
  const total = Math.ceil(storedKeys / KEYS_PER_ACCOUNT);
  const stride = Math.max(1, Math.floor(storedKeys / usedKeys));
  const tokens: string[] = [];
  for (let first = 0; first < total; first += ACCOUNTS_PER_BATCH) {
    const now = new Date();
    const accounts: Stored<Account>[] = [];
    const keys: Stored<ApiKey>[] = [];
    for (let ordinal = first; ordinal < Math.min(first + ACCOUNTS_PER_BATCH, total); ordinal++) {
      const account = accountDocument(organizationId, ordinal, now);
      accounts.push(account);
      for (let slot = 0; slot < KEYS_PER_ACCOUNT; slot++) {
        const token = mintToken();
        keys.push(keyDocument(token, { organizationId, accountId: account._id }, slot, peppers, now));
        if (ordinal % stride === 0 && tokens.length < usedKeys) tokens.push(token);
      }
    }
    await insert(database, 'accounts', accounts);
    await insert(database, 'api_keys', keys);
    report((first + accounts.length) * KEYS_PER_ACCOUNT);
  }
  return tokens;
};
