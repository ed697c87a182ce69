import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { Cursors } from './cursors.ts';
import { Sessions } from './sessions.ts';
import { Catalog } from './storage/catalog.ts';
import { DamagedDataError } from './storage/data-file.ts';
import { Store } from './storage/store.ts';
import { run } from './task.ts';
import { sweepExpired } from './ttl.ts';
import { Connection } from './wire/connection.ts';

export interface EngineOptions {
  dataDir: string;
  /** 0 takes a free one. */
  port: number;
  /** Told, once, of a failure after which the engine must not go on. */
  onFatal: (error: Error) => void;
}

const TTL_SECONDS = 5;

/** The server: a store, a catalog, and the connections to them. */
export class Engine {
  /** Tells this start of the engine from every other. */
  readonly instance = randomUUID();
  readonly store: Store;
  readonly catalog: Catalog;
  readonly cursors = new Cursors();
  readonly sessions = new Sessions();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connectionNumber = 0;
  #ttlTimer: NodeJS.Timeout | undefined;
  ttlMonitorSleepSecs = TTL_SECONDS;
  port = 0;

  private constructor(options: EngineOptions) {
    this.store = new Store(join(options.dataDir, 'data'), options.onFatal);
    this.catalog = new Catalog(this.store);
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      new Connection(this, socket, ++this.#connectionNumber);
    });
  }

  /** Opens the data and listens on 127.0.0.1. */
  static async start(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(options);
    await run(engine.catalog.upgrade());
    await new Promise<void>((resolve, reject) => {
      engine.#server.once('error', reject);
      engine.#server.listen({ host: '127.0.0.1', port: options.port }, () => {
        engine.#server.off('error', reject);
        resolve();
      });
    });
    const address = engine.#server.address();
    engine.port = typeof address === 'object' && address ? address.port : 0;
    engine.#scheduleTtl();
    if (engine.store.unchecked) void engine.#checkData(options.onFatal);
    return engine;
  }

  /** Damage makes LMDB leave out what it cannot read, so it must be known even if nobody asks. */
  async #checkData(onFatal: (error: Error) => void): Promise<void> {
    const damage = await run(this.store.checkPages());
    if (damage !== undefined)
      onFatal(new DamagedDataError(`${damage}; restore the data from a backup or move the folder away`));
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Something went wrong that no client caused; the client has been told, this is for whoever runs the engine. */
  log(error: unknown): void {
    console.error(error);
  }

  setTtlMonitorSleepSecs(seconds: number): void {
    this.ttlMonitorSleepSecs = seconds;
    clearTimeout(this.#ttlTimer);
    this.#scheduleTtl();
  }

  #scheduleTtl(): void {
    this.#ttlTimer = setTimeout(() => {
      this.cursors.dropIdle(Date.now());
      sweepExpired(this.catalog, this.store, new Date())
        .catch((error: unknown) => {
          // A store that failed, or closes, has said so itself.
          if (!this.store.failure) this.log(error);
        })
        .finally(() => this.#scheduleTtl());
    }, this.ttlMonitorSleepSecs * 1000);
    this.#ttlTimer.unref();
  }

  /** Ends the connections, brings what is written to disk, closes the data. */
  async stop(): Promise<void> {
    clearTimeout(this.#ttlTimer);
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.catalog.leftovers.stop();
    await this.store.close();
  }
}
