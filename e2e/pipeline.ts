import { connect } from 'node:net';

/**
 * Many requests on one connection, none of which waits for the answer to the one before (RFC 9112, section 9.3.2).
 * `answers` resolves with the statuses, and of problems the codes, in the order of the requests.
 */
export type Pipeline = { readonly written: Promise<void>; readonly answers: Promise<string[]> };

const HEAD = /^HTTP\/1\.1 (\d{3})[\s\S]*?\r\n\r\n/;
const CODE = /"code":"(\w+)"/;

export const openPipeline = (url: string, path: string, token: string, count: number): Pipeline => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const request = `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  const written = new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(request.repeat(count), () => resolve());
  });
  const answers = new Promise<string[]>((resolve, reject) => {
    const got: string[] = [];
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      for (let head = HEAD.exec(text); head; head = HEAD.exec(text)) {
        const length = Number(/content-length: (\d+)/i.exec(head[0])?.[1] ?? 0);
        const end = head[0].length + length;
        if (text.length < end) return;
        const code = CODE.exec(text.slice(head[0].length, end))?.[1];
        const status = head[1] ?? '';
        const patient = /retry-after: \d/i.test(head[0]) || status !== '503';
        got.push(
          `${status}${Number(status) < 400 ? '' : ` ${code}`}${patient ? '' : ' without Retry-After'}`,
        );
        text = text.slice(end);
      }
      if (got.length === count) {
        socket.end();
        resolve(got);
      }
    });
    socket.once('error', reject);
    socket.once('close', () =>
      reject(new Error(`the connection ended after ${got.length} of ${count} answers`)),
    );
  });
  return { written, answers };
};
