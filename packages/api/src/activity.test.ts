import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const exercised = async (keyId: string) => {
  await api.domain.recorder.flush();
  return (await api.database.stores.usage.activity([keyId])).get(keyId);
};

it('the permissions that a key was used for are remembered, and not those that it was refused', async () => {
  const { as } = await api.createTenant();
  const { key, token } = await as.member.keys.create({ name: 'k', scopes: ['projects:read', 'keys:read'] });
  const began = new Date(api.clock());
  const caller = api.withKey(token);
  await caller.user.me();
  await caller.projects.list();
  await expectRefusal(caller.projects.create({ name: 'p' }), 'permission_denied');
  // What is not there was looked for with the permission all the same.
  await expectRefusal(caller.keys.get({ id: 'key_none' }), 'not_found');
  expect(await exercised(key.id)).toMatchObject({
    permissions: { 'projects:read': began, 'keys:read': began },
    permissionsSince: began,
  });
  expect(Object.keys((await exercised(key.id))?.permissions ?? {}).toSorted()).toEqual([
    'keys:read',
    'projects:read',
  ]);
});

it('a permission that another service asks about was used where the answer is yes', async () => {
  const { as } = await api.createTenant();
  const { key, token } = await as.member.keys.create({ name: 'k', scopes: ['projects:read'] });
  await as.admin.keys.verify({ token, permissions: ['projects:read'] });
  await as.admin.keys.verify({ token, permissions: ['projects:write'] });
  expect((await exercised(key.id))?.permissions).toEqual({ 'projects:read': new Date(api.clock()) });
});
