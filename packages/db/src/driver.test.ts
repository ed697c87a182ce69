import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import mongoose from 'mongoose';
import { describe, expect, it } from 'vitest';
import { mendDriver } from './driver.ts';

type Command = (namespace: unknown, command: object) => Promise<unknown>;
type Constructor = new (socket: Socket, options: object) => { command: Command; readonly error: unknown };

const ofMongoose = createRequire(createRequire(import.meta.url).resolve('mongoose'));
const { Connection } = ofMongoose('mongodb/lib/cmap/connection.js') as { Connection: Constructor };
const { MongoDBNamespace } = ofMongoose('mongodb/lib/utils.js') as {
  MongoDBNamespace: { fromString(text: string): unknown };
};
const ADMIN = MongoDBNamespace.fromString('admin.$cmd');

/** A connection of the driver's to a server that never says a word. */
const openConnection = async () => {
  const server = createServer(() => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connectSocket((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  const connection = new Connection(socket, { id: 1, generation: 0, hostAddress: 'here', tls: false });
  return {
    socket,
    connection,
    [Symbol.dispose]: () => {
      socket.destroy();
      server.close();
    },
  };
};

describe('a command of the driver', () => {
  mendDriver();

  it('fails where its socket has ended already, and the driver has not been told', async () => {
    using opened = await openConnection();
    opened.socket.destroy();
    expect(opened.connection.error).toBeNull();
    await expect(opened.connection.command(ADMIN, { hello: 1 })).rejects.toBeInstanceOf(
      mongoose.mongo.MongoNetworkError,
    );
  });

  it('fails where its socket ends while it is being written', async () => {
    using opened = await openConnection();
    const { socket } = opened;
    const write = socket.write.bind(socket);
    socket.write = ((...args: Parameters<Socket['write']>) => {
      socket.destroy();
      return write(...args);
    }) as Socket['write'];
    await expect(opened.connection.command(ADMIN, { hello: 1 })).rejects.toBeInstanceOf(
      mongoose.mongo.MongoNetworkError,
    );
  });

  it('fails where its socket ends while it waits for an answer', async () => {
    using opened = await openConnection();
    const answer = opened.connection.command(ADMIN, { hello: 1 });
    setImmediate(() => opened.socket.destroy());
    await expect(answer).rejects.toBeInstanceOf(mongoose.mongo.MongoNetworkError);
  });
});
