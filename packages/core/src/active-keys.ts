import type { Clock } from './clock.ts';
import type { ApiKey, KeyActivity } from './model.ts';
import type { Stores } from './stores.ts';

export type ActiveKeys = {
  readonly keys: readonly ApiKey[];
  /** By key id, of those that were ever used. */
  readonly activity: ReadonlyMap<string, KeyActivity>;
  /** When they were read. */
  readonly now: number;
};

/** All active keys of an organization with their last uses, newest first, `limit` at a time. */
export async function* activeKeyPages(
  stores: Pick<Stores, 'keys' | 'usage'>,
  organizationId: string,
  clock: Clock,
  limit: number,
): AsyncGenerator<ActiveKeys> {
  let before: string | undefined;
  do {
    const now = clock();
    const keys = await stores.keys.list({
      organizationId,
      status: 'active',
      now: new Date(now),
      limit,
      before,
    });
    const activity = await stores.usage.activity(keys.map(({ id }) => id));
    yield { keys, activity, now };
    before = keys.length < limit ? undefined : keys.at(-1)?.id;
  } while (before !== undefined);
}
