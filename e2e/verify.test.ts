import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, keepAlive, verdict } from './call.ts';
import { ADMIN, type Created, type Fleet, setLimit, startFleet } from './fleet.ts';
import { runCommand } from './server.ts';
import { type Session, signIn } from './session.ts';

/** An internal service that asks about its callers' keys, over REST, on two processes. */
type Verdict = {
  valid: boolean;
  code: string;
  key: { id: string } | null;
  organization: { name: string } | null;
  ratelimit: { limit: number; remaining: number } | null;
  checks?: { check: string; outcome: string }[];
};

let fleet: Fleet;
let admin: Session;
let service: string;
const agent = keepAlive();
beforeAll(async () => {
  fleet = await startFleet([{}, {}]);
  admin = await signIn(fleet.urls[0] ?? '', ADMIN);
  ({ token: service } = await create({ scopes: ['keys:verify'] }));
});
afterAll(async () => {
  agent.destroy();
  await fleet[Symbol.asyncDispose]();
});

const create = (input: object = {}, by = admin) => by.mutate<Created>('keys.create', { name: 'k', ...input });

const post = (server: number, path: string, body: unknown, token = service) =>
  call(agent, fleet.urls[server] ?? '', path, { method: 'POST', token, body });
const verify = async (server: number, body: object): Promise<Verdict> => {
  const answer = await post(server, '/api/keys/verify', body);
  expect(answer.status, answer.text).toBe(200);
  return JSON.parse(answer.text) as Verdict;
};
const verifyAll = async (server: number, body: object): Promise<Verdict[]> => {
  const answer = await post(server, '/api/keys/verify-batch', body);
  expect(answer.status, answer.text).toBe(200);
  return (JSON.parse(answer.text) as { data: Verdict[] }).data;
};

describe('POST /api/keys/verify', () => {
  it('answers 200 whenever it could tell, and follows a revocation on the other process at once', async () => {
    const { key, token } = await create({ scopes: ['projects:read'] });
    for (const server of [0, 1]) {
      expect(await verify(server, { token, permissions: ['projects:read'] })).toMatchObject({
        valid: true,
        code: 'valid',
        key: { id: key.id },
      });
      expect(await verify(server, { token, permissions: ['projects:write'] })).toMatchObject({
        valid: false,
        code: 'permission_denied',
      });
    }
    await admin.mutate('keys.revoke', { id: key.id });
    for (const server of [1, 0])
      expect(await verify(server, { token })).toMatchObject({ valid: false, code: 'key_revoked' });
    for (const token of ['', 'Bearer x', 'kaana_', '\u0000', '{"$gt":""}'])
      expect(await verify(0, { token })).toMatchObject({ valid: false, code: 'key_malformed', key: null });
  });

  it('refuses a question that is none, and a service that may not ask', async () => {
    const { token } = await create();
    const bad = [
      {},
      { token: 1 },
      { token: { $gt: '' } },
      { token, cost: -1 },
      { token, cost: 1e9 },
      { token, cost: '1' },
      { token, ip: 'x' },
      { token, permissions: ['all'] },
      { token, organization: 'Acme' },
    ];
    for (const body of bad)
      expect(verdict(await post(0, '/api/keys/verify', body)), JSON.stringify(body)).toBe(
        '400 invalid_input',
      );
    const { token: plain } = await create({ scopes: ['projects:read'] });
    expect(verdict(await post(0, '/api/keys/verify', { token }, plain))).toBe('403 permission_denied');
    expect(verdict(await post(0, '/api/keys/verify-batch', { tokens: [{ token }] }, plain))).toBe(
      '403 permission_denied',
    );
  });

  it('explains each check, without the token, and stops where it may not know', async () => {
    const { token } = await create({ allowedIps: ['203.0.113.7'] });
    const explained = await verify(0, { token, ip: '198.51.100.1', explain: true });
    expect(explained.code).toBe('ip_not_allowed');
    expect(explained.checks?.map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 12 }, (_, index) => (index === 9 ? 'failed' : 'passed')),
    );
    expect(JSON.stringify(explained)).not.toContain(token);
    const ada = await signIn(fleet.urls[0] ?? '', 'ada@acme.test');
    const { token: theirs } = await create({}, ada);
    const unknown = await verify(1, { token: theirs, explain: true });
    expect(unknown).toMatchObject({ code: 'key_unknown', key: null, organization: null });
    expect(unknown.checks?.slice(2).map(({ outcome }) => outcome)).toEqual([
      'failed',
      ...Array.from({ length: 9 }, () => 'skipped'),
    ]);
  });
});

describe('costs and batches on two processes', () => {
  it('take from one account exactly what fits, each whole', async () => {
    const ada = await signIn(fleet.urls[0] ?? '', 'ada@acme.test');
    // The service's own organization has to be theirs: a standard one, 100 requests a minute and account.
    const max = await signIn(fleet.urls[0] ?? '', 'max@acme.test');
    await setLimit(fleet.site, 'Acme', 100);
    const own = await create({ scopes: ['keys:verify'] }, ada);
    const { token } = await create({}, max);
    const ask = async (server: number, cost: number) => {
      const { text } = await post(server, '/api/keys/verify', { token, cost }, own.token);
      return JSON.parse(text) as Verdict;
    };
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => ask(index % 2, 7)));
    expect(answers.filter(({ valid }) => valid)).toHaveLength(14);
    expect(await ask(0, 3)).toMatchObject({
      valid: false,
      code: 'rate_limited',
      ratelimit: { remaining: 2 },
    });
    expect(await ask(1, 0)).toMatchObject({ valid: true, ratelimit: { limit: 100, remaining: 2 } });
    expect(await ask(1, 2)).toMatchObject({ valid: true, ratelimit: { remaining: 0 } });
    expect(await ask(0, 0)).toMatchObject({ valid: false, code: 'rate_limited' });
    // The key itself is limited by what was asked about it.
    expect(verdict(await call(agent, fleet.urls[1] ?? '', '/api/user', { token }))).toBe('429 rate_limited');
  });

  it('answer up to 100 tokens in order, those that are there twice by themselves', async () => {
    const { token } = await create();
    const { key, token: gone } = await create();
    await admin.mutate('keys.revoke', { id: key.id });
    const tokens = Array.from({ length: 100 }, (_, index) =>
      index % 10 === 3 ? { token: gone } : index % 10 === 7 ? { token: 'nonsense' } : { token, cost: 2 },
    );
    const verdicts = await verifyAll(1, { tokens });
    expect(verdicts.map(({ code }) => code)).toEqual(
      tokens.map(({ token: sent }) =>
        sent === gone ? 'key_revoked' : sent === 'nonsense' ? 'key_malformed' : 'valid',
      ),
    );
    const left = verdicts.flatMap(({ ratelimit }) => ratelimit?.remaining ?? []);
    expect(left).toEqual(left.map((_, index) => (left[0] ?? 0) - 2 * index));
    expect(verdict(await post(0, '/api/keys/verify-batch', { tokens: [...tokens, { token }] }))).toBe(
      '400 invalid_input',
    );
    expect(verdict(await post(0, '/api/keys/verify-batch', { tokens: [] }))).toBe('400 invalid_input');
  });
});

describe('an operator', () => {
  it('is made and unmade from the command line, and holds with the next request on every process', async () => {
    const ada = await signIn(fleet.urls[0] ?? '', 'ada@acme.test');
    const { key, token } = await create({}, ada);
    const set = async (state: string) => {
      const { status, output } = await runCommand(
        fleet.site,
        'organization',
        'set',
        'Globex',
        '--operator',
        state,
      );
      expect(status, output).toBe(0);
      return output;
    };
    expect(await verify(0, { token })).toMatchObject({ code: 'key_unknown' });
    expect(await set('on')).toContain('operator');
    for (const server of [0, 1]) {
      expect(await verify(server, { token, cost: 0 })).toMatchObject({
        valid: true,
        key: { id: key.id },
        organization: { name: 'Acme' },
      });
    }
    // People of that organization get nothing by it, and keys nothing else.
    expect(await admin.mutate<Verdict>('keys.verify', { token })).toMatchObject({ code: 'key_unknown' });
    const { token: full } = await create();
    expect(verdict(await call(agent, fleet.urls[0] ?? '', `/api/keys/${key.id}`, { token: full }))).toBe(
      '404 not_found',
    );
    await set('off');
    for (const server of [0, 1])
      expect(await verify(server, { token })).toMatchObject({ code: 'key_unknown' });
  });
});
