import { randomBytes } from 'node:crypto';
import {
  type Account,
  type ApiKey,
  createEvent,
  createId,
  NO_POLICIES,
  type Organization,
  type Role,
  SYSTEM,
} from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../testing/index.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const event = (organizationId: string) =>
  createEvent(Date.now(), organizationId, SYSTEM, 'test', { type: 'test', id: 'x', name: 'x' }, {});

const addTenant = async () => {
  const now = new Date();
  const mark = randomBytes(6).toString('hex');
  const organization: Organization = {
    id: createId('org', now.getTime()),
    name: `Organization ${mark}`,
    plan: 'enterprise',
    requestsPerMinute: null,
    policies: NO_POLICIES,
    operator: false,
    createdAt: now,
  };
  const account: Account = {
    id: createId('acc', now.getTime()),
    organizationId: organization.id,
    email: `${mark}@test.test`,
    name: mark,
    role: 'admin',
    status: 'active',
    passwordHash: 'hash',
    limits: null,
    createdAt: now,
    lastSignedInAt: null,
  };
  await database.stores.organizations.insert(organization, event(organization.id));
  await database.stores.accounts.insert(account, event(organization.id));
  return { organization, account };
};

const addKey = async (
  { id: accountId, organizationId }: Account,
  digests: string[],
  slot = 0,
  origin: Pick<ApiKey, 'parentId' | 'ancestors' | 'childSlot'> = {},
) => {
  const now = new Date();
  const key: ApiKey = {
    id: createId('key', now.getTime()),
    organizationId,
    accountId,
    name: 'key',
    secrets: digests.map((digest, n) => ({
      id: `sec_${n}`,
      digest,
      pepperId: 'p1',
      start: 'kaana_abcdef',
      createdAt: now,
      expiresAt: null,
    })),
    status: 'active',
    slot,
    scopes: null,
    scopesMode: 'enforce',
    scopesChangedAt: null,
    allowedIps: null,
    allowedIpsMode: 'enforce',
    allowedIpsChangedAt: null,
    createdAt: now,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    limits: null,
    credits: null,
    ...origin,
  };
  await database.stores.keys.insert(key, event(organizationId));
  return key;
};

const newDigest = () => randomBytes(32).toString('base64url');

describe('the look-up of credentials', () => {
  it('finds keys by any of their secrets, with account and organization, seen before or not', async () => {
    const { credentials } = database.stores;
    const one = await addTenant();
    const other = await addTenant();
    const [a, b, c, unknown] = [newDigest(), newDigest(), newDigest(), newDigest()];
    const first = await addKey(one.account, [a, b]);
    const second = await addKey(other.account, [c]);
    const expected = new Map([
      [a, { key: first, ...one, ancestors: [] }],
      [b, { key: first, ...one, ancestors: [] }],
    ]);
    expect(new Map(await credentials.find([a, unknown]))).toEqual(expected);
    // The first is known by now and the second is not: both ways in one call.
    expect(new Map(await credentials.find([b, c]))).toEqual(
      new Map([...expected, [c, { key: second, ...other, ancestors: [] }]]),
    );
    expect((await credentials.find([unknown])).size).toBe(0);
  });

  it('gives the identical objects while nothing has changed, and the new ones as soon as something has', async () => {
    const { credentials, keys, accounts, organizations } = database.stores;
    const { organization, account } = await addTenant();
    const digest = newDigest();
    const key = await addKey(account, [digest]);
    const before = (await credentials.find([digest])).get(digest);
    const again = (await credentials.find([digest])).get(digest);
    expect(again?.key).toBe(before?.key);
    expect(again?.account).toBe(before?.account);
    expect(again?.organization).toBe(before?.organization);

    const role: Role = 'viewer';
    await accounts.update(organization.id, account.id, {}, { role }, event(organization.id));
    await organizations.update(organization.id, { requestsPerMinute: 7 }, event(organization.id));
    await keys.revoke(organization.id, key.id, new Date(), 'gone', event(organization.id));
    expect((await credentials.find([digest])).get(digest)).toMatchObject({
      key: { status: 'revoked', revokedReason: 'gone' },
      account: { role },
      organization: { requestsPerMinute: 7 },
    });
  });

  it('sees what another connection has written, and an owner that is gone', async () => {
    const { organization, account } = await addTenant();
    const digest = newDigest();
    const key = await addKey(account, [digest]);
    await database.stores.credentials.find([digest]);
    await database
      .raw('api_keys')
      .updateOne({ _id: key.id as never }, { $set: { scopes: ['projects:read'] } });
    await database.raw('accounts').deleteOne({ _id: account.id as never });
    expect((await database.stores.credentials.find([digest])).get(digest)).toMatchObject({
      key: { scopes: ['projects:read'] },
      account: null,
      organization: { id: organization.id },
    });
  });

  it('finds what a child key comes from, in its order, seen before or not, and as it is by now', async () => {
    const { credentials, keys } = database.stores;
    const { organization, account } = await addTenant();
    const digests = [newDigest(), newDigest(), newDigest()];
    const [a = '', b = '', c = ''] = digests;
    const root = await addKey(account, [a], 0);
    const childOf = (parents: ApiKey[]) => ({
      parentId: parents[0]?.id ?? '',
      ancestors: parents.map(({ id }) => id),
      childSlot: 0,
    });
    const child = await addKey(account, [b], 1, childOf([root]));
    const grandchild = await addKey(account, [c], 2, childOf([child, root]));
    const owner = { organization, account };
    const expected = { key: grandchild, ...owner, ancestors: [child, root] };
    const first = (await credentials.find([c])).get(c);
    expect(first).toEqual(expected);
    const again = (await credentials.find([c])).get(c);
    expect(again).toEqual(expected);
    expect(again?.ancestors[1]).toBe(first?.ancestors[1]);
    // All of them in one look-up, where each is asked for by itself and for its child.
    const all = await credentials.find([...digests, newDigest()]);
    expect(digests.map((digest) => all.get(digest))).toEqual([
      { key: root, ...owner, ancestors: [] },
      { key: child, ...owner, ancestors: [root] },
      expected,
    ]);
    await keys.revoke(organization.id, root.id, new Date(), 'gone', event(organization.id));
    for (const digest of [b, c]) {
      const found = (await credentials.find([digest])).get(digest);
      expect(found?.ancestors.at(-1)).toMatchObject({ id: root.id, status: 'revoked' });
    }
    await database.raw('api_keys').deleteOne({ _id: root.id as never });
    expect((await credentials.find([c])).get(c)?.ancestors).toEqual([child]);
  });
});
