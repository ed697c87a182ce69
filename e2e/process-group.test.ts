import { expect, it } from 'vitest';
import { verdict } from './call.ts';
import { ADMIN, type Created, setLimit, UNLIMITED } from './fleet.ts';
import { createSite, eventually, startServer } from './server.ts';
import { signIn } from './session.ts';
import { startLoad } from './workers.ts';

type Summary = { readonly totals: { readonly served: number; readonly total: number } };

it.each(['1', '2'])(
  'SIGTERM to the whole process group, as service managers send it, lets %s worker(s) finish and the engine outlive them',
  async (workers) => {
    await using site = await createSite();
    await using server = await startServer(site, { WORKERS: workers }, { ownGroup: true });
    await setLimit(site, 'Globex', UNLIMITED);
    const admin = await signIn(server.url, ADMIN);
    const { key, token } = await admin.mutate<Created>('keys.create', { name: 'k' });
    const load = startLoad(server.url, token, { keeping: 12, opening: 4 });
    try {
      await eventually(async () => load.answers.before > 200);
      load.mark();
      process.kill(-server.pid, 'SIGTERM');
      expect(await server.exited, server.output()).toBe(0);
      await load.ended;
    } finally {
      await load.stop();
    }
    expect(server.output()).not.toContain('starting it again');
    const lost = load.failures.filter(({ reused, begun }) => reused || begun === 'before');
    expect(lost.map(({ code, begun }) => `${code}, begun ${begun}`)).toEqual([]);
    for (const answer of load.others) expect(verdict(answer)).toBe('503 overloaded');

    await using again = await startServer(site);
    const session = await signIn(again.url, ADMIN);
    const { totals } = await session.query<Summary>('usage.summary', { keyId: key.id });
    const served = load.answers.before + load.answers.after - load.others.length;
    expect(totals).toMatchObject({ served, total: served });
  },
);
