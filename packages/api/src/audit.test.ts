import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApi, type TestApi } from './testing/index.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

describe('the audit log', () => {
  it('has exactly one event for every change of state, and none for what changed nothing', async () => {
    const { as, accounts } = await api.createTenant();
    const before = (await as.admin.audit.list({ limit: 200 })).data.length;
    const { key } = await as.admin.keys.create({ name: 'k' });
    await as.admin.keys.update({ id: key.id, name: 'renamed' });
    await as.admin.keys.update({ id: key.id, name: 'renamed' });
    await as.admin.keys.update({ id: key.id });
    await as.admin.keys.rotate({ id: key.id });
    await as.admin.keys.revoke({ id: key.id });
    await as.admin.keys.revoke({ id: key.id }).catch(() => undefined);
    const project = await as.admin.projects.create({ name: 'p' });
    await as.admin.projects.update({ id: project.id, description: 'd' });
    await as.admin.projects.delete({ id: project.id });
    await as.admin.members.update({ id: accounts.viewer.id, role: 'member' });
    await as.admin.members.invite({ email: `i${Date.now()}@x.test`, name: 'i', role: 'viewer' });
    await as.admin.organization.update({ name: `Renamed ${Date.now()}` });
    const events = (await as.admin.audit.list({ limit: 200 })).data;
    const actions = events.slice(0, events.length - before).map(({ action }) => action);
    expect(actions.toSorted()).toEqual(
      [
        'key.created',
        'key.updated',
        'key.rotated',
        'key.revoked',
        'project.created',
        'project.updated',
        'project.deleted',
        'account.updated',
        'account.invited',
        'organization.updated',
      ].toSorted(),
    );
  });

  it('says who, what, and from what to what', async () => {
    const { as, accounts } = await api.createTenant();
    const { key, token } = await as.admin.keys.create({ name: 'Deploy' });
    const project = await api.withKey(token, { ip: '203.0.113.9' }).projects.create({ name: 'a' });
    await api.withKey(token).projects.update({ id: project.id, name: 'b' });
    const [renamed, created] = (await as.admin.audit.list({ targetId: project.id })).data;
    expect(created).toMatchObject({
      action: 'project.created',
      ip: '203.0.113.9',
      requestId: 'test-request',
    });
    expect(renamed).toMatchObject({
      action: 'project.updated',
      actor: { type: 'key', id: accounts.admin.id, keyId: key.id },
      target: { type: 'project', id: project.id, name: 'a' },
      changes: { name: { from: 'a', to: 'b' } },
    });
    expect(
      (await as.admin.audit.list({ action: 'key.created' })).data.map(({ target }) => target.id),
    ).toEqual([key.id]);
  });

  it('gets what a crash has left inside a write, once', async () => {
    const { as } = await api.createTenant();
    const { key } = await as.admin.keys.create({ name: 'k' });
    const { audit } = api.database.stores;
    const organizationId = (await as.admin.organization.get()).id;
    // As a process leaves it that dies after the write: the event is in the document, and not yet in the log.
    const event = {
      id: `evt_crash_${key.id}`,
      organizationId,
      at: new Date(api.clock()),
      action: 'key.updated',
      actor: { type: 'system', id: null, name: 'system', keyId: null },
      target: { type: 'key', id: key.id, name: key.name },
      changes: {},
      requestId: null,
      ip: null,
    };
    await api.database.raw('api_keys').updateOne({ _id: key.id as never }, { $set: { outbox: [event] } });
    await Promise.all([audit.sweep(), audit.sweep(), audit.sweep()]);
    await audit.sweep();
    const found = (await as.admin.audit.list({ targetId: key.id })).data.filter(({ id }) => id === event.id);
    expect(found).toHaveLength(1);
    const stored = await api.database.raw('api_keys').findOne({ _id: key.id as never });
    expect(stored).not.toHaveProperty('outbox');
  });

  it('keeps the event of a deletion that was cut short, and finishes the deletion', async () => {
    const { as } = await api.createTenant();
    const project = await as.admin.projects.create({ name: 'p' });
    const projects = api.database.raw('projects');
    await as.admin.projects.delete({ id: project.id });
    expect(await projects.findOne({ _id: project.id as never })).toBeNull();
    const again = await as.admin.projects.create({ name: 'q' });
    const [created] = (await as.admin.audit.list({ targetId: again.id })).data;
    const left = {
      ...created,
      id: `evt_${again.id}`,
      at: new Date(),
      organizationId: (await as.admin.organization.get()).id,
    };
    await projects.updateOne(
      { _id: again.id as never },
      { $set: { deletedAt: new Date(), outbox: [{ ...left, action: 'project.deleted' }] } },
    );
    expect((await as.admin.projects.list()).data).toEqual([]);
    await api.database.stores.audit.sweep();
    expect(await projects.findOne({ _id: again.id as never })).toBeNull();
    const actions = (await as.admin.audit.list({ targetId: again.id })).data.map(({ action }) => action);
    expect(actions.toSorted()).toEqual(['project.created', 'project.deleted']);
  });
});
