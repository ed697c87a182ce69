import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, keepAlive, verdict } from './call.ts';
import { ADMIN, type Fleet, setLimit, startFleet, UNLIMITED } from './fleet.ts';
import { eventually, startServer } from './server.ts';
import { signIn } from './session.ts';

/** Rotation through REST, by processes that share a database and do not agree on the time. */
const SKEW = pathToFileURL(fileURLToPath(new URL('./clock-skew.mjs', import.meta.url))).href;
const BEHIND_MS = -600_000;
const HOUR = 3600;

type Secret = {
  expiresAt: string | null;
  expiresAfterFirstUseSeconds: number | null;
  unused: boolean;
  lastUsedIp: string | null;
  lastUsedUserAgent: string | null;
};
type Body = { key: { id: string; secrets: [Secret, Secret] }; token: string };

let fleet: Fleet;
let admin = '';
const agent = keepAlive();
beforeAll(async () => {
  fleet = await startFleet([{}, { NODE_OPTIONS: `--import ${SKEW}`, CLOCK_SKEW_MS: String(BEHIND_MS) }]);
  await setLimit(fleet.site, 'Globex', UNLIMITED);
  const session = await signIn(url(0), ADMIN);
  admin = (await session.mutate<Body>('keys.create', { name: 'admin' })).token;
});
afterAll(async () => {
  agent.destroy();
  await fleet[Symbol.asyncDispose]();
});

const url = (server: number) => fleet.urls[server] ?? '';
const post = (server: number, path: string, body: object = {}) =>
  call(agent, url(server), `/api/keys${path}`, { method: 'POST', token: admin, body });
const ask = async (server: number, token: string) =>
  verdict(await call(agent, url(server), '/api/user', { token }));
const everywhere = (token: string) => Promise.all([ask(0, token), ask(1, token)]);
const look = async (id: string) =>
  JSON.parse((await call(agent, url(0), `/api/keys/${id}`, { token: admin })).text) as Body['key'];
/** In the order of their names: the clocks by which events are ordered differ. */
const actions = async (id: string) => {
  const { text } = await call(agent, url(0), `/api/audit-events?targetId=${id}`, { token: admin });
  return (JSON.parse(text) as { data: { action: string }[] }).data.map(({ action }) => action).toSorted();
};

const rotated = async (body: object, key: object = {}) => {
  const created = JSON.parse((await post(0, '', { name: 'k', ...key })).text) as Body;
  const { id } = created.key;
  const fresh = JSON.parse((await post(0, `/${id}/rotate`, body)).text) as Body;
  return { id, old: created.token, fresh: fresh.token };
};

const SERVED = ['200', '200'];
const EXPIRED = ['401 key_expired', '401 key_expired'];
const REVOKED = ['401 key_revoked', '401 key_revoked'];

describe('a rotation whose overlap begins with the first use', () => {
  it.each([0, 1])(
    'begins with the use on either process (%i), and the old secret shows who has it',
    async (first) => {
      const { id, old, fresh } = await rotated({ overlapSeconds: HOUR });
      expect(await everywhere(old)).toEqual(SERVED);
      expect(await ask(first, fresh)).toBe('200');
      const [newest, oldest] = (await look(id)).secrets;
      expect(newest.unused).toBe(false);
      const wait = Date.parse(oldest.expiresAt ?? '') - Date.now() - (first === 1 ? BEHIND_MS : 0);
      expect(wait).toBeGreaterThan((HOUR - 300) * 1000);
      expect(wait).toBeLessThanOrEqual(HOUR * 1000);
      expect(await everywhere(old)).toEqual(SERVED);
      await eventually(async () => (await look(id)).secrets[1].lastUsedIp === '127.0.0.1');
      expect(await actions(id)).toEqual(['key.created', 'key.new_secret_used', 'key.rotated']);
    },
  );

  it('is begun once by many first uses on both, and all are served', async () => {
    const { id, fresh } = await rotated({ overlapSeconds: HOUR });
    const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => ask(index % 2, fresh)));
    expect(new Set(answers)).toEqual(new Set(['200']));
    expect(await actions(id)).toEqual(['key.created', 'key.new_secret_used', 'key.rotated']);
  });

  it('with an overlap of 0 no request that begins after the first one’s answer is served with the old secret', async () => {
    for (const first of [0, 1]) {
      const { old, fresh } = await rotated({ overlapSeconds: 0, overlapBegins: 'firstUse' });
      expect(await everywhere(old)).toEqual(SERVED);
      expect(await ask(first, fresh)).toBe('200');
      expect(await everywhere(old)).toEqual(EXPIRED);
    }
  });

  it('ends no later than the key would have', async () => {
    const expiresAt = new Date(Date.now() + 2 * HOUR * 1000).toISOString();
    const { id, fresh } = await rotated({ overlapSeconds: 30 * 24 * HOUR }, { expiresAt });
    expect(await ask(0, fresh)).toBe('200');
    expect((await look(id)).secrets[1].expiresAt).toBe(expiresAt);
  });

  it('survives the process that began it', async () => {
    const victim = await startServer(fleet.site);
    const { id, old, fresh } = await rotated({ overlapSeconds: 0, overlapBegins: 'firstUse' });
    const inFlight = call(agent, victim.url, '/api/user', { token: fresh }).catch(() => null);
    await victim.kill('SIGKILL');
    const answer = await inFlight;
    // Whatever it had come to: answered means written, and the next process goes on from there.
    if (answer) expect(await everywhere(old)).toEqual(EXPIRED);
    expect(await everywhere(fresh)).toEqual(SERVED);
    expect(await everywhere(old)).toEqual(EXPIRED);
    // What a process leaves unsaid when it dies, the next one that starts says for it.
    await using _next = await startServer(fleet.site);
    await eventually(async () => (await actions(id)).length >= 3);
    expect((await actions(id)).filter((action) => action === 'key.new_secret_used')).toHaveLength(1);
  });
});

describe('a rotation', () => {
  it('that is ended, or was at once, is over on every process, also where the clock is behind', async () => {
    const { id, old, fresh } = await rotated({});
    expect(await everywhere(old)).toEqual(SERVED);
    expect(verdict(await post(0, `/${id}/end-rotation`))).toBe('200');
    expect(await everywhere(old)).toEqual(EXPIRED);
    expect(await everywhere(fresh)).toEqual(SERVED);
    expect(verdict(await post(1, `/${id}/end-rotation`))).toBe('409 rotation_not_in_progress');
    const atOnce = await rotated({ overlapSeconds: 0 });
    expect(await everywhere(atOnce.old)).toEqual(EXPIRED);
  });

  it('is taken back while the new secret is unused, and not afterwards', async () => {
    const back = await rotated({});
    expect(verdict(await post(1, `/${back.id}/cancel-rotation`))).toBe('200');
    expect(await everywhere(back.fresh)).toEqual(EXPIRED);
    expect(await everywhere(back.old)).toEqual(SERVED);
    const used = await rotated({});
    expect(await ask(1, used.fresh)).toBe('200');
    expect(verdict(await post(0, `/${used.id}/cancel-rotation`))).toBe('409 new_secret_used');
  });

  it('first used and taken back at the same moment by different processes is one or the other', async () => {
    for (let round = 0; round < 10; round++) {
      const { id, old, fresh } = await rotated({ overlapSeconds: HOUR });
      const [use, back] = await Promise.all([
        ask(round % 2, fresh),
        post(1 - (round % 2), `/${id}/cancel-rotation`).then(verdict),
      ]);
      expect(['200 409 new_secret_used', '401 key_expired 200']).toContain(`${use} ${back}`);
      expect(await everywhere(fresh)).toEqual(use === '200' ? SERVED : EXPIRED);
      expect(await everywhere(old)).toEqual(SERVED);
    }
  });

  it('ends with the key: a revocation stops both secrets', async () => {
    const { id, old, fresh } = await rotated({});
    expect(verdict(await post(1, `/${id}/revoke`))).toBe('200');
    expect(await everywhere(old)).toEqual(REVOKED);
    expect(await everywhere(fresh)).toEqual(REVOKED);
  });

  const rotateAtOnce = async (overlapSeconds: number) => {
    const { id, fresh } = await rotated({ overlapSeconds: 0 });
    const answers = await Promise.all(
      [0, 1, 0, 1].map((server) => post(server, `/${id}/rotate`, { overlapSeconds })),
    );
    const tokens = answers.flatMap(({ status, text }) =>
      status === 200 ? [(JSON.parse(text) as Body).token] : [],
    );
    const others = answers.map(verdict).filter((each) => each !== '200');
    expect(new Set(others).size <= 1 && (others[0] ?? '409 rotation_in_progress')).toBe(
      '409 rotation_in_progress',
    );
    return { before: fresh, tokens };
  };

  it('is one of several that are asked for at the same moment; the others are told', async () => {
    const { before, tokens } = await rotateAtOnce(HOUR);
    expect(tokens).toHaveLength(1);
    expect(await everywhere(tokens[0] ?? '')).toEqual(SERVED);
    expect(await everywhere(before)).toEqual(SERVED);
  });

  it('without an overlap leaves one secret that works, also where a second one follows at once', async () => {
    const { before, tokens } = await rotateAtOnce(0);
    const states = await Promise.all(tokens.map((token) => ask(0, token)));
    expect(states.filter((state) => state === '200')).toHaveLength(1);
    expect(await ask(1, before)).toMatch(/^401 key_(expired|unknown)$/);
  });
});
