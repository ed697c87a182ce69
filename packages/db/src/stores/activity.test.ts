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
    secrets: { [secret]: { at: new Date(time), ip, userAgent: `agent of ${ip}` } },
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
    secrets: {
      sec_1: { at: new Date(2_000), ip: '192.0.2.2', userAgent: 'agent of 192.0.2.2' },
      sec_2: { at: new Date(1_500), ip: '192.0.2.8', userAgent: 'agent of 192.0.2.8' },
    },
    permissions: { 'projects:read': new Date(2_000) },
    permissionsSince: new Date(1_000),
  });
  await usage.add([], [use('sec_2', 3_000, '192.0.2.1')]);
  expect((await usage.activity(['key_1'])).get('key_1')).toMatchObject({ ip: '192.0.2.1' });
});

it('of secrets that were used before addresses were recorded, the time is known, and all of it from the next use on', async () => {
  const { usage } = database.stores;
  const at = new Date(1_000);
  const last = { at, ip: '192.0.2.1', userAgent: 'curl' };
  await database
    .raw('key_activity')
    .insertOne({ _id: 'key_before' as never, last, secrets: { sec_1: at, sec_2: at } });
  const later = { at: new Date(2_000), ip: '192.0.2.2', userAgent: 'wget' };
  const use = { keyId: 'key_before', lastUsedAt: later.at, ip: later.ip, userAgent: later.userAgent };
  await usage.add([], [{ ...use, secrets: { sec_1: later }, permissions: {}, permissionsSince: later.at }]);
  const secrets = async () => (await usage.activity(['key_before'])).get('key_before')?.secrets;
  expect(await secrets()).toEqual({ sec_1: later, sec_2: { at, ip: '', userAgent: '' } });
  await usage.forgetSecrets('key_before', ['sec_2', 'sec_unknown']);
  await usage.forgetSecrets('key_nobody_has', ['sec_2']);
  await usage.forgetSecrets('key_before', []);
  expect(await secrets()).toEqual({ sec_1: later });
  expect((await usage.activity(['key_nobody_has'])).size).toBe(0);
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
