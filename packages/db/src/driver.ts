import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

/** The part of the driver's own connections that is mended here; nothing of it is in the driver's public interface. */
type DriverConnection = { readonly socket: Socket; cleanup(error: Error): void };

const MENDED = Symbol('mended');

type Mendable = DriverConnection & { [MENDED]?: true };

const connectionPrototype = (): Mendable => {
  const ofMongoose = createRequire(createRequire(import.meta.url).resolve('mongoose'));
  const { Connection } = ofMongoose('mongodb/lib/cmap/connection.js') as {
    Connection: { prototype: Mendable };
  };
  return Connection.prototype;
};

/**
 * The driver (7.8) waits for the 'drain' of its socket after a write that the socket did not take whole. One that has
 * been destroyed takes nothing and never drains, and between its end and its 'close' event the driver does not know of
 * it: a command that is sent in this moment waits for ever, and no time-out ends it. If it is the monitor's, the process
 * does not find its database again before it is restarted. So here, whoever waits is woken when the connection is
 * cleaned up, and finds its error; what is written later is dropped, and finds it too.
 */
export const mendDriver = (): void => {
  const prototype = connectionPrototype();
  if (prototype[MENDED]) return;
  const { cleanup } = prototype;
  prototype.cleanup = function (error) {
    cleanup.call(this, error);
    this.socket.write = () => true;
    this.socket.emit('drain');
  };
  prototype[MENDED] = true;
};
