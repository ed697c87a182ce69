import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../testing/index.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

it('the last use of a key is the latest one, whoever writes his later', async () => {
  const { usage } = database.stores;
  const use = (secret: string, time: number, ip: string) => ({
    keyId: 'key_1',
    lastUsedAt: new Date(time),
    ip,
    userAgent: `agent of ${ip}`,
    secrets: { [secret]: new Date(time) },
    permissions: { 'projects:read': new Date(time) } as const,
    permissionsSince: new Date(time),
  });
  await usage.add([], [use('sec_1', 2_000, '192.0.2.2')]);
  await usage.add([], [use('sec_1', 1_000, '192.0.2.9')]);
  await usage.add([], [use('sec_2', 1_500, '192.0.2.8')]);
  expect((await usage.activity(['key_1', 'key_2'])).get('key_1')).toEqual({
    lastUsedAt: new Date(2_000),
    ip: '192.0.2.2',
    userAgent: 'agent of 192.0.2.2',
    secrets: { sec_1: new Date(2_000), sec_2: new Date(1_500) },
    permissions: { 'projects:read': new Date(2_000) },
    permissionsSince: new Date(1_000),
  });
  await usage.add([], [use('sec_2', 3_000, '192.0.2.1')]);
  expect((await usage.activity(['key_1'])).get('key_1')).toMatchObject({ ip: '192.0.2.1' });
});

it('of a key that was used before permissions were recorded, nothing is said about them until its next use', async () => {
  const { usage } = database.stores;
  const last = { at: new Date(1_000), ip: '192.0.2.1', userAgent: 'curl' };
  await database
    .raw('key_activity')
    .insertOne({ _id: 'key_old' as never, last, secrets: { sec_1: last.at } });
  expect((await usage.activity(['key_old'])).get('key_old')).toMatchObject({
    permissions: {},
    permissionsSince: null,
  });
  const at = new Date(5_000);
  const permissions = { 'keys:read': at };
  const use = { keyId: 'key_old', lastUsedAt: at, ip: '', userAgent: '', secrets: {}, permissions };
  await usage.add([], [{ ...use, permissionsSince: at }]);
  expect((await usage.activity(['key_old'])).get('key_old')).toMatchObject({
    permissions,
    permissionsSince: at,
  });
});
