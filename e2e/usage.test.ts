import { describe, expect, it } from 'vitest';
import { call, keepAlive, verdict } from './call.ts';
import { ADMIN, type Created, FOUR, pick, startFleet } from './fleet.ts';
import { eventually, startServer } from './server.ts';
import { type Session, signIn } from './session.ts';

const OUTCOMES = ['served', 'clientError', 'denied', 'rateLimited', 'serverError'] as const;
type Outcome = (typeof OUTCOMES)[number];
type Counts = Record<Outcome | 'total', number>;

const outcomeOf = (status: number): Outcome => {
  if (status < 400) return 'served';
  if (status === 403) return 'denied';
  if (status === 429) return 'rateLimited';
  return status < 500 ? 'clientError' : 'serverError';
};

/** One of each kind, whoever asks. */
const REQUESTS = [
  { path: '/api/user' },
  { path: '/api/projects' },
  { path: '/api/projects/prj_that_is_not_there' },
  { path: '/api/projects?limit=many' },
  { path: '/api/user', headers: { 'kaana-organization': 'Somebody else' } },
  // An admin may, a member may not.
  { path: '/api/members' },
  { path: '/trpc/user.me' },
  { path: '/trpc/projects.get?input=%7B%22id%22%3A%22nope%22%7D' },
];
const EACH_KEY_AT_LEAST = 150;

type Key = { id: string; token: string; owner: string; counts: Counts };

const noCounts = (): Counts => ({
  served: 0,
  clientError: 0,
  denied: 0,
  rateLimited: 0,
  serverError: 0,
  total: 0,
});

const createKeys = async (session: Session, owner: string, count: number): Promise<Key[]> => {
  const created = Array.from({ length: count }, () =>
    session.mutate<Created>('keys.create', { name: owner }),
  );
  return (await Promise.all(created)).map(({ key, token }) => ({
    id: key.id,
    token,
    owner,
    counts: noCounts(),
  }));
};

describe('usage', () => {
  it('is what was answered, exactly, by key and outcome, when all processes are stopped under load', async ({
    annotate,
  }) => {
    await using fleet = await startFleet([{}, { WORKERS: '2' }, {}, {}]);
    const { site, urls } = fleet;
    const keys: Key[] = [];
    for (const owner of ['ada@acme.test', 'max@acme.test', ADMIN]) {
      keys.push(...(await createKeys(await signIn(pick(urls), owner), owner, 2)));
    }

    const surprises: string[] = [];
    const agent = keepAlive();
    let stopping = false;
    const caller = async (url: string) => {
      for (;;) {
        const key = pick(keys);
        const { path, ...options } = pick(REQUESTS);
        try {
          const answer = await call(agent, url, path, { ...options, token: key.token });
          // A process that is stopping may say so; it has not looked at the key then.
          if (stopping && verdict(answer) === '503 overloaded') continue;
          key.counts[outcomeOf(answer.status)]++;
          key.counts.total++;
          if (answer.status >= 500 || answer.status === 401) surprises.push(verdict(answer));
        } catch (error) {
          if (stopping) return;
          throw error;
        }
      }
    };
    const callers = Promise.all(urls.flatMap((url) => [caller(url), caller(url), caller(url), caller(url)]));
    await Promise.race([
      callers,
      eventually(async () => keys.every(({ counts }) => counts.total >= EACH_KEY_AT_LEAST)),
    ]);
    stopping = true;
    expect(await fleet.stop()).toEqual([0, 0, 0, 0]);
    await callers;

    await using reader = await startServer(site);
    const stored: Counts[] = [];
    for (const { id, owner } of keys) {
      const session = await signIn(reader.url, owner);
      stored.push((await session.query<{ totals: Counts }>('usage.summary', { keyId: id })).totals);
    }
    await annotate(`answered ${keys.reduce((sum, { counts }) => sum + counts.total, 0)} requests`);
    expect(stored).toEqual(keys.map(({ counts }) => counts));
    expect(surprises).toEqual([]);
    for (const outcome of ['served', 'clientError', 'denied', 'rateLimited'] as const) {
      expect(
        stored.some((counts) => counts[outcome] > 0),
        outcome,
      ).toBe(true);
    }
  });

  it('shows when, from where and by what a key was last used, whichever process served it', async () => {
    await using fleet = await startFleet(FOUR.map(() => ({ TRUST_PROXY: '1' })));
    const { site, urls } = fleet;
    const grace = await signIn(pick(urls), ADMIN);
    const keys = await createKeys(grace, ADMIN, urls.length);
    const startedAt = Date.now();
    await Promise.all(
      keys.map(async ({ token }, index) => {
        for (const address of ['192.0.2.1', `198.51.100.${index}`]) {
          const headers = { 'user-agent': `agent ${index} at ${address}`, 'x-forwarded-for': address };
          const { status } = await call(keepAlive(), urls[index] ?? '', '/api/user', { token, headers });
          expect(status).toBe(200);
        }
      }),
    );
    const endedAt = Date.now();
    expect(await fleet.stop()).toEqual([0, 0, 0, 0]);
    await using reader = await startServer(site);
    const again = await signIn(reader.url, ADMIN);
    for (const [index, { id }] of keys.entries()) {
      const key = await again.query<{ lastUsedAt: string }>('keys.get', { id });
      expect(key).toMatchObject({
        lastUsedIp: `198.51.100.${index}`,
        lastUsedUserAgent: `agent ${index} at 198.51.100.${index}`,
      });
      const lastUsedAt = Date.parse(key.lastUsedAt);
      expect(lastUsedAt).toBeGreaterThanOrEqual(startedAt);
      expect(lastUsedAt).toBeLessThanOrEqual(endedAt);
    }
  });
});
