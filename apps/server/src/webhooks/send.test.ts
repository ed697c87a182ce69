import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createWebhookTargets, mintWebhookSecret, type OutgoingMessage } from '@kaana/core';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { createSend } from './send.ts';

const receive = async (listener: RequestListener) => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/hook?a=b`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const message = (url: string, secrets = [mintWebhookSecret()]): OutgoingMessage => ({
  url,
  messageId: 'msg_1',
  payload: '{"type":"key.created","text":"ü"}',
  secrets,
});
const send = createSend(createWebhookTargets('loopback'));

describe('an attempt', () => {
  it('is signed by the specification with each secret', async () => {
    const secrets = [mintWebhookSecret(), mintWebhookSecret()];
    const told: { method?: string; url?: string; headers: object; body: string }[] = [];
    await using receiver = await receive((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        told.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
        response.statusCode = 204;
        response.end();
      });
    });
    expect(await send(message(receiver.url, secrets))).toEqual({
      outcome: 'delivered',
      status: 204,
      error: null,
      retryAfterMs: null,
    });
    expect(told).toMatchObject([{ method: 'POST', url: '/hook?a=b' }]);
    const [{ headers, body } = { headers: {}, body: '' }] = told;
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': 'msg_1' });
    for (const secret of secrets) {
      expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({
        type: 'key.created',
      });
    }
    expect(() => new Webhook(mintWebhookSecret()).verify(body, headers as Record<string, string>)).toThrow();
    expect(() =>
      new Webhook(secrets[0] ?? '').verify(`${body} `, headers as Record<string, string>),
    ).toThrow();
  });

  it.each([
    [200, 'delivered'],
    [299, 'delivered'],
    [301, 'rejected'],
    [307, 'rejected'],
    [400, 'rejected'],
    [410, 'gone'],
    [500, 'rejected'],
  ])('that is answered with %i is %s, and no redirect is followed', async (status, outcome) => {
    let requests = 0;
    await using receiver = await receive((_request, response) => {
      requests++;
      response.writeHead(status, { location: '/elsewhere', 'retry-after': '7' }).end('x');
    });
    expect(await send(message(receiver.url))).toEqual({
      outcome,
      status,
      error: null,
      retryAfterMs: 7_000,
    });
    expect(requests).toBe(1);
  });

  it('reads no more than a bit of an answer, however long', async () => {
    await using receiver = await receive((_request, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(16_384)));
        response.once('drain', more);
      };
      more();
    });
    expect(await send(message(receiver.url))).toMatchObject({ outcome: 'delivered', status: 200 });
  });

  it('comes to an end where there is no answer, or no end of one', async () => {
    const quick = createSend(createWebhookTargets('loopback'), 200);
    await using silent = await receive(() => undefined);
    expect(await quick(message(silent.url))).toMatchObject({ outcome: 'unreachable', status: null });
    await using endless = await receive((_request, response) => void response.writeHead(201).write('x'));
    expect(await quick(message(endless.url))).toMatchObject({ outcome: 'delivered', status: 201 });
    await using closing = await receive((request) => request.socket.destroy());
    expect(await quick(message(closing.url))).toMatchObject({ outcome: 'unreachable' });
    await using switching = await receive((request) =>
      request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    );
    expect(await quick(message(switching.url))).toMatchObject({ outcome: 'unreachable' });
    await using babbling = await receive((request) => request.socket.end('nonsense'));
    expect(await quick(message(babbling.url))).toMatchObject({ outcome: 'unreachable' });
  });

  it('goes to the address that was checked, whatever the name leads to a moment later', async () => {
    let requests = 0;
    await using receiver = await receive((_request, response) => {
      requests++;
      response.end();
    });
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    const rebound = createSend(createWebhookTargets('loopback', async () => answers.shift() ?? []));
    const url = `http://rebind.test:${receiver.port}/`;
    expect(await rebound(message(url))).toMatchObject({ outcome: 'delivered' });
    expect(await rebound(message(url))).toMatchObject({ outcome: 'refused', status: null });
    expect(requests).toBe(1);
  });
});
