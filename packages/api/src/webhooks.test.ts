import { generatePepper, parsePeppers } from '@kaana/api-key/digest';
import {
  emitWebhookEvents,
  fanOutAuditEvents,
  LEASE_MS,
  MAX_TRIES,
  MAX_WEBHOOKS,
  type OutgoingMessage,
  type SendResult,
  tellExpiries,
  tellLimits,
  trimDeliveriesInTurn,
  WebhookDeliverer,
  type WebhookEvent,
} from '@kaana/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type Tenant, type TestApi } from './testing/index.ts';
import { toOneKey } from './wire.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
// A deliverer sends whatever is due in the database.
beforeEach(() =>
  Promise.all(['webhooks', 'webhook_deliveries'].map((name) => api.database.raw(name).deleteMany({}))),
);
afterAll(() => api[Symbol.asyncDispose]());

const DAY_MS = 24 * 3600_000;
const url = 'https://hooks.test/kaana';
const OK: SendResult = { outcome: 'delivered', status: 200, error: null, retryAfterMs: null };
const FAILED: SendResult = { outcome: 'rejected', status: 500, error: null, retryAfterMs: null };

/** A process's deliverer, and what it has sent. */
const createProcess = (send: (message: OutgoingMessage) => Promise<SendResult> = async () => OK) => {
  const sent: OutgoingMessage[] = [];
  const errors: unknown[] = [];
  const deliverer = new WebhookDeliverer({
    stores: api.database.stores,
    peppers: api.peppers,
    clock: api.clock,
    describe: (key) => toOneKey(api.domain, key),
    send: (message) => {
      sent.push(message);
      return send(message);
    },
    count: () => undefined,
    report: (error) => errors.push(error),
  });
  return {
    sent,
    errors,
    deliverer,
    /** Until nothing is due. */
    run: async () => {
      await fanOutAuditEvents(api.database.stores, api.clock);
      await deliverer.work();
      await deliverer.idle();
    },
  };
};

const typesOf = (sent: readonly OutgoingMessage[]) =>
  sent.map(({ payload }) => (JSON.parse(payload) as { type: string }).type).toSorted();

const withWebhook = async (): Promise<Tenant & { readonly id: string; readonly secret: string }> => {
  const tenant = await api.createTenant('enterprise');
  const { webhook, secret } = await tenant.as.admin.webhooks.create({ url });
  return { ...tenant, id: webhook.id, secret };
};
const deliveriesOf = async ({ as, id }: Tenant & { id: string }) =>
  (await as.admin.webhooks.deliveries({ id, limit: 200 })).data;
const actionsOf = async ({ as }: Tenant, targetId: string) =>
  (await as.admin.audit.list({ targetId })).data.map(({ action }) => action);

describe('webhooks', () => {
  it('are for admins, who may see keys; every change leaves one audit event, and the secret is shown once', async () => {
    const tenant = await api.createTenant();
    const { as } = tenant;
    for (const caller of [as.member, as.viewer]) {
      await expectRefusal(caller.webhooks.list(), 'permission_denied');
      await expectRefusal(caller.webhooks.create({ url }), 'permission_denied');
    }
    const { token } = await as.admin.keys.create({ name: 'narrow', scopes: ['organization:write'] });
    await expectRefusal(api.withKey(token).webhooks.create({ url }), 'permission_denied');

    const { webhook, secret } = await as.admin.webhooks.create({
      url,
      events: ['key.revoked', 'key.created'],
    });
    expect(secret).toMatch(/^whsec_/);
    expect(webhook).toMatchObject({ url, status: 'active', events: ['key.created', 'key.revoked'] });
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
    const { as, id } = await withWebhook();
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
    expect((await as.admin.webhooks.list()).data.map((webhook) => webhook.url)).toEqual([url]);
  });

  it(`are ${MAX_WEBHOOKS} at most, whatever runs in parallel`, async () => {
    const { as } = await api.createTenant();
    const attempts = await Promise.allSettled(
      Array.from({ length: 2 * MAX_WEBHOOKS }, () => as.admin.webhooks.create({ url })),
    );
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(MAX_WEBHOOKS);
    await expectRefusal(as.admin.webhooks.create({ url }), 'webhook_limit_reached');
    const [first] = (await as.admin.webhooks.list()).data;
    await as.admin.webhooks.delete({ id: first?.id ?? '' });
    await as.admin.webhooks.create({ url });
  });
});

describe('a change of a key', () => {
  it('is told to the webhooks that want it, with the key and without its token', async () => {
    const tenant = await withWebhook();
    const { as, organization, accounts } = tenant;
    await as.admin.webhooks.create({ url: 'https://hooks.test/revoked', events: ['key.revoked'] });
    const { key, token } = await as.member.keys.create({ name: 'k' });
    const rotated = await as.member.keys.rotate({ id: key.id });
    await as.member.keys.update({ id: key.id, name: 'no event' });
    await as.member.keys.revoke({ id: key.id });
    const { sent, errors, run } = createProcess();
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
    const tenant = await withWebhook();
    const { stores } = api.database;
    const { key } = await tenant.as.admin.keys.create({ name: 'k' });
    const markTold = () => Promise.reject(new Error('the process dies here'));
    const dying = { ...stores, webhookDeliveries: { ...stores.webhookDeliveries, markTold } };
    await expect(fanOutAuditEvents(dying, api.clock)).rejects.toThrow('dies here');
    await Promise.all(Array.from({ length: 5 }, () => fanOutAuditEvents(stores, api.clock)));
    expect(await deliveriesOf(tenant)).toHaveLength(1);
    const { sent, run } = createProcess();
    await run();
    expect(sent).toHaveLength(1);
    expect(sent[0]?.payload).toContain(key.id);
    expect(JSON.stringify(await tenant.as.admin.audit.list())).not.toContain('untold');
  });

  it('is told also where the process died before the event came to the log', async () => {
    const tenant = await withWebhook();
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
    const { sent, run } = createProcess();
    await run();
    expect(typesOf(sent)).toEqual(['key.created', 'key.rotated']);
  });

  it('is not told where nobody listens, to a disabled webhook, or of another organization', async () => {
    const { as, id } = await withWebhook();
    await as.admin.webhooks.update({ id, status: 'disabled' });
    await as.admin.keys.create({ name: 'k' });
    const other = await api.createTenant();
    await other.as.admin.keys.create({ name: 'k' });
    const { sent, run } = createProcess();
    await run();
    expect(sent).toEqual([]);
    expect(await api.database.stores.webhookDeliveries.untold(10)).toEqual([]);
  });

  it.each([
    ['revoke', ['key.leaked', 'key.revoked']],
    ['notify', ['key.leaked']],
    ['flag', []],
  ] as const)('of a leaked token is told as the policy "%s" says', async (onLeak, types) => {
    const { as } = await withWebhook();
    await as.admin.organization.update({ policies: { onLeak } });
    const { token } = await as.admin.keys.create({ name: 'k' });
    const { sent, run } = createProcess();
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
    const { sent, run } = createProcess();
    await run();
    return typesOf(sent);
  };

  it('tells a week before and when a key expires, once, whoever sweeps and however often', async () => {
    const { as } = await withWebhook();
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
    const { as } = await withWebhook();
    await sweep();
    const expiresAt = new Date(api.clock() + 30 * DAY_MS).toISOString();
    const { key } = await as.admin.keys.create({ name: 'k', expiresAt });
    await told();
    api.clock.advance(40 * DAY_MS);
    await sweep();
    const { sent, run } = createProcess();
    await run();
    expect(JSON.parse(sent[0]?.payload ?? '')).toMatchObject({
      type: 'key.expired',
      timestamp: expiresAt,
      data: { key: { id: key.id, status: 'expired' } },
    });
    expect(sent).toHaveLength(1);
  });

  it('tells of an expiry that a change brings near, once', async () => {
    const { as } = await withWebhook();
    const at = (days: number) => new Date(api.clock() + days * DAY_MS).toISOString();
    const { key } = await as.admin.keys.create({ name: 'k', expiresAt: at(30) });
    await as.admin.keys.update({ id: key.id, expiresAt: at(6) });
    expect(await told()).toEqual(['key.created', 'key.expiring']);
    await sweep();
    expect(await told()).toEqual([]);
  });

  it('tells of refusals by a limit once an hour and key', async () => {
    const { as } = await withWebhook();
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
    const { sent, run } = createProcess();
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

describe('a delivery', () => {
  it('is sent once by several processes at work at the same time', async () => {
    const tenant = await withWebhook();
    for (let count = 0; count < 20; count++) await tenant.as.admin.keys.create({ name: `k${count}` });
    const processes = Array.from({ length: 4 }, () => createProcess());
    await Promise.all(processes.map(({ run }) => run()));
    const ids = processes.flatMap(({ sent }) => sent.map(({ messageId }) => messageId));
    expect(ids).toHaveLength(20);
    expect(new Set(ids).size).toBe(20);
  });

  it('of a process that died is taken over when its lease ends, with the same bytes', async () => {
    const tenant = await withWebhook();
    const { key } = await tenant.as.admin.keys.create({ name: 'k' });
    const dead = createProcess(() => new Promise(() => undefined));
    await fanOutAuditEvents(api.database.stores, api.clock);
    await dead.deliverer.work();
    await expect.poll(() => dead.sent.length, { timeout: 60_000 }).toBe(1);
    await tenant.as.admin.keys.update({ id: key.id, name: 'renamed meanwhile' });
    const { sent, run } = createProcess();
    await run();
    expect(sent).toEqual([]);
    api.clock.advance(LEASE_MS);
    await run();
    expect(sent.map(({ messageId, payload }) => [messageId, payload])).toEqual(
      dead.sent.map(({ messageId, payload }) => [messageId, payload]),
    );
  });

  it('is tried again, later each time, for about three days, and again when an admin asks', async () => {
    const tenant = await withWebhook();
    await tenant.as.admin.keys.create({ name: 'k' });
    let answer = FAILED;
    const { sent, run } = createProcess(async () => answer);
    const begun = api.clock();
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      await run();
      expect(sent).toHaveLength(tries);
      const [delivery] = await deliveriesOf(tenant);
      if (tries === MAX_TRIES) break;
      expect(delivery?.status).toBe('pending');
      api.clock.advance(Date.parse(delivery?.nextAttemptAt ?? '') - api.clock());
    }
    const days = (api.clock() - begun) / DAY_MS;
    expect(days).toBeGreaterThan(2.5);
    expect(days).toBeLessThan(4);
    const [failed] = await deliveriesOf(tenant);
    expect(failed).toMatchObject({ status: 'failed', nextAttemptAt: null });
    expect(failed?.attempts).toHaveLength(MAX_TRIES);
    expect(new Set(sent.map(({ payload }) => payload)).size).toBe(1);
    expect((await tenant.as.admin.webhooks.list()).data[0]?.failingSince).not.toBeNull();

    answer = OK;
    await tenant.as.admin.webhooks.resend({ id: tenant.id, deliveryId: failed?.id ?? '' });
    await run();
    expect((await deliveriesOf(tenant))[0]).toMatchObject({
      status: 'delivered',
      messageId: failed?.messageId,
    });
    expect((await tenant.as.admin.webhooks.list()).data[0]?.failingSince).toBeNull();
  });

  it('that is answered with 410 disables the webhook; so does one that has failed for days', async () => {
    const gone = await withWebhook();
    await gone.as.admin.keys.create({ name: 'k' });
    await createProcess(async () => ({ ...FAILED, outcome: 'gone', status: 410 })).run();
    expect((await gone.as.admin.webhooks.list()).data[0]).toMatchObject({ status: 'disabled' });
    expect(await actionsOf(gone, gone.id)).toEqual(['webhook.disabled', 'webhook.created']);

    const failing = await withWebhook();
    await failing.as.admin.keys.create({ name: 'first' });
    const { run } = createProcess(async () => FAILED);
    await run();
    api.clock.advance(5 * DAY_MS);
    await failing.as.admin.keys.create({ name: 'second' });
    await run();
    const [disabled] = (await failing.as.admin.webhooks.list()).data;
    expect(disabled?.status).toBe('disabled');
    expect(disabled?.disabledReason).toContain('5 days');
    expect(await actionsOf(failing, failing.id)).toEqual(['webhook.disabled', 'webhook.created']);
    // A test goes there all the same; an admin enables it again.
    const { sent, run: runWell } = createProcess();
    await failing.as.admin.webhooks.test({ id: failing.id });
    await runWell();
    expect(typesOf(sent)).toEqual(['webhook.test']);
    const enabled = await failing.as.admin.webhooks.update({ id: failing.id, status: 'active' });
    expect(enabled).toMatchObject({ status: 'active', disabledReason: null, failingSince: null });
  });

  it('to a slow webhook does not keep others waiting', async () => {
    const slow = await withWebhook();
    const quick = await withWebhook();
    await slow.as.admin.webhooks.update({ id: slow.id, url: 'https://slow.test/' });
    for (let count = 0; count < 40; count++) await slow.as.admin.keys.create({ name: `${count}` });
    await quick.as.admin.keys.create({ name: 'k' });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { sent, deliverer } = createProcess(async (message) => {
      if (message.url.includes('slow')) await held;
      return OK;
    });
    await fanOutAuditEvents(api.database.stores, api.clock);
    await expect
      .poll(
        async () => {
          await deliverer.work();
          return sent.some((message) => message.url === url);
        },
        { timeout: 60_000 },
      )
      .toBe(true);
    expect(sent.filter((message) => message.url.includes('slow')).length).toBeLessThanOrEqual(2);
    const stopped = deliverer.stop();
    release();
    await stopped;
    await createProcess().run();
  });

  it('is signed with each secret that has not ended, and with none whose pepper is gone', async () => {
    const tenant = await withWebhook();
    const { secret } = await tenant.as.admin.webhooks.rotateSecret({ id: tenant.id, overlapSeconds: 60 });
    const { sent, run } = createProcess();
    await tenant.as.admin.webhooks.test({ id: tenant.id });
    await run();
    api.clock.advance(60_000);
    await tenant.as.admin.webhooks.test({ id: tenant.id });
    await run();
    expect(sent.map(({ secrets }) => secrets)).toEqual([[secret, tenant.secret], [secret]]);
    const lost = createProcess();
    const other = parsePeppers(generatePepper('other'));
    await tenant.as.admin.webhooks.test({ id: tenant.id });
    const deliverer = new WebhookDeliverer({
      stores: api.database.stores,
      peppers: other,
      clock: api.clock,
      describe: async () => ({}),
      send: async () => {
        throw new Error('nothing may be sent');
      },
      count: () => undefined,
      report: (error) => lost.errors.push(error),
    });
    await deliverer.work();
    await deliverer.idle();
    expect(lost.errors).toEqual([]);
    const [delivery] = await deliveriesOf(tenant);
    expect(delivery).toMatchObject({ status: 'pending', attempts: [{ outcome: 'refused' }] });
    await tenant.as.admin.webhooks.delete({ id: tenant.id });
  });

  it('that can never be sent ends all the same', async () => {
    const tenant = await withWebhook();
    await tenant.as.admin.webhooks.test({ id: tenant.id });
    const { errors, run } = createProcess(() => Promise.reject(new Error('a fault of ours')));
    for (let tries = 0; tries <= MAX_TRIES; tries++) {
      await run();
      api.clock.advance(LEASE_MS);
    }
    expect(errors).toHaveLength(MAX_TRIES);
    expect((await deliveriesOf(tenant))[0]).toMatchObject({ status: 'failed', nextAttemptAt: null });
  });

  it('goes with its webhook, and the log is kept within bounds', async () => {
    const tenant = await withWebhook();
    for (let count = 0; count < 6; count++) await tenant.as.admin.keys.create({ name: `${count}` });
    const { sent, run } = createProcess();
    await run();
    expect(sent).toHaveLength(6);
    await trimDeliveriesInTurn(api.database.stores);
    await api.database.stores.webhookDeliveries.trim(4);
    expect(await deliveriesOf(tenant)).toHaveLength(4);
    await tenant.as.admin.keys.create({ name: 'last' });
    await fanOutAuditEvents(api.database.stores, api.clock);
    await tenant.as.admin.webhooks.delete({ id: tenant.id });
    await run();
    expect(sent).toHaveLength(6);
    const left = await api.database.raw('webhook_deliveries').countDocuments({ webhookId: tenant.id });
    expect(left).toBe(0);
  });

  it('is asked for by hand only so often', async () => {
    const { as, id } = await withWebhook();
    for (let count = 0; count < 20; count++) await as.admin.webhooks.test({ id });
    await expectRefusal(as.admin.webhooks.test({ id }), 'rate_limited');
    await as.admin.webhooks.delete({ id });
  });
});
