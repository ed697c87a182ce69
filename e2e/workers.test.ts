import { describe, expect, it } from 'vitest';
import { call, fresh, keepAlive, verdict } from './call.ts';
import { ADMIN, type Created, setLimit, UNLIMITED } from './fleet.ts';
import { openLine } from './line.ts';
import { createSharedSite, createSite, eventually, type Site, startServer } from './server.ts';
import { signIn } from './session.ts';
import { startLoad, workersOf } from './workers.ts';

const TWO = { WORKERS: '2' };

const createToken = async (site: Site, url: string): Promise<string> => {
  await setLimit(site, 'Globex', UNLIMITED);
  const admin = await signIn(url, ADMIN);
  return (await admin.mutate<Created>('keys.create', { name: 'k' })).token;
};

describe('a server of two workers', () => {
  it('serves with both of them', async () => {
    await using site = await createSite();
    await using server = await startServer(site, TWO);
    expect(await workersOf(server)).toHaveLength(2);
    // Each tells what its own process has answered: where there is one process, that is all that has been sent before.
    let sent = 0;
    await eventually(async () => {
      const before = sent;
      const answers = await Promise.all(
        Array.from({ length: 16 }, () => call(fresh, server.url, '/metrics')),
      );
      sent += answers.length;
      return answers.some(
        ({ text }) => Number(/^kaana_http_requests_total\{status="200"\} (\d+)$/m.exec(text)?.[1]) < before,
      );
    });
  });

  it('replaces a worker that is killed, and refuses no connection meanwhile', async () => {
    await using site = await createSite();
    await using server = await startServer(site, TWO);
    const token = await createToken(site, server.url);
    const load = startLoad(server.url, token, { keeping: 4, opening: 4 });
    try {
      for (let round = 0; round < 2; round++) {
        const before = await workersOf(server);
        const [victim = 0] = before;
        process.kill(victim, 'SIGKILL');
        const after = await eventually(async () => {
          const workers = await workersOf(server);
          return workers.length === 2 && !workers.includes(victim) && workers;
        });
        expect(after.filter((pid) => before.includes(pid))).toHaveLength(1);
        // Serving again, not only started: both answer a connection of their own.
        await eventually(async () => {
          const answers = await Promise.all(
            Array.from({ length: 8 }, () => call(fresh, server.url, '/metrics')),
          );
          return (
            new Set(answers.map(({ text }) => /^process_start_time_seconds .*$/m.exec(text)?.[0])).size > 1
          );
        });
      }
    } finally {
      await load.stop();
    }
    expect(load.others.map(verdict)).toEqual([]);
    expect(load.answers.before).toBeGreaterThan(0);
    // What the killed one had begun is cut off, at most once for each caller and kill. Nobody is refused or left waiting.
    expect(load.failures.filter(({ code }) => code !== 'ECONNRESET')).toEqual([]);
    expect(load.failures.length).toBeLessThanOrEqual(2 * 8);
  });

  it('answers all that it has begun when it is told to stop, and ends with 0', async () => {
    await using site = await createSharedSite();
    const { MONGODB_URI: uri = '' } = site.environment;
    await using line = await openLine(uri);
    await using server = await startServer(site, { ...TWO, MONGODB_URI: line.uriOf(uri) });
    const token = await createToken(site, server.url);
    const agent = keepAlive();
    const send = (index: number) => call(index % 2 ? agent : fresh, server.url, '/api/user', { token });
    const ask = () => Array.from({ length: 40 }, (_, index) => send(index));
    await Promise.all(ask());
    line.holdAnswers();
    const begun = ask();
    await eventually(async () => line.held > 0);
    // Both workers have read what they were sent once they have answered what was sent later.
    for (let count = 0; count < 6; count++) await call(fresh, server.url, '/healthz');
    const exited = server.kill('SIGTERM');
    const isStopping = () =>
      call(fresh, server.url, '/healthz', { timeoutMs: 500 }).then(
        ({ status }) => status !== 200,
        () => true,
      );
    await eventually(isStopping);
    await line.mend();
    const answers = await Promise.all(begun);
    expect(answers.map(verdict)).toEqual(answers.map(() => '200'));
    expect(await exited).toBe(0);
  });

  it('loses no request when it is told to stop under load: connections end after an answer that says so', async ({
    annotate,
  }) => {
    await using site = await createSite();
    await using server = await startServer(site, TWO);
    const token = await createToken(site, server.url);
    const load = startLoad(server.url, token, { keeping: 24, opening: 8 });
    try {
      await eventually(async () => load.answers.before > 300);
      load.mark();
      expect(await server.kill('SIGTERM')).toBe(0);
      // Every caller has met a closed port by now, or does with its next request.
      await load.ended;
    } finally {
      await load.stop();
    }
    await annotate(
      `${load.answers.before} requests begun before and ${load.answers.after} after were answered`,
    );
    const lost = load.failures.filter(({ reused, begun }) => reused || begun === 'before');
    expect(lost.map(({ code, begun }) => `${code}, begun ${begun}`)).toEqual([]);
    for (const answer of load.others) expect(verdict(answer)).toBe('503 overloaded');
  });
});
