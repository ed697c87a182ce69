import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A network line between servers and their database, which a test can disturb. It passes MongoDB's wire protocol
 * through message by message (each begins with its length), so that what it holds back is whole.
 */
export type Line = AsyncDisposable & {
  /** The database's URI by way of this line. */
  uriOf(uri: string): string;
  /** Holds back whatever the database answers, after `pass` further messages. */
  holdAnswers(pass?: number): void;
  /** Holds back the writes that are sent to the database, and nothing else. */
  holdWrites(): void;
  /** Holds back everything both ways; new connections are accepted and get no word. */
  stall(): void;
  /** Ends every connection and refuses new ones. */
  cut(): Promise<void>;
  /** How many messages are held back. */
  readonly held: number;
  /** Whole again; what was held back goes on its way. */
  mend(): Promise<void>;
};

type Hold = { answers: boolean; writes: boolean; questions: boolean; passing: number };
type Flow = { readonly to: Socket; readonly isHeld: (message: Buffer) => boolean; waiting: Buffer[] };

const FREE: Readonly<Hold> = { answers: false, writes: false, questions: false, passing: 0 };
const WRITES = new Set(['insert', 'update', 'delete', 'findAndModify', 'bulkWrite']);
const OP_MSG = 2013;

/** The name of a command: the first field of the document that follows header, flags and section kind. */
const commandOf = (message: Buffer): string => {
  if (message.length < 26 || message.readInt32LE(12) !== OP_MSG) return '';
  const start = 26;
  return message.toString('latin1', start, message.indexOf(0, start));
};

/** Cuts a stream into messages. */
const byMessage = (handle: (message: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0);
      handle(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  };
};

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });

export const openLine = async (target: string): Promise<Line> => {
  const { hostname, port: targetPort } = new URL(target);
  const sockets = new Set<Socket>();
  const flows = new Set<Flow>();
  const hold: Hold = { ...FREE };

  const flow = (from: Socket, to: Socket, isHeld: (message: Buffer) => boolean) => {
    const made: Flow = { to, isHeld, waiting: [] };
    flows.add(made);
    from.on(
      'data',
      byMessage((message) => {
        // What comes after something held back waits too: the order stays.
        if (made.waiting.length > 0 || isHeld(message)) made.waiting.push(message);
        else to.write(message);
      }),
    );
    from.once('close', () => {
      flows.delete(made);
      to.destroy();
    });
  };
  const server = createServer((client) => {
    const database = connect(Number(targetPort || 27017), hostname);
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => sockets.delete(socket));
      // The other end is told by 'close'.
      socket.on('error', () => undefined);
    }
    flow(client, database, (message) => hold.questions || (hold.writes && WRITES.has(commandOf(message))));
    flow(database, client, () => hold.answers && --hold.passing < 0);
  });
  await listen(server, 0);
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;

  const release = () => {
    Object.assign(hold, FREE);
    for (const { to, waiting } of flows) for (const message of waiting.splice(0)) to.write(message);
  };
  const close = async () => {
    const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined;
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    uriOf: (uri) => {
      const url = new URL(uri);
      url.hostname = '127.0.0.1';
      url.port = String(port);
      // Whatever the server calls itself, it is reached by this line alone.
      url.searchParams.set('directConnection', 'true');
      return url.href;
    },
    holdAnswers: (pass = 0) => Object.assign(hold, { answers: true, passing: pass }),
    holdWrites: () => Object.assign(hold, { writes: true }),
    stall: () => Object.assign(hold, { answers: true, questions: true, passing: 0 }),
    cut: close,
    get held() {
      return [...flows].reduce((sum, { waiting }) => sum + waiting.length, 0);
    },
    mend: async () => {
      release();
      if (!server.listening) await listen(server, port);
    },
    [Symbol.asyncDispose]: close,
  };
};
