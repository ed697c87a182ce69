import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, call, keepAlive, verdict } from './call.ts';
import { ADMIN, type Created, type Fleet, startFleet } from './fleet.ts';
import { eventually } from './server.ts';
import { type Session, signIn } from './session.ts';

/** Lists that are tried before they are enforced, and the addresses that they go by, on real processes. */
const HOME = '203.0.113.7';
const AWAY = '198.51.100.1';
const [DIRECT, ONE_HOP, LISTED] = [0, 1, 2];

let fleet: Fleet;
let admin: Session;
const agent = keepAlive();
beforeAll(async () => {
  fleet = await startFleet([{}, { TRUST_PROXY: '1' }, { TRUST_PROXY: '127.0.0.1/32, 10.0.0.0/8' }]);
  admin = await signIn(url(DIRECT), ADMIN);
});
afterAll(async () => {
  agent.destroy();
  await fleet[Symbol.asyncDispose]();
});

const url = (server: number | undefined) => fleet.urls[server ?? 0] ?? '';
const create = (input: object) => admin.mutate<Created>('keys.create', { name: 'k', ...input });

type Rest = { token: string; method?: string; body?: unknown; from?: string };
const rest = (
  server: number | undefined,
  path: string,
  { token, method, body, from }: Rest,
): Promise<Answer> =>
  call(agent, url(server), `/api${path}`, {
    token,
    body,
    ...(method ? { method } : {}),
    headers: from === undefined ? {} : { 'x-forwarded-for': from },
  });

describe('the caller’s address', () => {
  const whoIs = async (server: number | undefined, token: string, from?: string) =>
    verdict(await rest(server, '/user', { token, ...(from === undefined ? {} : { from }) }));
  const REFUSED = '403 ip_not_allowed';

  it('is the connection’s where no proxy is trusted, whatever the request says', async () => {
    const { token } = await create({ allowedIps: [HOME] });
    for (const from of [undefined, HOME, `${HOME}, ${HOME}`, '127.0.0.1'])
      expect(await whoIs(DIRECT, token, from), from).toBe(REFUSED);
    const { token: local } = await create({ allowedIps: ['127.0.0.0/8'] });
    expect(await whoIs(DIRECT, local, AWAY)).toBe('200');
  });

  it('is what the one trusted proxy has added last, not what the client has put before it', async () => {
    const { token } = await create({ allowedIps: [HOME, '2001:db8::/32'] });
    for (const from of [
      HOME,
      `${AWAY}, ${HOME}`,
      `junk,,${HOME}`,
      `${HOME}:52144`,
      `::ffff:${HOME}`,
      '::FFFF:CB00:7107',
      '2001:DB8:0::1',
      '[2001:db8::1]:443',
    ])
      expect(await whoIs(ONE_HOP, token, from), from).toBe('200');
    for (const from of [
      undefined,
      AWAY,
      `${HOME}, ${AWAY}`,
      `${HOME}, unknown`,
      `${HOME}, `.repeat(50) + AWAY,
      'unknown',
      '127.0.0.1',
      `[${HOME}]`,
      '203.0.113.07',
      '3405803783',
      `x${'1'.repeat(5_000)}`,
    ])
      expect(await whoIs(ONE_HOP, token, from), from).toBe(REFUSED);
  });

  it('is the last one that no listed proxy has', async () => {
    const { token } = await create({ allowedIps: [HOME] });
    for (const from of [
      HOME,
      `${HOME}, 10.1.2.3`,
      `${HOME}, 10.1.2.3, ::ffff:10.9.9.9`,
      `${AWAY}, ${HOME}, 10.1.2.3`,
    ])
      expect(await whoIs(LISTED, token, from), from).toBe('200');
    for (const from of [
      undefined,
      `${HOME}, ${AWAY}`,
      `${HOME}, ${AWAY}, 10.1.2.3`,
      `${HOME}, junk, 10.1.2.3`,
      '10.1.2.3',
      `${HOME}, 11.1.2.3`,
    ])
      expect(await whoIs(LISTED, token, from), from).toBe(REFUSED);
  });

  it('is shown as it was compared', async () => {
    const { key, token } = await create({});
    await rest(ONE_HOP, '/user', { token, from: `[::ffff:${HOME}]:4711` });
    await eventually(async () => {
      const { lastUsedIp } = await admin.query<{ lastUsedIp: string | null }>('keys.get', { id: key.id });
      return lastUsedIp === HOME;
    });
  });
});

describe('a list in report mode', () => {
  it('lets pass on every process, tells all of it, and then refuses at once on every process', async () => {
    const { token: manager } = await create({ name: 'manager' });
    const made = await rest(DIRECT, '/keys', {
      token: manager,
      method: 'POST',
      body: {
        name: 'tried out',
        scopes: ['projects:read'],
        scopesMode: 'report',
        allowedIps: [HOME],
        allowedIpsMode: 'report',
      },
    });
    expect(made.status).toBe(201);
    const { key, token } = JSON.parse(made.text) as Created & { key: { wouldRefuse: null } };
    expect(key).toMatchObject({ scopesMode: 'report', allowedIpsMode: 'report', wouldRefuse: null });

    for (let round = 0; round < 3; round++) {
      for (const server of [ONE_HOP, LISTED]) {
        expect(verdict(await rest(server, '/projects', { token, from: HOME }))).toBe('200');
        expect(verdict(await rest(server, '/usage', { token, from: AWAY }))).toBe('200');
      }
    }
    const told = await eventually(async () => {
      const { text } = await rest(DIRECT, `/keys/${key.id}/would-refuse`, { token: manager });
      const answer = JSON.parse(text) as { scopes: { count: number }; allowedIps: { count: number } };
      return answer.scopes.count + answer.allowedIps.count >= 12 && answer;
    });
    expect(told).toMatchObject({
      keyId: key.id,
      scopes: { mode: 'report', count: 6, entries: [{ permission: 'usage:read', count: 6 }] },
      allowedIps: { mode: 'report', count: 6, entries: [{ ip: AWAY, count: 6 }], others: null },
    });
    // What was used is written behind by itself, by each process.
    const suggestion = await eventually(async () => {
      const { text } = await rest(DIRECT, `/keys/${key.id}/suggested-scopes`, { token: manager });
      const answer = JSON.parse(text) as { suggested: string[] };
      return answer.suggested.length >= 2 && answer;
    });
    expect(suggestion).toMatchObject({
      suggested: ['projects:read', 'usage:read'],
      enough: false,
      scopesMode: 'report',
    });

    const enforce = (body: object) =>
      rest(DIRECT, `/keys/${key.id}`, { token: manager, method: 'PATCH', body });
    expect(verdict(await enforce({ allowedIpsMode: 'enforce' }))).toBe('200');
    for (const server of [ONE_HOP, LISTED]) {
      expect(verdict(await rest(server, '/usage', { token, from: AWAY }))).toBe('403 ip_not_allowed');
      expect(verdict(await rest(server, '/usage', { token, from: HOME }))).toBe('200');
    }
    expect(verdict(await enforce({ scopesMode: 'enforce' }))).toBe('200');
    for (const server of [ONE_HOP, LISTED]) {
      expect(verdict(await rest(server, '/usage', { token, from: HOME }))).toBe('403 permission_denied');
      expect(verdict(await rest(server, '/projects', { token, from: HOME }))).toBe('200');
    }
  });

  it('narrows at once also under way: nothing passes that was sent after the acknowledgement', async () => {
    const { key, token } = await create({ scopes: ['projects:read'], scopesMode: 'report' });
    let acknowledged = false;
    const late: string[] = [];
    const hammer = async (server: number | undefined) => {
      for (let more = 5; more > 0; ) {
        const after = acknowledged;
        const outcome = verdict(await rest(server, '/usage', { token, from: HOME }));
        if (!after) continue;
        late.push(outcome);
        more--;
      }
    };
    const hammering = [ONE_HOP, ONE_HOP, LISTED, LISTED, DIRECT].map(hammer);
    await admin.mutate('keys.update', { id: key.id, scopesMode: 'enforce' });
    acknowledged = true;
    await Promise.all(hammering);
    expect(new Set(late)).toEqual(new Set(['403 permission_denied']));
  });

  it('is not to be set by who may not give as much', async () => {
    const { key: other } = await create({ scopes: ['projects:read'] });
    const { key, token } = await create({ scopes: ['keys:write', 'keys:read', 'projects:read'] });
    for (const id of [key.id, other.id])
      for (const scopesMode of ['off', 'report']) {
        const answer = await rest(DIRECT, `/keys/${id}`, { token, method: 'PATCH', body: { scopesMode } });
        expect(verdict(answer)).toBe('403 permission_denied');
      }
    const body = { name: 'k', scopes: ['projects:read'], scopesMode: 'report' };
    expect(verdict(await rest(DIRECT, '/keys', { token, method: 'POST', body }))).toBe(
      '403 permission_denied',
    );
    const unknown = { name: 'k', scopes: ['projects:read'], scopesMode: 'sometimes' };
    expect(verdict(await rest(DIRECT, '/keys', { token, method: 'POST', body: unknown }))).toBe(
      '400 invalid_input',
    );
  });
});
