import { randomBytes } from 'node:crypto';
import { type ApiKey, createEvent, createId, SYSTEM } from '@kaana/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../testing/index.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const START = Date.UTC(2030, 0, 1);
const at = (seconds: number) => new Date(START + seconds * 1000);
const ORGANIZATION = 'org_children';
const event = () =>
  createEvent(START, ORGANIZATION, SYSTEM, 'test', { type: 'test', id: 'x', name: 'x' }, {});

const add = async (change: Partial<ApiKey> = {}): Promise<{ key: ApiKey; inserted: string }> => {
  const now = new Date(START);
  const key: ApiKey = {
    id: createId('key', START),
    organizationId: ORGANIZATION,
    accountId: createId('acc', START),
    name: 'key',
    secrets: [
      {
        id: 'sec_0',
        digest: randomBytes(32).toString('base64url'),
        pepperId: 'p1',
        start: 'kaana_abcdef',
        createdAt: now,
        expiresAt: null,
      },
    ],
    status: 'active',
    slot: 0,
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
    ...change,
  };
  return { key, inserted: await database.stores.keys.insert(key, event()) };
};
const addChild = (parents: readonly ApiKey[], childSlot: number, change: Partial<ApiKey> = {}) =>
  add({ parentId: parents[0]?.id ?? '', ancestors: parents.map(({ id }) => id), childSlot, ...change });
const ids = (keys: readonly ApiKey[]) => keys.map(({ id }) => id);

describe('the places of children', () => {
  it('are held by one living child each, whoever owns it, and free once it is revoked or gives its slot back', async () => {
    const { children, keys } = database.stores;
    const { key: parent } = await add();
    const { key: other } = await add();
    const first = await addChild([parent], 0);
    expect((await addChild([parent], 0)).inserted).toBe('slot_taken');
    expect((await addChild([other], 0)).inserted).toBe('inserted');
    expect((await addChild([parent], 1, { expiresAt: at(10) })).inserted).toBe('inserted');
    expect((await children.places(parent.id)).toSorted()).toEqual([0, 1]);
    expect(await children.releaseExpired(parent.id, at(9))).toBe(0);
    expect(await children.releaseExpired(parent.id, at(10))).toBe(1);
    await keys.revoke(ORGANIZATION, first.key.id, at(11), null, event());
    expect(await children.places(parent.id)).toEqual([]);
    expect((await addChild([parent], 0)).inserted).toBe('inserted');
    expect(await children.places(other.id)).toEqual([0]);
  });
});

describe('descendants', () => {
  it('are found while they live, and listed by parent or by ancestor', async () => {
    const { children, keys } = database.stores;
    const { key: root } = await add();
    const { key: child } = await addChild([root], 0);
    const { key: grandchild } = await addChild([child, root], 0, { expiresAt: at(10) });
    const list = (query: { parentId?: string; ancestorId?: string }) =>
      keys.list({ organizationId: ORGANIZATION, limit: 10, now: at(0), ...query });
    expect(ids(await children.living(root.id, at(0), 10))).toEqual([child.id, grandchild.id]);
    expect(ids(await children.living(root.id, at(0), 1))).toEqual([child.id]);
    expect(ids(await children.living(root.id, at(10), 10))).toEqual([child.id]);
    expect(ids(await list({ parentId: root.id }))).toEqual([child.id]);
    expect(ids(await list({ ancestorId: root.id }))).toEqual([grandchild.id, child.id]);
    expect(await list({ parentId: grandchild.id })).toEqual([]);
    const search = {
      organizationId: ORGANIZATION,
      limit: 10,
      now: at(0),
      sort: 'name',
      order: 'asc',
    } as const;
    expect((await keys.search({ ...search, parentId: child.id })).map(({ key }) => key.id)).toEqual([
      grandchild.id,
    ]);
    await keys.revoke(ORGANIZATION, child.id, at(1), null, event());
    expect(ids(await children.living(root.id, at(1), 10))).toEqual([grandchild.id]);
  });
});

describe('parents', () => {
  it('are marked while they are active, and found once they are dead, until the mark is taken away', async () => {
    const { children, keys } = database.stores;
    const { key: revoked } = await add();
    const { key: expired } = await add({ expiresAt: at(10) });
    const { key: alive } = await add();
    const { key: childless } = await add();
    for (const { id } of [revoked, expired, alive]) {
      expect(await children.markParent(ORGANIZATION, id)).toBe(true);
      expect(await children.markParent(ORGANIZATION, id)).toBe(true);
    }
    expect(await children.markParent('org_other', alive.id)).toBe(false);
    for (const { id } of [revoked, childless]) await keys.revoke(ORGANIZATION, id, at(1), null, event());
    expect(await children.markParent(ORGANIZATION, revoked.id)).toBe(false);
    expect(ids(await children.deadParents(at(9)))).toEqual([revoked.id]);
    expect(ids(await children.deadParents(at(10)))).toEqual([revoked.id, expired.id]);
    await children.unmarkParent(revoked.id);
    expect(ids(await children.deadParents(at(10)))).toEqual([expired.id]);
  });
});
