import {
  emitWebhookEvents,
  fanOutAuditEvents,
  MAX_WEBHOOKS,
  tellExpiries,
  tellLimits,
  type WebhookEvent,
} from '@kaana/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';
import {
  actionsOf,
  createListening,
  createProcess,
  deliveriesOf,
  forgetWebhooks,
  typesOf,
  WEBHOOK_URL,
} from './testing/webhooks.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
beforeEach(() => forgetWebhooks(api));
afterAll(() => api[Symbol.asyncDispose]());

const DAY_MS = 24 * 3600_000;

describe('webhooks', () => {
  it('are for admins, who may see keys; every change leaves one audit event, and the secret is shown once', async () => {
    const tenant = await api.createTenant();
    const { as } = tenant;
    for (const caller of [as.member, as.viewer]) {
      await expectRefusal(caller.webhooks.list(), 'permission_denied');
      await expectRefusal(caller.webhooks.create({ url: WEBHOOK_URL }), 'permission_denied');
    }
    const { token } = await as.admin.keys.create({ name: 'narrow', scopes: ['organization:write'] });
    await expectRefusal(api.withKey(token).webhooks.create({ url: WEBHOOK_URL }), 'permission_denied');

    const { webhook, secret } = await as.admin.webhooks.create({
      url: WEBHOOK_URL,
      events: ['key.revoked', 'key.created'],
    });
    expect(secret).toMatch(/^whsec_/);
    expect(webhook).toMatchObject({
      url: WEBHOOK_URL,
      status: 'active',
      events: ['key.created', 'key.revoked'],
    });
    const { id } = webhook;
    await as.admin.webhooks.update({ id, description: 'd' });
    await as.admin.webhooks.update({ id, description: 'd', events: ['key.revoked', 'key.created'] });
    await as.admin.webhooks.update({ id, status: 'disabled' });
    const rotated = await as.admin.webhooks.rotateSecret({ id });
    expect(rotated.secret).not.toBe(secret);
    expect(rotated.webhook.secrets.map(({ expiresAt }) => expiresAt === null)).toEqual([true, false]);
    expect((await as.admin.webhooks.rotateSecret({ id, overlapSeconds: 0 })).webhook.secrets).toHaveLength(1);
    const listed = await as.admin.webhooks.list();
    expect(listed.data).toHaveLength(1);
    const stored = JSON.stringify(
      await api.database
        .raw('webhooks')
        .find({ _id: id as never })
        .toArray(),
    );
    const events = JSON.stringify(await as.admin.audit.list({ limit: 200 }));
    for (const text of [JSON.stringify(listed), stored, events]) {
      expect(text).not.toContain(secret.slice(6, 20));
      expect(text).not.toContain(rotated.secret.slice(6, 20));
    }
    await as.admin.webhooks.delete({ id });
    await expectRefusal(as.admin.webhooks.delete({ id }), 'not_found');
    await expectRefusal(as.admin.webhooks.test({ id }), 'not_found');
    expect(await actionsOf(tenant, id)).toEqual([
      'webhook.deleted',
      'webhook.secret_rotated',
      'webhook.secret_rotated',
      'webhook.updated',
      'webhook.updated',
      'webhook.created',
    ]);
  });

  it('cannot lead to what is not public, neither at first nor after a change', async () => {
    const { as, id } = await createListening(api);
    for (const bad of [
      'http://hooks.test/',
      'https://127-0-0-1.test/',
      'https://10.0.0.1/',
      'nonsense',
      '',
    ]) {
      await expectRefusal(as.admin.webhooks.create({ url: bad }), 'invalid_input');
      await expectRefusal(as.admin.webhooks.update({ id, url: bad }), 'invalid_input');
    }
    expect((await as.admin.webhooks.list()).data.map((webhook) => webhook.url)).toEqual([WEBHOOK_URL]);
  });

  it(`are ${MAX_WEBHOOKS} at most, whatever runs in parallel`, async () => {
    const { as } = await api.createTenant();
    const attempts = await Promise.allSettled(
      Array.from({ length: 2 * MAX_WEBHOOKS }, () => as.admin.webhooks.create({ url: WEBHOOK_URL })),
    );
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(MAX_WEBHOOKS);
    await expectRefusal(as.admin.webhooks.create({ url: WEBHOOK_URL }), 'webhook_limit_reached');
    const [first] = (await as.admin.webhooks.list()).data;
    await as.admin.webhooks.delete({ id: first?.id ?? '' });
    await as.admin.webhooks.create({ url: WEBHOOK_URL });
  });
});

describe('a change of a key', () => {
  it('is told to the webhooks that want it, with the key and without its token', async () => {
    const tenant = await createListening(api);
    const { as, organization, accounts } = tenant;
    await as.admin.webhooks.create({ url: 'https://hooks.test/revoked', events: ['key.revoked'] });
    const { key, token } = await as.member.keys.create({ name: 'k' });
    const rotated = await as.member.keys.rotate({ id: key.id });
    await as.member.keys.update({ id: key.id, name: 'no event' });
    await as.member.keys.revoke({ id: key.id });
    const { sent, errors, run } = createProcess(api);
    await run();
    expect(errors).toEqual([]);
    expect(sent.map((message) => message.url).filter((to) => to.endsWith('/revoked'))).toHaveLength(1);
    expect(typesOf(sent)).toEqual(['key.created', 'key.revoked', 'key.revoked', 'key.rotated']);
    const revoked = sent.filter(({ payload }) => payload.includes('"key.revoked"'));
    expect(new Set(revoked.map(({ messageId }) => messageId)).size).toBe(1);
    expect(JSON.parse(revoked[0]?.payload ?? '')).toMatchObject({
      type: 'key.revoked',
      data: {
        organizationId: organization.id,
        key: { id: key.id, status: 'revoked', start: rotated.key.start },
        actor: { type: 'account', id: accounts.member.id },
      },
    });
    for (const { payload } of sent) {
      expect(payload).not.toContain(token.slice(12));
      expect(payload).not.toContain(rotated.token.slice(12));
    }
    const deliveries = await deliveriesOf(tenant);
    expect(deliveries.map(({ status }) => status)).toEqual(['delivered', 'delivered', 'delivered']);
    await run();
    expect(sent).toHaveLength(4);
  });

  it('is told once by a fan-out that dies, is repeated, and runs in several processes at once', async () => {
    const tenant = await createListening(api);
    const { stores } = api.database;
    const { key } = await tenant.as.admin.keys.create({ name: 'k' });
    const markTold = () => Promise.reject(new Error('the process dies here'));
    const dying = { ...stores, webhookDeliveries: { ...stores.webhookDeliveries, markTold } };
    await expect(fanOutAuditEvents(dying, api.clock)).rejects.toThrow('dies here');
    await Promise.all(Array.from({ length: 5 }, () => fanOutAuditEvents(stores, api.clock)));
    expect(await deliveriesOf(tenant)).toHaveLength(1);
    const { sent, run } = createProcess(api);
    await run();
    expect(sent).toHaveLength(1);
    expect(sent[0]?.payload).toContain(key.id);
    expect(JSON.stringify(await tenant.as.admin.audit.list())).not.toContain('untold');
  });

  it('is told also where the process died before the event came to the log', async () => {
    const tenant = await createListening(api);
    const { key } = await tenant.as.admin.keys.create({ name: 'k' });
    await fanOutAuditEvents(api.database.stores, api.clock);
    const [created] = (await tenant.as.admin.audit.list({ targetId: key.id })).data;
    const left = {
      ...created,
      id: `evt_left_${key.id}`,
      at: new Date(),
      organizationId: tenant.organization.id,
      action: 'key.rotated',
    };
    await api.database.raw('api_keys').updateOne({ _id: key.id as never }, { $set: { outbox: [left] } });
    await api.database.stores.audit.sweep();
    const { sent, run } = createProcess(api);
    await run();
    expect(typesOf(sent)).toEqual(['key.created', 'key.rotated']);
  });

  it('is not told where nobody listens, to a disabled webhook, or of another organization', async () => {
    const { as, id } = await createListening(api);
    await as.admin.webhooks.update({ id, status: 'disabled' });
    await as.admin.keys.create({ name: 'k' });
    const other = await api.createTenant();
    await other.as.admin.keys.create({ name: 'k' });
    const { sent, run } = createProcess(api);
    await run();
    expect(sent).toEqual([]);
    expect(await api.database.stores.webhookDeliveries.untold(10)).toEqual([]);
  });

  it.each([
    ['revoke', ['key.leaked', 'key.revoked']],
    ['notify', ['key.leaked']],
    ['flag', []],
  ] as const)('of a leaked token is told as the policy "%s" says', async (onLeak, types) => {
    const { as } = await createListening(api);
    await as.admin.organization.update({ policies: { onLeak } });
    const { token } = await as.admin.keys.create({ name: 'k' });
    const { sent, run } = createProcess(api);
    await run();
    expect(typesOf(sent)).toEqual(['key.created']);
    for (let count = 0; count < 2; count++) await api.anonymous().keys.leaked({ token });
    await run();
    expect(typesOf(sent.slice(1))).toEqual(types);
    const person = await as.admin.keys.create({ name: 'p' });
    await as.admin.keys.revoke({ id: person.key.id, reason: 'leaked' });
    await run();
    expect(typesOf(sent.slice(1 + types.length))).toEqual(['key.created', 'key.revoked']);
  });
});

describe('time', () => {
  const sweep = () => tellExpiries(api.database.stores, api.clock, api.clock());
  const told = async () => {
    const { sent, run } = createProcess(api);
    await run();
    return typesOf(sent);
  };

  it('tells a week before and when a key expires, once, whoever sweeps and however often', async () => {
    const { as } = await createListening(api);
    await sweep();
    const at = (days: number) => new Date(api.clock() + days * DAY_MS).toISOString();
    await as.admin.keys.create({ name: 'k', expiresAt: at(30) });
    await as.admin.keys.create({ name: 'short', expiresAt: at(2) });
    const { key: revoked } = await as.admin.keys.create({ name: 'revoked', expiresAt: at(30) });
    await as.admin.keys.revoke({ id: revoked.id });
    await told();
    await sweep();
    expect(await told()).toEqual([]);
    api.clock.advance(2 * DAY_MS);
    await sweep();
    expect(await told()).toEqual(['key.expired']);
    api.clock.advance(21 * DAY_MS);
    await Promise.all([sweep(), sweep(), sweep()]);
    expect(await told()).toEqual(['key.expiring']);
    api.clock.advance(7 * DAY_MS);
    await Promise.all([sweep(), sweep()]);
    await sweep();
    expect(await told()).toEqual(['key.expired']);
  });

  it('tells after a pause what has expired meanwhile, and that alone', async () => {
    const { as } = await createListening(api);
    await sweep();
    const expiresAt = new Date(api.clock() + 30 * DAY_MS).toISOString();
    const { key } = await as.admin.keys.create({ name: 'k', expiresAt });
    await told();
    api.clock.advance(40 * DAY_MS);
    await sweep();
    const { sent, run } = createProcess(api);
    await run();
    expect(JSON.parse(sent[0]?.payload ?? '')).toMatchObject({
      type: 'key.expired',
      timestamp: expiresAt,
      data: { key: { id: key.id, status: 'expired' } },
    });
    expect(sent).toHaveLength(1);
  });

  it('tells of an expiry that a change brings near, once', async () => {
    const { as } = await createListening(api);
    const at = (days: number) => new Date(api.clock() + days * DAY_MS).toISOString();
    const { key } = await as.admin.keys.create({ name: 'k', expiresAt: at(30) });
    await as.admin.keys.update({ id: key.id, expiresAt: at(6) });
    expect(await told()).toEqual(['key.created', 'key.expiring']);
    await sweep();
    expect(await told()).toEqual([]);
  });

  it('tells of refusals by a limit once an hour and key', async () => {
    const { as } = await createListening(api);
    const { key, token } = await as.admin.keys.create({
      name: 'k',
      limits: [{ name: 'few', limit: 1, windowSeconds: 3600 }],
    });
    await told();
    const { stores, webhooks } = api.domain;
    await api.withKey(token).user.me();
    for (let count = 0; count < 3; count++) await expectRefusal(api.withKey(token).user.me(), 'rate_limited');
    const verdict = await as.admin.keys.verify({ token });
    expect(verdict.code).toBe('rate_limited');
    await tellLimits(stores, api.clock, webhooks.limits);
    const { sent, run } = createProcess(api);
    await run();
    expect(sent).toHaveLength(1);
    expect(JSON.parse(sent[0]?.payload ?? '')).toMatchObject({
      type: 'key.limit_reached',
      data: { limit: 'key:few', key: { id: key.id } },
    });
    // Another process has seen it as well.
    const once = String(Math.floor(api.clock() / 3600_000));
    const again: WebhookEvent = {
      type: 'key.limit_reached',
      organizationId: (await as.admin.organization.get()).id,
      keyId: key.id,
      at: new Date(),
      once,
    };
    await emitWebhookEvents(stores, api.clock, [again]);
    await run();
    expect(sent).toHaveLength(1);
  });
});
