import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { ADMIN, type Created, startFleet } from './fleet.ts';
import { type Received, startReceiver } from './receiver.ts';
import { eventually } from './server.ts';
import { type Session, signIn } from './session.ts';

const listen = (admin: Session, url: string) =>
  admin.mutate<{ webhook: { id: string }; secret: string }>('webhooks.create', { url });
const typesOf = (received: readonly Received[]) => received.map(({ message }) => message.type).toSorted();

describe('webhooks of two servers on one database', () => {
  it('are told every change, signed, whichever server made it, and again after a failure', async () => {
    await using fleet = await startFleet([{}, {}]);
    const [first = '', second = ''] = fleet.urls;
    const admin = await signIn(first, ADMIN);
    const other = await signIn(second, ADMIN);
    let failures = 1;
    await using receiver = await startReceiver(() => (failures-- > 0 ? 500 : 200));
    const { webhook, secret } = await listen(admin, receiver.url);

    await admin.mutate('webhooks.test', { id: webhook.id });
    await eventually(async () => receiver.received.length > 0);
    const { key, token } = await admin.mutate<Created>('keys.create', { name: 'k' });
    const rotated = await other.mutate<Created>('keys.rotate', { id: key.id });
    await other.mutate('keys.revoke', { id: key.id });
    await eventually(async () => receiver.about(key.id).length >= 3);
    expect(typesOf(receiver.about(key.id))).toEqual(['key.created', 'key.revoked', 'key.rotated']);

    // The one that was refused comes again, the same to the byte, and signed anew.
    const [refused] = receiver.received;
    const again = () => receiver.received.filter(({ id }) => id === refused?.id);
    await eventually(async () => again().length >= 2);
    expect(again()[0]?.message.type).toBe('webhook.test');
    expect(new Set(again().map(({ body }) => body)).size).toBe(1);

    for (const { body, headers } of receiver.received) {
      expect(new Webhook(secret).verify(body, headers)).toHaveProperty('type');
      for (const text of [token, rotated.token]) expect(body).not.toContain(text.slice(12));
    }
    const { data } = await eventually(async () => {
      const log = await other.query<{ data: { type: string; status: string; attempts: object[] }[] }>(
        'webhooks.deliveries',
        { id: webhook.id },
      );
      return log.data.every(({ status }) => status === 'delivered') && log;
    });
    expect(data.find(({ type }) => type === 'webhook.test')?.attempts).toMatchObject([
      { outcome: 'rejected', status: 500 },
      { outcome: 'delivered', status: 200 },
    ]);
    const metrics = await Promise.all(fleet.urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    expect(metrics.join('\n')).toMatch(/kaana_webhook_attempts_total\{outcome="delivered"\} \d/);
    expect(await fleet.stop()).toEqual([0, 0]);
  });

  it('are told by the other server what one was killed over', async () => {
    await using fleet = await startFleet([{}, {}]);
    const [first = '', second = ''] = fleet.urls;
    const admin = await signIn(first, ADMIN);
    await using receiver = await startReceiver();
    await listen(admin, receiver.url);
    const keys: Created[] = [];
    for (let count = 0; count < 5; count++) {
      keys.push(await admin.mutate<Created>('keys.create', { name: `k${count}` }));
    }
    // All are acknowledged, and hardly any is told.
    await fleet.servers[0]?.kill('SIGKILL');
    const other = await signIn(second, ADMIN);
    const last = await other.mutate<Created>('keys.create', { name: 'last' });
    for (const { key } of [...keys, last]) {
      await eventually(async () => receiver.about(key.id).length > 0);
      expect(new Set(receiver.about(key.id).map(({ id }) => id)).size).toBe(1);
    }
  });
});
