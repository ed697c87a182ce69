import { expect, it } from 'vitest';
import { verdict } from './call.ts';
import { ADMIN, type Created, setLimit, UNLIMITED } from './fleet.ts';
import { createSite, eventually, startServer } from './server.ts';
import { signIn } from './session.ts';
import { startLoad, workersOf } from './workers.ts';

it('SIGUSR2 to the first process replaces its workers one after the other, and no request is refused or lost', async ({
  annotate,
}) => {
  await using site = await createSite();
  await using server = await startServer(site, { WORKERS: '2' });
  await setLimit(site, 'Globex', UNLIMITED);
  const admin = await signIn(server.url, ADMIN);
  const { token } = await admin.mutate<Created>('keys.create', { name: 'k' });
  const load = startLoad(server.url, token, { keeping: 12, opening: 4 });
  let alive = Number.POSITIVE_INFINITY;
  try {
    for (let round = 0; round < 2; round++) {
      const before = await workersOf(server);
      expect(before).toHaveLength(2);
      process.kill(server.pid, 'SIGUSR2');
      await eventually(async () => {
        const workers = await Promise.race([
          workersOf(server),
          server.exited.then((how) => {
            throw new Error(`the server ended with ${how}:\n${server.output()}`);
          }),
        ]);
        alive = Math.min(alive, workers.length);
        return workers.length === 2 && workers.every((pid) => !before.includes(pid));
      });
      const { before: answered } = load.answers;
      await eventually(async () => load.answers.before > answered + 100);
    }
  } finally {
    await load.stop();
  }
  await annotate(`${load.answers.before} requests answered meanwhile`);
  expect(load.failures).toEqual([]);
  expect(load.others.map(verdict)).toEqual([]);
  expect(alive).toBeGreaterThanOrEqual(1);
  expect(await server.kill('SIGTERM')).toBe(0);
});
