import { tokenStart } from '@kaana/api-key';
import type { Peppers } from '@kaana/api-key/digest';
import { BoundedMap } from './bounded-map.ts';
import type { Clock } from './clock.ts';
import { Coalescer } from './coalesce.ts';
import { KaanaError } from './errors.ts';
import { type ImportRule, isSlow, type KeptHash, lookupsOf, matchesSha256 } from './imported-hash.ts';
import { returnAttempt, takeAttempt } from './limit-question.ts';
import { THROTTLES } from './limiter.ts';
import { systemTimer, type Timer } from './meter.ts';
import type { ApiKey, KeySecret } from './model.ts';
import { createEvent, type Origin } from './principal.ts';
import { createSlowHashes, type SlowHashes } from './slow-hashes.ts';
import type { Stores } from './stores.ts';

/**
 * So long may a process believe what it has read of the import rules. An import waits longer between writing its rules
 * and its first key, so that no process misses a key by what it believes.
 */
export const RULES_BELIEVED_MS = 1_000;
const REFUTED_KEPT = 20_000;
/** A key that changes under our hands is looked at again, but not for ever. */
const ATTEMPTS = 3;

/** A key that was imported, and the secret of it that the token is, not used here yet. */
export type Candidate = {
  readonly key: ApiKey;
  readonly secret: KeySecret & { readonly imported: KeptHash };
};

/** What to do with a token that is not of our form. */
export type ForeignTokens = {
  /** Whether keys of other systems were ever imported into this database. At most one question a second is asked for it. */
  expected(): boolean | Promise<boolean>;
  /**
   * The key that the token belongs to and that is still stored as the other system did. Errors: `overloaded` and
   * `rate_limited`, for slow hashes alone.
   */
  find(token: string, ip: string | null): Promise<Candidate | null>;
  /** Stores the secret as ours are. `false`: somebody else did, or the key is no longer active. */
  migrate(token: string, candidate: Candidate, origin: Origin): Promise<boolean>;
};

/** Answers `look`, or else what an imported key becomes on the first use of its token. */
export const throughMigration = async <Found>(
  foreign: ForeignTokens,
  token: string,
  origin: Origin,
  look: () => Promise<Found | null>,
  dead: (candidate: Candidate) => Found | null,
): Promise<Found | null> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await look();
    if (found) return found;
    const candidate = await foreign.find(token, origin.ip);
    // Another process may have replaced its hash between the two looks.
    if (!candidate) return look();
    const final = dead(candidate);
    if (final) return final;
    await foreign.migrate(token, candidate, origin);
  }
  return look();
};

/** The first characters, but no more than a quarter of it: other systems' tokens may be short. */
const startOf = (token: string): string => tokenStart(token).slice(0, Math.floor(token.length / 4));

export const createForeignTokens = (
  stores: Pick<Stores, 'imports' | 'limits' | 'accounts'>,
  peppers: Peppers,
  clock: Clock,
  { slowHashes = createSlowHashes(), timer = systemTimer }: { slowHashes?: SlowHashes; timer?: Timer } = {},
): ForeignTokens => {
  let rules: readonly ImportRule[] = [];
  let believedUntil = -Infinity;
  const reading = new Coalescer<'rules', readonly ImportRule[]>(async () => {
    const askedAt = timer.now();
    rules = await stores.imports.rules();
    believedUntil = askedAt + RULES_BELIEVED_MS;
    return new Map([['rules', rules]]);
  });
  const currentRules = async (): Promise<readonly ImportRule[]> =>
    timer.now() < believedUntil ? rules : ((await reading.get('rules')) ?? []);

  const candidates = new Coalescer<string, readonly ApiKey[]>((lookups) =>
    stores.imports.candidates(lookups),
  );
  /** Digest of a token and secret that it is not. A fact about two texts: nothing that happens later changes it. */
  const refuted = new BoundedMap<string, true>(REFUTED_KEPT);
  /** Whoever sends a token while it is being checked waits for the same check. */
  const checking = new Map<string, Promise<boolean>>();

  const countAttempt = async (start: string, ip: string | null) => {
    // Without an address (a service asks about a token, and does not say whose call it was) the start alone counts.
    const byAddress =
      ip === null
        ? []
        : [
            { id: `imported:address:${ip}`, throttle: THROTTLES.importedAddress },
            { id: `imported:start-address:${start}:${ip}`, throttle: THROTTLES.importedStartAddress },
          ];
    const throttles = [...byAddress, { id: `imported:start:${start}`, throttle: THROTTLES.importedStart }];
    for (const { id, throttle } of throttles) {
      const waitMs = await takeAttempt(stores.limits, id, throttle);
      if (waitMs === null) continue;
      const seconds = Math.max(1, Math.ceil(waitMs / 1000));
      throw new KaanaError(
        'rate_limited',
        `Too many unknown API keys that begin like this one. Try again in ${seconds} seconds.`,
        { retryAfterSeconds: seconds },
      );
    }
    return () => Promise.all(throttles.map(({ id, throttle }) => returnAttempt(stores.limits, id, throttle)));
  };

  const checkSlow = async (token: string, { secret }: Candidate, ip: string | null): Promise<boolean> => {
    const refund = await countAttempt(secret.imported.lookup, ip);
    const matches = await slowHashes.verify(token, secret.imported);
    if (matches) await refund();
    return matches;
  };

  const matchesSlow = async (token: string, candidate: Candidate, ip: string | null): Promise<boolean> => {
    const pair = `${peppers.digest(token)}:${candidate.secret.id}`;
    if (refuted.get(pair)) return false;
    let check = checking.get(pair);
    if (!check) {
      check = checkSlow(token, candidate, ip).finally(() => checking.delete(pair));
      checking.set(pair, check);
    }
    const matches = await check;
    if (!matches) refuted.set(pair, true);
    return matches;
  };

  const candidatesOf = async (token: string): Promise<Candidate[]> => {
    const lookups = lookupsOf(token, await currentRules());
    const found = await Promise.all(lookups.map((lookup) => candidates.get(lookup)));
    return found.flatMap((keys = [], index) =>
      keys.flatMap((key) =>
        key.secrets.flatMap((secret) => {
          const { imported } = secret;
          return imported && imported.lookup === lookups[index]
            ? [{ key, secret: { ...secret, imported } }]
            : [];
        }),
      ),
    );
  };

  return {
    expected: () =>
      rules.length > 0 || (timer.now() >= believedUntil && currentRules().then(({ length }) => length > 0)),

    find: async (token, ip) => {
      const found = await candidatesOf(token);
      const quick = found.find(({ secret }) => matchesSha256(token, secret.imported));
      if (quick) return quick;
      for (const candidate of found) {
        if (isSlow(candidate.secret.imported) && (await matchesSlow(token, candidate, ip))) return candidate;
      }
      return null;
    },

    migrate: async (token, { key, secret }, origin) => {
      const now = clock();
      const { imported, ...kept } = secret;
      const owner = (await stores.accounts.getMany([key.accountId])).get(key.accountId);
      const replaced: KeySecret = {
        ...kept,
        digest: peppers.digest(token),
        pepperId: peppers.current.id,
        start: secret.start || startOf(token),
      };
      const event = createEvent(
        now,
        key.organizationId,
        {
          type: 'key',
          id: key.accountId,
          name: `${owner?.email ?? key.accountId} (${key.name})`,
          keyId: key.id,
        },
        'key.migrated',
        { type: 'key', id: key.id, name: key.name },
        { hash: { from: imported.format, to: 'hmac-sha256' } },
        origin,
      );
      return stores.imports.replaceHash(
        key.organizationId,
        key.id,
        secret.digest,
        replaced,
        new Date(now),
        event,
      );
    },
  };
};
