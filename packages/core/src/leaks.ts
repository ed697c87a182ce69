import { redactTokens } from '@kaana/api-key';
import type { Clock } from './clock.ts';
import { isOver } from './key-secrets.ts';
import { statusOf } from './keys.ts';
import type { Actor, LeakSource, Organization } from './model.ts';
import { NO_POLICIES } from './policies.ts';
import { ANONYMOUS, type Change, createEvent, type Origin } from './principal.ts';
import type { Stores } from './stores.ts';
import type { FoundToken, TokenFinder } from './token-finder.ts';

/** A token that was found where it does not belong. */
export type LeakedToken = { readonly token: string; readonly source: LeakSource };

export type Leaks = {
  /**
   * Does to each token's key what its organization's policy says, and returns the tokens that are of a key of ours, in
   * use or not. Doing it twice changes nothing more. A token that no longer works changes nothing: its key may have a
   * new one.
   */
  report(tokens: readonly LeakedToken[], origin: Origin): Promise<ReadonlySet<string>>;
};

/** One after the other would take long, all at once would crowd out others. */
const PARALLEL = 8;
/** Fewer than may wait for a slow check (`slow-hashes.ts`), so that a report alone does not fill that queue. */
const FOREIGN_PARALLEL = 20;

const URL_MAX = 500;
const GITHUB: Actor = { type: 'system', id: null, name: 'GitHub secret scanning', keyId: null };

const cleaned = ({ reporter, url }: LeakSource): LeakSource => ({
  reporter,
  // Part of an address may be what was found.
  url: url === null ? null : redactTokens(url).slice(0, URL_MAX),
});

export const createLeaks = (
  stores: Pick<Stores, 'keys' | 'organizations'>,
  tokens: TokenFinder,
  clock: Clock,
): Leaks => {
  const act = async (
    { key, secret }: FoundToken,
    organization: Organization | undefined,
    given: LeakSource,
    origin: Origin,
  ): Promise<void> => {
    const now = clock();
    if (statusOf(key, now) !== 'active' || isOver(secret, now)) return;
    const { onLeak } = organization?.policies ?? NO_POLICIES;
    // The first report is the one that is remembered.
    const leak = { at: key.leakedAt ?? new Date(now), source: key.leakSource ?? cleaned(given) };
    const marked: Change = key.leakedAt
      ? {}
      : {
          leakedAt: { from: null, to: leak.at.toISOString() },
          leakSource: { from: null, to: leak.source },
        };
    const event = (action: string, changes: Change) =>
      createEvent(
        now,
        key.organizationId,
        given.reporter === 'github' ? GITHUB : ANONYMOUS,
        action,
        { type: 'key', id: key.id, name: key.name },
        { ...changes, ...marked },
        origin,
      );
    if (onLeak === 'revoke') {
      const revoked = event('key.revoked', {
        status: { from: 'active', to: 'revoked' },
        reason: { from: null, to: 'leaked' },
      });
      await stores.keys.revoke(key.organizationId, key.id, new Date(now), 'leaked', revoked, leak);
    } else if (!key.leakedAt) {
      // Webhooks are told of `key.leaked`; `key.flagged` stands in the audit log alone.
      const told = event(onLeak === 'notify' ? 'key.leaked' : 'key.flagged', {});
      await stores.keys.markLeaked(key.organizationId, key.id, leak, told);
    }
  };

  const find = async (reported: readonly LeakedToken[], origin: Origin): Promise<Map<string, FoundToken>> => {
    const found = new Map(await tokens.findMany(reported.map(({ token }) => token)));
    const others = reported.map(({ token }) => token).filter((token) => !found.has(token));
    // Those of another system that were imported.
    for (let from = 0; from < others.length; from += FOREIGN_PARALLEL) {
      await Promise.all(
        others.slice(from, from + FOREIGN_PARALLEL).map(async (token) => {
          const other = await tokens.findForeign(token, origin.ip);
          if (other) found.set(token, other);
        }),
      );
    }
    return found;
  };

  return {
    report: async (reported, origin) => {
      const found = await find(reported, origin);
      const ids = [...new Set([...found.values()].map(({ key }) => key.organizationId))];
      const organizations =
        ids.length > 0 ? await stores.organizations.getMany(ids) : new Map<string, Organization>();
      const sources = new Map(reported.map(({ token, source }) => [token, source]));
      const hits = [...found];
      for (let from = 0; from < hits.length; from += PARALLEL) {
        await Promise.all(
          hits.slice(from, from + PARALLEL).map(([token, hit]) => {
            const source = sources.get(token) ?? { reporter: 'anonymous', url: null };
            return act(hit, organizations.get(hit.key.organizationId), source, origin);
          }),
        );
      }
      return new Set(found.keys());
    },
  };
};
