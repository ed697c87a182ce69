import type { Clock } from './clock.ts';
import { ANONYMOUS, createEvent, type Origin } from './principal.ts';
import type { Stores } from './stores.ts';
import type { TokenFinder } from './token-finder.ts';

export type Leaks = {
  /** The kill switch for a found token: whoever holds it may end it. Says nothing about whether it was known. */
  report(token: string, origin: Origin): Promise<void>;
};

export const createLeaks = (stores: Pick<Stores, 'keys'>, tokens: TokenFinder, clock: Clock): Leaks => ({
  report: async (token, origin) => {
    const found = await tokens.find(token, origin.ip);
    if (!found) return;
    const { key } = found;
    const now = clock();
    const event = createEvent(
      now,
      key.organizationId,
      ANONYMOUS,
      'key.revoked',
      { type: 'key', id: key.id, name: key.name },
      { status: { from: 'active', to: 'revoked' }, reason: { from: null, to: 'leaked' } },
      origin,
    );
    await stores.keys.revoke(key.organizationId, key.id, new Date(now), 'leaked', event);
  },
});
