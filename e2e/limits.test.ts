import { fileURLToPath, pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { call, keepAlive } from './call.ts';
import { ADMIN, type Created, type Fleet, invite, pick, setLimit, startFleet } from './fleet.ts';
import { type Entry, Journal } from './journal.ts';
import { type Session, signIn } from './session.ts';

/** How wrong the clock of each of the four processes is. */
const SKEWS_MS = [-4_000, 0, 7_000, 2_000];
const SKEW = pathToFileURL(fileURLToPath(new URL('./clock-skew.mjs', import.meta.url))).href;
/** Of every scenario: two windows and a little. */
const DURATION_MS = 124_000;
/** For two windows, and for a machine that has other things to do as well. */
const PATIENCE_MS = 420_000;
/** What clocks of machines that are set over the network may run apart in a window: 500 millionths. */
const DRIFT_MS = 30;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
const agent = keepAlive();

/** An account as its caller sees it: two keys, any of the servers, and a journal of what it was told. */
class Caller {
  readonly journal: Journal;
  readonly urls: readonly string[];
  readonly #tokens: readonly string[];

  constructor(journal: Journal, urls: readonly string[], tokens: readonly string[]) {
    this.journal = journal;
    this.urls = urls;
    this.#tokens = tokens;
  }

  async send(url = pick(this.urls)): Promise<Entry> {
    const startedAt = Date.now();
    const answer = await call(agent, url, '/api/user', { token: pick(this.#tokens) }).catch(() => undefined);
    return this.journal.write(startedAt, answer);
  }
}

type Scenario = (caller: Caller, endsAt: number) => Promise<unknown>;

/** Tries on every process again and again, whatever it is told. */
const insistent: Scenario = (caller, endsAt) =>
  Promise.all(
    caller.urls.map(async (url) => {
      while (Date.now() < endsAt) {
        await caller.send(url);
        await pause(150);
      }
    }),
  );

/** Sends as soon, and as many, as it may be sure to be within its limit, and never more. */
const modest: Scenario = async (caller, endsAt) => {
  const { journal } = caller;
  while (Date.now() < endsAt) {
    const left = journal.surelyLeft(Date.now());
    const count = Math.min(left, 1 + Math.floor(Math.random() * journal.limit));
    await Promise.all(Array.from({ length: count }, () => caller.send()));
    await pause(left > 0 ? Math.random() * 2_000 : 2);
  }
  if (journal.refused > 0) journal.complaints.push(`${journal.name}: refused ${journal.refused} times`);
};

/** One request after the other; where it is refused it waits for as long as it is told, and is let in then. */
const obedient: Scenario = async (caller, endsAt) => {
  const { journal } = caller;
  while (Date.now() < endsAt) {
    const { outcome, retryAfterSeconds } = await caller.send();
    if (outcome !== 'refused') continue;
    await pause(retryAfterSeconds * 1_000);
    const again = await caller.send();
    if (again.outcome === 'refused') {
      journal.complaints.push(`${journal.name}: refused after a wait of ${retryAfterSeconds} s as told`);
    }
  }
};

/** As fast as it can until it is refused for the first time; then a request now and then. */
const flood: Scenario = async (caller, endsAt) => {
  const until = Date.now() + DURATION_MS / 2;
  let refused = false;
  const loops = caller.urls.flatMap((url) =>
    Array.from({ length: 16 }, async () => {
      while (!refused && Date.now() < until) refused ||= (await caller.send(url)).outcome === 'refused';
    }),
  );
  await Promise.all(loops);
  await insistent(caller, endsAt);
};

type Burst = { atMs: number; share: number; spreadMs: number; servers: number[] };

/** When, how many (as a share of the limit), over what time, and to which processes. */
const arrivals: fc.Arbitrary<Burst[]> = fc.array(
  fc.record({
    atMs: fc.oneof(
      fc.integer({ min: 0, max: DURATION_MS - 6_000 }),
      // About the edges of the window after what comes first.
      fc.integer({ min: -150, max: 150 }).map((off) => 60_000 + off),
      fc.constant(0),
    ),
    share: fc.double({ min: 0.2, max: 1.2, noNaN: true }),
    spreadMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })),
    servers: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
  }),
  { minLength: 5, maxLength: 9, size: 'max' },
);

const patterned =
  (bursts: readonly Burst[]): Scenario =>
  (caller, endsAt) => {
    const beginsAt = endsAt - DURATION_MS;
    return Promise.all(
      bursts.map(async ({ atMs, share, spreadMs, servers }) => {
        const count = Math.ceil(share * caller.journal.limit);
        await pause(beginsAt + atMs - Date.now());
        await Promise.all(
          Array.from({ length: count }, async (_, index) => {
            if (spreadMs > 0) await pause((spreadMs * index) / count);
            await caller.send(caller.urls[servers[index % servers.length] ?? 0]);
          }),
        );
      }),
    );
  };

const createCaller = async (fleet: Fleet, name: string, session: Session, limit: number): Promise<Caller> => {
  const tokens: string[] = [];
  for (const key of ['one', 'two']) {
    tokens.push((await session.mutate<Created>('keys.create', { name: key })).token);
  }
  const journal = new Journal(`${name} (${limit} a minute)`, limit, fleet.site.embedded ? 0 : DRIFT_MS);
  return new Caller(journal, fleet.urls, tokens);
};

const startSkewedFleet = async (limits: Record<string, number>): Promise<Fleet> => {
  const environments = SKEWS_MS.map((skewMs) => ({
    NODE_OPTIONS: `--import ${SKEW}`,
    CLOCK_SKEW_MS: String(skewMs),
  }));
  const fleet = await startFleet(environments);
  for (const [organization, limit] of Object.entries(limits)) await setLimit(fleet.site, organization, limit);
  return fleet;
};

describe('an account over four processes whose clocks are seconds apart', { timeout: PATIENCE_MS }, () => {
  it('gets no more than its limit in any 60 seconds, never less, and is told the truth about it', async ({
    annotate,
  }) => {
    await using few = await startSkewedFleet({ Acme: 20, Globex: 1_000 });
    await using many = await startSkewedFleet({ Acme: 100, Globex: 8_000 });
    const seed = Math.floor(Math.random() * 2 ** 31);
    const patterns = fc.sample(arrivals, { numRuns: 3, seed });

    const cast: [Caller, Scenario][] = [];
    const join = async (fleet: Fleet, name: string, session: Session, limit: number, scenario: Scenario) => {
      cast.push([await createCaller(fleet, name, session, limit), scenario]);
    };
    const person = (fleet: Fleet, email: string) => signIn(pick(fleet.urls), email);
    const newcomer = async (fleet: Fleet, admin: string) =>
      (await invite(await person(fleet, admin), pick(fleet.urls), 'member')).session;
    const bursts = (index: number) => patterned(patterns[index] ?? []);
    await Promise.all([
      join(few, 'insistent', await person(few, 'ada@acme.test'), 20, insistent),
      join(few, 'modest', await person(few, 'max@acme.test'), 20, modest),
      join(few, 'bursts', await person(few, ADMIN), 1_000, bursts(0)),
      join(few, 'modest', await newcomer(few, ADMIN), 1_000, modest),
      join(many, 'bursts', await person(many, 'ada@acme.test'), 100, bursts(1)),
      join(many, 'obedient', await person(many, 'max@acme.test'), 100, obedient),
      join(many, 'bursts', await newcomer(many, 'ada@acme.test'), 100, bursts(2)),
      join(many, 'flood', await person(many, ADMIN), 8_000, flood),
    ]);

    const endsAt = Date.now() + DURATION_MS;
    await Promise.all(cast.map(([caller, scenario]) => scenario(caller, endsAt)));
    for (const [{ journal }] of cast) {
      await annotate(`${journal.name}: ${journal.accepted} accepted, ${journal.refused} refused`);
    }
    expect(
      cast.flatMap(([{ journal }]) => journal.findings()),
      `fast-check seed ${seed}`,
    ).toEqual([]);
    // They have met their limits, but for those who took care not to.
    for (const [{ journal }, scenario] of cast) {
      if (scenario === insistent || scenario === obedient) expect(journal.refused).toBeGreaterThan(0);
    }
  });
});
