import { connect, type Socket } from 'node:net';
import { decode, encode } from '../src/values/codec.ts';
import type { Doc } from '../src/values/types.ts';
import { encodeMessage, FrameReader } from '../src/wire/frame.ts';

/** Header, flags and section kind in front of a reply's document. */
const REPLY_PREFIX_BYTES = 5;

/**
 * One connection that does as little as a client can: requests are encoded beforehand, answers decoded only if
 * somebody looks. So what is measured is the servers, not a driver.
 */
export class Client {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #waiting: { done: (body: Buffer) => void; fail: (error: Error) => void }[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      for (const frame of this.#reader.push(chunk)) this.#waiting.shift()?.done(frame.body);
    });
    socket.on('close', () => {
      for (const { fail } of this.#waiting.splice(0)) fail(new Error('the server closed the connection'));
    });
    socket.on('error', () => socket.destroy());
  }

  static open(uri: string): Promise<Client> {
    const { hostname, port } = new URL(uri);
    const socket = connect({ host: hostname, port: Number(port || 27017) });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Client(socket));
      });
    });
  }

  static message(command: Doc, database: string): Buffer {
    return encodeMessage(0, encode({ ...command, $db: database }));
  }

  /** Sends a request; resolves to the answer's BSON. */
  send(message: Buffer): Promise<Buffer> {
    return new Promise((done, fail) => {
      this.#waiting.push({ done, fail });
      this.#socket.write(message);
    });
  }

  /** Sends a command and sees to it that it succeeded. */
  async run(command: Doc, database: string): Promise<Doc> {
    return Client.check(await this.send(Client.message(command, database)));
  }

  static check(body: Buffer): Doc {
    const reply = decode(body.subarray(REPLY_PREFIX_BYTES));
    if (Number(reply.ok) !== 1 || reply.writeErrors)
      throw new Error(`a command failed: ${JSON.stringify(reply)}`);
    return reply;
  }

  close(): void {
    this.#socket.destroy();
  }
}
