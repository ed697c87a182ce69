import { generatePepper, parsePeppers } from '@kaana/api-key/digest';
import {
  fanOutAuditEvents,
  LEASE_MS,
  MAX_TRIES,
  type OutgoingMessage,
  type Stores,
  trimDeliveriesInTurn,
} from '@kaana/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from './testing/errors.ts';
import { createTestApi, type TestApi } from './testing/index.ts';
import {
  actionsOf,
  createListening,
  createProcess,
  DELIVERED,
  deliveriesOf,
  FAILED,
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

/** More than a process takes to tell one message: fan-out, claim, reading, body, sending, outcome. */
const MAX_STEPS = 14;

/** Stores of a process that dies in the given step, before it is done or after: none of its later steps is done. */
const createMortal = (dieAt: number, isDone: boolean) => {
  let count = 0;
  const step = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const own = ++count;
    if (own > dieAt || (own === dieAt && !isDone)) throw new Error('dead');
    const result = await work();
    if (own === dieAt) throw new Error('dead');
    return result;
  };
  const mortal = <Store extends object>(store: Store): Store =>
    new Proxy(store, {
      get: (target, name, receiver) => {
        const method = Reflect.get(target, name, receiver) as (...given: unknown[]) => Promise<unknown>;
        return (...given: unknown[]) => step(() => method(...given));
      },
    });
  const { stores } = api.database;
  const dying: Stores = {
    ...stores,
    keys: mortal(stores.keys),
    webhooks: mortal(stores.webhooks),
    webhookDeliveries: mortal(stores.webhookDeliveries),
  };
  return { stores: dying, step };
};

describe('a delivery', () => {
  it('is sent once by several processes at work at the same time', async () => {
    const tenant = await createListening(api);
    for (let count = 0; count < 20; count++) await tenant.as.admin.keys.create({ name: `k${count}` });
    const processes = Array.from({ length: 4 }, () => createProcess(api));
    await Promise.all(processes.map(({ run }) => run()));
    const ids = processes.flatMap(({ sent }) => sent.map(({ messageId }) => messageId));
    expect(ids).toHaveLength(20);
    expect(new Set(ids).size).toBe(20);
  });

  it('arrives whichever of its steps a process dies in, before or after the step is done', async () => {
    const tenant = await createListening(api);
    const sent: OutgoingMessage[] = [];
    const keys: string[] = [];
    for (let step = 1; step <= MAX_STEPS; step++) {
      for (const isDone of [false, true]) {
        keys.push((await tenant.as.admin.keys.create({ name: `${step}` })).key.id);
        const mortal = createMortal(step, isDone);
        const dying = createProcess(api, {
          stores: mortal.stores,
          send: (message) =>
            mortal.step(async () => {
              sent.push(message);
              return DELIVERED;
            }),
        });
        await dying.run().catch(() => undefined);
        api.clock.advance(LEASE_MS);
      }
    }
    const last = createProcess(api);
    await last.run();
    sent.push(...last.sent);
    const bodies = new Map<string, Set<string>>();
    for (const { messageId, payload } of sent) {
      bodies.set(messageId, (bodies.get(messageId) ?? new Set()).add(payload));
    }
    expect(bodies.size).toBe(keys.length);
    for (const same of bodies.values()) expect(same.size).toBe(1);
    for (const id of keys) expect(sent.some(({ payload }) => payload.includes(id))).toBe(true);
    const log = await deliveriesOf(tenant);
    expect(log.map(({ status }) => status)).toEqual(keys.map(() => 'delivered'));
    expect(await api.database.stores.webhookDeliveries.untold(10)).toEqual([]);
  });

  it('of a process that died is taken over when its lease ends, with the same bytes', async () => {
    const tenant = await createListening(api);
    const { key } = await tenant.as.admin.keys.create({ name: 'k' });
    const dead = createProcess(api, { send: () => new Promise(() => undefined) });
    await fanOutAuditEvents(api.database.stores, api.clock);
    await dead.deliverer.work();
    await expect.poll(() => dead.sent.length, { timeout: 60_000 }).toBe(1);
    await tenant.as.admin.keys.update({ id: key.id, name: 'renamed meanwhile' });
    const { sent, run } = createProcess(api);
    await run();
    expect(sent).toEqual([]);
    api.clock.advance(LEASE_MS);
    await run();
    expect(sent.map(({ messageId, payload }) => [messageId, payload])).toEqual(
      dead.sent.map(({ messageId, payload }) => [messageId, payload]),
    );
  });

  it('is tried again, later each time, for about three days, and again when an admin asks', async () => {
    const tenant = await createListening(api);
    await tenant.as.admin.keys.create({ name: 'k' });
    let answer = FAILED;
    const { sent, run } = createProcess(api, { send: async () => answer });
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

    answer = DELIVERED;
    await tenant.as.admin.webhooks.resend({ id: tenant.id, deliveryId: failed?.id ?? '' });
    await run();
    expect((await deliveriesOf(tenant))[0]).toMatchObject({
      status: 'delivered',
      messageId: failed?.messageId,
    });
    expect((await tenant.as.admin.webhooks.list()).data[0]?.failingSince).toBeNull();
  });

  it('that is answered with 410 disables the webhook; so does one that has failed for days', async () => {
    const gone = await createListening(api);
    await gone.as.admin.keys.create({ name: 'k' });
    await createProcess(api, {
      send: async () => ({ ...FAILED, outcome: 'gone', status: 410 }),
    }).run();
    expect((await gone.as.admin.webhooks.list()).data[0]).toMatchObject({ status: 'disabled' });
    expect(await actionsOf(gone, gone.id)).toEqual(['webhook.disabled', 'webhook.created']);

    const failing = await createListening(api);
    await failing.as.admin.keys.create({ name: 'first' });
    const { run } = createProcess(api, { send: async () => FAILED });
    await run();
    api.clock.advance(5 * DAY_MS);
    await failing.as.admin.keys.create({ name: 'second' });
    await run();
    const [disabled] = (await failing.as.admin.webhooks.list()).data;
    expect(disabled?.status).toBe('disabled');
    expect(disabled?.disabledReason).toContain('5 days');
    expect(await actionsOf(failing, failing.id)).toEqual(['webhook.disabled', 'webhook.created']);
    // A test goes there all the same; an admin enables it again.
    const { sent, run: runWell } = createProcess(api);
    await failing.as.admin.webhooks.test({ id: failing.id });
    await runWell();
    expect(typesOf(sent)).toEqual(['webhook.test']);
    const enabled = await failing.as.admin.webhooks.update({ id: failing.id, status: 'active' });
    expect(enabled).toMatchObject({ status: 'active', disabledReason: null, failingSince: null });
  });

  it('to a slow webhook does not keep others waiting', async () => {
    const slow = await createListening(api);
    const quick = await createListening(api);
    await slow.as.admin.webhooks.update({ id: slow.id, url: 'https://slow.test/' });
    for (let count = 0; count < 40; count++) await slow.as.admin.keys.create({ name: `${count}` });
    await quick.as.admin.keys.create({ name: 'k' });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { sent, deliverer } = createProcess(api, {
      send: async (message) => {
        if (message.url.includes('slow')) await held;
        return DELIVERED;
      },
    });
    await fanOutAuditEvents(api.database.stores, api.clock);
    await expect
      .poll(
        async () => {
          await deliverer.work();
          return sent.some((message) => message.url === WEBHOOK_URL);
        },
        { timeout: 60_000 },
      )
      .toBe(true);
    expect(sent.filter((message) => message.url.includes('slow')).length).toBeLessThanOrEqual(2);
    const stopped = deliverer.stop();
    release();
    await stopped;
    await createProcess(api).run();
  });

  it('is signed with each secret that has not ended, and with none whose pepper is gone', async () => {
    const tenant = await createListening(api);
    const { secret } = await tenant.as.admin.webhooks.rotateSecret({ id: tenant.id, overlapSeconds: 60 });
    const { sent, run } = createProcess(api);
    await tenant.as.admin.webhooks.test({ id: tenant.id });
    await run();
    api.clock.advance(60_000);
    await tenant.as.admin.webhooks.test({ id: tenant.id });
    await run();
    expect(sent.map(({ secrets }) => secrets)).toEqual([[secret, tenant.secret], [secret]]);
    const lost = createProcess(api, { peppers: parsePeppers(generatePepper('other')) });
    await tenant.as.admin.webhooks.test({ id: tenant.id });
    await lost.run();
    expect([lost.sent, lost.errors]).toEqual([[], []]);
    const [delivery] = await deliveriesOf(tenant);
    expect(delivery).toMatchObject({ status: 'pending', attempts: [{ outcome: 'refused' }] });
  });

  it('that can never be sent ends all the same', async () => {
    const tenant = await createListening(api);
    await tenant.as.admin.webhooks.test({ id: tenant.id });
    const { errors, run } = createProcess(api, { send: () => Promise.reject(new Error('a fault of ours')) });
    for (let round = 1; round <= 2 * MAX_TRIES; round++) {
      await run();
      expect(errors).toHaveLength(round);
      api.clock.advance(LEASE_MS);
    }
    expect((await deliveriesOf(tenant))[0]).toMatchObject({ status: 'pending', attempts: [] });
    api.clock.advance(6 * DAY_MS);
    await run();
    expect(errors).toHaveLength(2 * MAX_TRIES);
    expect((await deliveriesOf(tenant))[0]).toMatchObject({ status: 'failed', nextAttemptAt: null });
  });

  it('goes with its webhook, and the log is kept within bounds', async () => {
    const tenant = await createListening(api);
    for (let count = 0; count < 6; count++) await tenant.as.admin.keys.create({ name: `${count}` });
    const { sent, run } = createProcess(api);
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
    const { as, id } = await createListening(api);
    for (let count = 0; count < 20; count++) await as.admin.webhooks.test({ id });
    await expectRefusal(as.admin.webhooks.test({ id }), 'rate_limited');
    await as.admin.webhooks.delete({ id });
  });
});
