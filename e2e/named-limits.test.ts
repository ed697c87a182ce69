import { expect, it } from 'vitest';
import { call, keepAlive, problemCode } from './call.ts';
import { ADMIN, type Created, setLimit, startFleet, UNLIMITED } from './fleet.ts';
import { type Key, signIn } from './session.ts';

const DAY = 86_400;
const agent = keepAlive();

it('lets in exactly what limits and credits allow over three processes, all or nothing, and says what refused', async () => {
  await using fleet = await startFleet([{}, {}, {}]);
  const { urls } = fleet;
  await setLimit(fleet.site, 'Globex', UNLIMITED);
  const admin = await signIn(urls[0] ?? '', ADMIN);
  const { token: own } = await admin.mutate<Created>('keys.create', { name: 'for REST' });
  const rest = (method: string, path: string, body?: unknown) =>
    call(agent, urls[1] ?? '', path, { method, token: own, body });

  const created = await rest('POST', '/api/keys', {
    name: 'limited',
    limits: [
      { name: 'few', limit: 20, windowSeconds: DAY },
      { name: 'many', limit: 1_000, windowSeconds: DAY },
    ],
  });
  expect(created.status, created.text).toBe(201);
  const { key, token } = JSON.parse(created.text) as Created & { key: Key };

  /** So many at once, over all processes: how many were served, and which limits refused the others. */
  const burst = async (count: number) => {
    const answers = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        call(agent, urls[index % urls.length] ?? '', '/api/user', { token }),
      ),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    return {
      answers,
      served: count - refused.length,
      codes: new Set(refused.map(problemCode)),
      limits: new Set(refused.map(({ text }) => (JSON.parse(text) as { limit: string }).limit)),
    };
  };
  const left = async (name: string): Promise<number> => {
    const { text } = await rest('POST', '/api/keys/verify', { token, cost: 0 });
    const { ratelimits } = JSON.parse(text) as { ratelimits: { name: string; remaining: number }[] };
    return ratelimits.find((state) => state.name === name)?.remaining ?? -1;
  };

  const first = await burst(150);
  expect(first.served).toBe(20);
  expect([...first.codes, ...first.limits]).toEqual(['rate_limited', 'key:few']);
  for (const { status, headers } of first.answers) {
    expect(headers['ratelimit-policy']).toContain('"key:few";q=20;w=86400, "key:many";q=1000;w=86400');
    expect(headers['retry-after'] !== undefined).toBe(status === 429);
  }
  // All or nothing: what "few" refused has cost nothing under "many".
  expect(await left('key:many')).toBe(980);

  const update = (body: unknown) => rest('PATCH', `/api/keys/${key.id}`, body);
  expect((await update({ limits: [{ name: 'many', limit: 1_000, windowSeconds: DAY }] })).status).toBe(200);
  const credits = (body: unknown) => rest('POST', `/api/keys/${key.id}/credits`, body);
  expect((await credits({ remaining: 37 })).status).toBe(200);
  const second = await burst(120);
  expect(second.served).toBe(37);
  expect([...second.codes, ...second.limits]).toEqual(['credits_exhausted', 'credits']);
  expect(second.answers.filter(({ status }) => status === 402)).toHaveLength(83);

  await Promise.all([credits({ add: 3 }), credits({ add: 4 })]);
  expect((await burst(30)).served).toBe(7);
  expect(await left('key:many')).toBe(980 - 37 - 7);

  // A process that dies takes nothing back, and leaves nothing free.
  await credits({ add: 10 });
  expect((await burst(3)).served).toBe(3);
  await fleet.servers[2]?.kill('SIGKILL');
  const [one, other] = urls;
  const rest7 = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      call(agent, (index % 2 ? one : other) ?? '', '/api/user', { token }),
    ),
  );
  expect(rest7.filter(({ status }) => status === 200)).toHaveLength(7);
});
