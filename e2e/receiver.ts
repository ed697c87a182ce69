import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

type Message = { type: string; data: { key?: { id: string } } };
export type Received = {
  readonly id: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly message: Message;
};

/** A receiver of webhooks: answers as `status` says, and keeps what came. */
export const startReceiver = async (status: (received: Received) => number = () => 204) => {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      const one = {
        id: headers['webhook-id'] ?? '',
        headers,
        body,
        message: JSON.parse(body) as Message,
      };
      received.push(one);
      response.writeHead(status(one)).end();
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    about: (keyId: string) => received.filter(({ message }) => message.data.key?.id === keyId),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
