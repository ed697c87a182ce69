import { parseToken } from '@kaana/api-key';
import type { Peppers } from '@kaana/api-key/digest';
import type { ForeignTokens } from './foreign-tokens.ts';
import { isForeignToken } from './imported-hash.ts';
import type { ApiKey, KeySecret } from './model.ts';
import type { Stores } from './stores.ts';

export type FoundToken = { readonly key: ApiKey; readonly secret: KeySecret };

/** Whose a token is, whatever the key's status; for those who may know of it. Uses nothing up and changes nothing. */
export type TokenFinder = {
  find(token: string, ip?: string | null): Promise<FoundToken | null>;
  /** Of another system, and imported. */
  findForeign(token: string, ip: string | null): Promise<FoundToken | null>;
  /** Ours alone, many at once: by token. Those of other systems are not in it. */
  findMany(tokens: readonly string[]): Promise<ReadonlyMap<string, FoundToken>>;
};

export const createTokenFinder = (
  stores: Pick<Stores, 'keys'>,
  peppers: Peppers,
  foreign: ForeignTokens,
): TokenFinder => {
  const look = async (tokens: readonly string[]): Promise<ReadonlyMap<string, FoundToken>> => {
    const byDigest = new Map(
      tokens.flatMap((token) => peppers.digests(token).map(({ digest }) => [digest, token] as const)),
    );
    const found = new Map<string, FoundToken>();
    if (byDigest.size === 0) return found;
    for (const [digest, key] of await stores.keys.findByDigests([...byDigest.keys()])) {
      const token = byDigest.get(digest);
      const secret = key.secrets.find((candidate) => candidate.digest === digest);
      if (token !== undefined && secret) found.set(token, { key, secret });
    }
    return found;
  };
  const lookFor = async (token: string) => (await look([token])).get(token) ?? null;

  const findForeign = async (token: string, ip: string | null): Promise<FoundToken | null> => {
    const parsed = parseToken(token);
    if (parsed.ok || parsed.reason !== 'format' || !isForeignToken(token)) return null;
    if (!(await foreign.expected())) return null;
    // The last look: another process may have replaced its hash between the two before.
    return (await lookFor(token)) ?? (await foreign.find(token, ip)) ?? (await lookFor(token));
  };

  return {
    findMany: (tokens) => look(tokens.filter((token) => parseToken(token).ok)),
    findForeign,
    find: (token, ip = null) => (parseToken(token).ok ? lookFor(token) : findForeign(token, ip)),
  };
};
