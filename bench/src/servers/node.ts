import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ANSWER } from './answer.ts';
import { announce } from './listening.ts';

const server = createServer((request, response) => {
  const found = request.method === 'GET' && request.url === '/api/user';
  const body = JSON.stringify(found ? ANSWER : { title: 'Not Found' });
  response.writeHead(found ? 200 : 404, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  announce(`http://127.0.0.1:${port}`);
});
