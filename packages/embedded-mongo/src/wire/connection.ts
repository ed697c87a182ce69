import type { Socket } from 'node:net';
import { dispatch } from '../commands/dispatch.ts';
import type { Engine } from '../engine.ts';
import { ServerError, toServerError } from '../errors.ts';
import type { Doc } from '../values/types.ts';
import { type Frame, FrameReader, OP_MSG, OP_QUERY, ProtocolError } from './frame.ts';
import { readLegacyQuery, readMessage } from './message.ts';
import { type Asked, errorMessage, successMessage } from './reply.ts';

/** Requests that may wait on one connection before it is no longer read from. */
const MAX_WAITING = 64;

/** Answers the requests of one connection, in order, one at a time. */
export class Connection {
  readonly #engine: Engine;
  readonly #socket: Socket;
  readonly #number: number;
  readonly #reader = new FrameReader();
  readonly #waiting: Frame[] = [];
  #busy = false;

  constructor(engine: Engine, socket: Socket, number: number) {
    this.#engine = engine;
    this.#socket = socket;
    this.#number = number;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    // An error is followed by 'close', and there is nobody to tell.
    socket.on('error', () => socket.destroy());
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#waiting.push(frame);
    } catch {
      this.#socket.destroy();
      return;
    }
    if (this.#waiting.length > MAX_WAITING) this.#socket.pause();
    if (!this.#busy) this.#next();
  }

  #next(): void {
    this.#busy = true;
    // Answers to requests that came together leave together.
    if (this.#waiting.length > 1) {
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    for (let frame = this.#waiting.shift(); frame; frame = this.#waiting.shift()) {
      const answering = this.#answer(frame);
      if (answering !== undefined) {
        answering.then(
          () => this.#next(),
          () => this.#socket.destroy(),
        );
        return;
      }
    }
    this.#busy = false;
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Returns a promise only if the reply has to wait. */
  #answer(frame: Frame): Promise<void> | undefined {
    if (this.#socket.destroyed) return undefined;
    let body: Doc;
    let moreToCome = false;
    const legacy = frame.opCode === OP_QUERY;
    const asked: Asked = { requestId: frame.requestId, legacy };
    try {
      if (frame.opCode === OP_MSG) ({ body, moreToCome } = readMessage(frame.body));
      else if (legacy) body = readLegacyQuery(frame.body);
      else throw new ProtocolError(`opcode ${frame.opCode} is not supported`);
    } catch (error) {
      // A frame that is sound but holds bad BSON gets an answer; anything else ends the connection.
      if (frame.opCode === OP_MSG && !(error instanceof ProtocolError) && !(error instanceof RangeError)) {
        this.#socket.write(errorMessage(asked, toServerError(error)));
      } else this.#socket.destroy();
      return undefined;
    }
    try {
      const reply = dispatch(this.#engine, body, this.#number);
      if (!(reply instanceof Promise)) {
        if (!moreToCome) this.#socket.write(successMessage(asked, reply));
        return undefined;
      }
      return reply.then(
        (done) => {
          if (!moreToCome && !this.#socket.destroyed) this.#socket.write(successMessage(asked, done));
        },
        (error: unknown) => this.#fail(asked, moreToCome, error),
      );
    } catch (error) {
      this.#fail(asked, moreToCome, error);
      return undefined;
    }
  }

  #fail(asked: Asked, moreToCome: boolean, error: unknown): void {
    if (!(error instanceof ServerError)) this.#engine.log(error);
    if (!moreToCome && !this.#socket.destroyed) this.#socket.write(errorMessage(asked, toServerError(error)));
  }
}
