import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { type Caller, createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

type ListInput = NonNullable<Parameters<Caller['keys']['list']>[0]>;

/** Every name of a list, page by page, as a client reads it. */
const namesOf = async (caller: Caller, input: ListInput, limit = 2): Promise<string[]> => {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await caller.keys.list({ ...input, limit, ...(cursor ? { cursor } : {}) });
    names.push(...page.data.map(({ name }) => name));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return names;
};

/** Five keys of an enterprise, of which two have been used, and three expire. */
const createKeys = async () => {
  const tenant = await api.createTenant('enterprise');
  const { admin } = tenant.as;
  const inDays = (days: number) => new Date(api.clock() + days * 24 * 3600_000).toISOString();
  const tokens = new Map<string, string>();
  for (const [name, expiresAt] of [
    ['banana', undefined],
    ['Apple', inDays(30)],
    ['cherry (dev)', inDays(7)],
    ['apple pie', inDays(90)],
    ['Date', undefined],
  ] as const) {
    const { token } = await admin.keys.create({ name, ...(expiresAt ? { expiresAt } : {}) });
    tokens.set(name, token);
    api.clock.advance(10);
  }
  for (const name of ['Date', 'Apple']) {
    api.clock.advance(1000);
    await api.withKey(tokens.get(name) ?? '').user.me();
  }
  await api.domain.recorder.flush();
  return { ...tenant, admin, tokens };
};

describe('a list of keys', () => {
  it.each<[ListInput, string[]]>([
    [{}, ['Date', 'apple pie', 'cherry (dev)', 'Apple', 'banana']],
    [{ order: 'asc' }, ['banana', 'Apple', 'cherry (dev)', 'apple pie', 'Date']],
    [{ sort: 'name' }, ['Apple', 'apple pie', 'banana', 'cherry (dev)', 'Date']],
    [{ sort: 'name', order: 'desc' }, ['Date', 'cherry (dev)', 'banana', 'apple pie', 'Apple']],
    [{ sort: 'expires' }, ['cherry (dev)', 'Apple', 'apple pie', 'banana', 'Date']],
    [{ sort: 'lastUsed' }, ['banana', 'cherry (dev)', 'apple pie', 'Date', 'Apple']],
    [{ sort: 'lastUsed', order: 'desc' }, ['Apple', 'Date', 'apple pie', 'cherry (dev)', 'banana']],
    [{ search: 'APPLE' }, ['apple pie', 'Apple']],
    [{ search: '(dev)', sort: 'name' }, ['cherry (dev)']],
    [{ search: '.*' }, []],
  ])('is ordered and searched, page by page: %j', async (input, expected) => {
    const { admin } = await createKeys();
    expect(await namesOf(admin, input)).toEqual(expected);
    expect(await namesOf(admin, input, 1)).toEqual(expected);
    expect(await namesOf(admin, input, 200)).toEqual(expected);
  });

  it('has every key once where many share what they are ordered by', async () => {
    const { as } = await api.createTenant('enterprise');
    for (let count = 0; count < 7; count++) await as.admin.keys.create({ name: 'the same' });
    for (const sort of ['name', 'lastUsed', 'expires'] as const) {
      const seen = new Set<string>();
      let cursor: string | undefined;
      do {
        const page = await as.admin.keys.list({ sort, limit: 3, ...(cursor ? { cursor } : {}) });
        for (const { id } of page.data) seen.add(id);
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      expect(seen.size, sort).toBe(7);
    }
  });

  it('finds a key by the start of its token, and by status', async () => {
    const { admin, tokens } = await createKeys();
    const start = (tokens.get('banana') ?? '').slice(0, 12);
    expect(await namesOf(admin, { search: start })).toEqual(['banana']);
    expect(await namesOf(admin, { search: start.slice(6).toUpperCase() })).toEqual(['banana']);
    // The letters that every token begins with are in all of them, and so in none.
    expect(await namesOf(admin, { search: 'kaan' })).toEqual([]);
    const [banana] = (await admin.keys.list({ search: start })).data;
    await admin.keys.revoke({ id: banana?.id ?? '' });
    expect(await namesOf(admin, { search: start, status: 'active' })).toEqual([]);
    expect(await namesOf(admin, { sort: 'name', status: 'revoked' })).toEqual(['banana']);
    expect(await namesOf(admin, { search: 'apple', sort: 'name', status: 'active' })).toEqual([
      'Apple',
      'apple pie',
    ]);
  });

  it('refuses a whole token to search for, and a cursor of another order', async () => {
    const { admin, tokens } = await createKeys();
    await expect(admin.keys.list({ search: tokens.get('banana') })).rejects.toThrow('contains an API key');
    const { nextCursor } = await admin.keys.list({ sort: 'name', limit: 1 });
    await expectRefusal(admin.keys.list({ sort: 'expires', cursor: nextCursor ?? '' }), 'invalid_input');
    for (const cursor of ['x', 'W10', 'bnVsbA', Buffer.from('[{"$gt":""},"a"]').toString('base64url')]) {
      await expectRefusal(admin.keys.list({ sort: 'name', cursor }), 'invalid_input');
    }
  });

  it('shows a member no more than its own keys, whatever is searched', async () => {
    const { as, accounts } = await createKeys();
    await as.member.keys.create({ name: 'apple of a member' });
    expect(await namesOf(as.member, { search: 'apple' })).toEqual(['apple of a member']);
    expect(await namesOf(as.member, { sort: 'name', accountId: accounts.admin.id })).toEqual([]);
    expect(await namesOf(as.admin, { sort: 'name', accountId: accounts.member.id })).toEqual([
      'apple of a member',
    ]);
  });
});

describe('watching keys', () => {
  it('tells how they are now and which is the newest, within reach', async () => {
    const { admin, as, tokens } = await createKeys();
    const { data } = await admin.keys.list();
    const ids = data.map(({ id }) => id);
    await admin.keys.revoke({ id: ids[1] ?? '' });
    await api.withKey(tokens.get('Date') ?? '').user.me();
    await api.domain.recorder.flush();
    const seen = await admin.keys.watch({ ids });
    expect(seen.newestId).toBe(ids[0]);
    const byId = new Map(seen.data.map((key) => [key.id, key]));
    expect(byId.get(ids[1] ?? '')?.status).toBe('revoked');
    expect(byId.get(ids[0] ?? '')?.lastUsedUserAgent).toBe('vitest');
    expect(await as.member.keys.watch({ ids })).toEqual({ data: [], newestId: null });
    const other = await api.createTenant();
    expect(await other.as.admin.keys.watch({ ids })).toEqual({ data: [], newestId: null });
  });
});

describe('the small charts of a list', () => {
  it('count the days of each key, and say what was not served', async () => {
    const { admin, tokens, as } = await createKeys();
    const { key, token } = await admin.keys.create({ name: 'reads projects', scopes: ['projects:read'] });
    await api.withKey(token).projects.list();
    await expectRefusal(api.withKey(token).keys.list(), 'permission_denied');
    await api.domain.recorder.flush();
    const { data } = await admin.keys.list();
    const keyIds = data.map(({ id }) => id);
    const lines = (await admin.usage.sparklines({ keyIds })).data;
    const line = lines.find(({ keyId }) => keyId === key.id);
    expect(line?.requests).toHaveLength(30);
    expect(line?.requests.at(-1)).toBe(2);
    expect(line?.refused.at(-1)).toBe(1);
    expect(line?.requests.slice(0, -1).every((count) => count === 0)).toBe(true);
    expect(lines).toHaveLength(tokens.size - 2);
    expect((await as.member.usage.sparklines({ keyIds })).data).toEqual([]);
  });
});

describe('headroom', () => {
  it('is the busiest minute of each account in reach against its limit', async () => {
    const { admin, as, accounts } = await createKeys();
    expect((await as.member.usage.headroom()).accounts).toEqual([]);
    const { accounts: rows } = await admin.usage.headroom();
    expect(rows).toEqual([
      { accountId: accounts.admin.id, name: accounts.admin.name, limit: 6000, peak: 2, refused: 0 },
    ]);
  });
});
