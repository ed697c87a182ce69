import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { call, fresh, keepAlive, verdict } from './call.ts';
import { startOwnDatabase } from './database.ts';
import { ADMIN, type Created, invite, setLimit, UNLIMITED } from './fleet.ts';
import { openLine } from './line.ts';
import { openPipeline } from './pipeline.ts';
import {
  createSharedSite,
  createSite,
  eventually,
  type RunningServer,
  type Site,
  startServer,
} from './server.ts';
import { signIn } from './session.ts';

/** How many requests may wait in one process: of all accounts, and of one. */
const MOST = 10_000;
const MOST_OF_ONE = 2_000;
/** A server stays far below this, however many requests come. */
const MAX_MEMORY_MB = 600;
/** A database that is silent for longer is taken for away: 503 `store_unavailable`. */
const SHORT_MS = 4_500;
const PATIENCE_MS = 420_000;
const OVERLOADED = '503 overloaded';
const DEPTH = 8;

const memoryOf = async ({ pid }: RunningServer): Promise<number> => {
  if (process.platform !== 'linux') return 0;
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
};

/** Sends `count` requests at once, over many connections and with the tokens in turn. */
const flood = (url: string, tokens: readonly string[], count: number) => {
  const pipelines = Array.from({ length: Math.ceil(count / DEPTH) }, (_, index) =>
    openPipeline(url, '/api/user', tokens[index % tokens.length] ?? '', DEPTH),
  );
  return {
    written: Promise.all(pipelines.map(({ written }) => written)),
    answers: Promise.all(pipelines.map(({ answers }) => answers)).then((all) => all.flat()),
  };
};

/** A process has read what was sent to it once it has answered what was sent later. */
const hasRead = async (url: string) => {
  for (let count = 0; count < 3; count++) await call(fresh, url, '/healthz');
};

/** One key of each of several accounts. */
const createTokens = async (site: Site, url: string, accounts: number): Promise<string[]> => {
  await setLimit(site, 'Globex', UNLIMITED);
  const admin = await signIn(url, ADMIN);
  const tokens: string[] = [];
  for (let count = 0; count < accounts; count++) {
    const { session } = await invite(admin, url, 'member');
    tokens.push((await session.mutate<Created>('keys.create', { name: 'k' })).token);
  }
  return tokens;
};

const countOf = (answers: readonly string[], ...verdicts: string[]) =>
  answers.filter((answer) => verdicts.includes(answer)).length;

const others = (answers: readonly string[], ...verdicts: string[]) => [
  ...new Set(answers.filter((answer) => !verdicts.includes(answer))),
];

describe('while the database does not answer', { timeout: PATIENCE_MS }, () => {
  it('some 10,000 requests wait and are served when it does, and the rest are refused at once', async ({
    annotate,
  }) => {
    await using database = process.env.TEST_MONGODB_URI ? undefined : await startOwnDatabase();
    await using site = database
      ? await createSite({ MONGODB_URI: `${database.uri}/kaana` })
      : await createSharedSite();
    const { MONGODB_URI: uri = '' } = site.environment;
    await using line = await openLine(uri);
    await using server = await startServer(site, {
      LOG_LEVEL: 'silent',
      ...(database ? {} : { MONGODB_URI: line.uriOf(uri) }),
    });
    const { url } = server;
    // More accounts than it takes to fill the queues, even at so many of each.
    const tokens = await createTokens(site, url, 7);
    const send = (token = tokens[0] ?? '') => call(fresh, url, '/api/user', { token });
    expect(await Promise.all(tokens.map(async (token) => verdict(await send(token))))).toEqual(
      tokens.map(() => '200'),
    );

    const beganAt = Date.now();
    const isShort = () => Date.now() - beganAt < SHORT_MS;
    if (database) database.freeze();
    else line.stall();
    // The first batch is under way with one request in it; all others wait for it.
    const first = send();
    await hasRead(url);
    const wave = flood(url, tokens, 12_600);
    await wave.written;
    await hasRead(url);
    const atOnce: string[] = [];
    const surplus = Array.from({ length: 200 }, async () => atOnce.push(verdict(await send())));
    await eventually(async () => atOnce.length === surplus.length || !isShort());
    const refusedAtOnce = [...atOnce];
    const memory = await memoryOf(server);
    const short = isShort();
    if (database) database.thaw();
    else await line.mend();

    const answers = [verdict(await first), ...(await wave.answers)];
    await Promise.all(surplus);
    const accepted = countOf(answers, '200', '503 store_unavailable');
    await annotate(
      `${accepted} of ${answers.length} waited, ${refusedAtOnce.length} further ones refused at once, ${Math.round(memory)} MB`,
    );
    expect(others([...answers, ...atOnce], '200', '503 store_unavailable', OVERLOADED)).toEqual([]);
    expect(memory).toBeLessThan(MAX_MEMORY_MB);
    // Later, the time-outs have made room for others.
    if (short) {
      expect(countOf(answers, '503 store_unavailable')).toBe(0);
      expect(accepted).toBeLessThanOrEqual(MOST * 1.1);
      expect(accepted).toBeGreaterThanOrEqual(MOST_OF_ONE);
      expect(refusedAtOnce).toEqual(surplus.map(() => OVERLOADED));
    }
    await eventually(async () => (await send()).status === 200);
  });

  it('some 2,000 requests of one account wait to be counted, and those of another one are not refused for it', async ({
    annotate,
  }) => {
    await using site = await createSharedSite();
    const { MONGODB_URI: uri = '' } = site.environment;
    await using line = await openLine(uri);
    await using server = await startServer(site, { LOG_LEVEL: 'silent', MONGODB_URI: line.uriOf(uri) });
    const { url } = server;
    const [busy = '', quiet = ''] = await createTokens(site, url, 2);
    const agent = keepAlive();
    const send = (token: string) => call(agent, url, '/api/user', { token });
    for (const token of [busy, quiet]) expect(verdict(await send(token))).toBe('200');

    const beganAt = Date.now();
    line.holdWrites();
    const first = send(busy);
    await eventually(async () => line.held > 0);
    const wave = flood(url, [busy], 4_000);
    await wave.written;
    await hasRead(url);
    const spared = Array.from({ length: 50 }, () => send(quiet));
    await hasRead(url);
    const short = Date.now() - beganAt < SHORT_MS;
    await line.mend();

    const answers = [verdict(await first), ...(await wave.answers)];
    const accepted = countOf(answers, '200', '503 store_unavailable');
    await annotate(`${accepted} of ${answers.length} waited`);
    expect(others(answers, '200', '503 store_unavailable', OVERLOADED)).toEqual([]);
    const sparedAnswers = (await Promise.all(spared)).map(verdict);
    expect(countOf(sparedAnswers, OVERLOADED)).toBe(0);
    if (short) {
      expect(accepted).toBeGreaterThanOrEqual(MOST_OF_ONE / 2);
      expect(accepted).toBeLessThanOrEqual(MOST_OF_ONE * 1.25);
      expect(sparedAnswers).toEqual(spared.map(() => '200'));
    }
  });
});
