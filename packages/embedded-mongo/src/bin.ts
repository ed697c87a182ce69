#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { startEmbeddedMongo } from './start.ts';

const USAGE = `Usage: embedded-mongo --data-dir DIR [--port PORT]

Serves MongoDB's wire protocol on 127.0.0.1 until it is interrupted.

  --data-dir DIR  folder of the data; made if it is not there. One process at a time may use it.
  --port PORT     27017 if not said otherwise; 0 takes a free one.
  --help          shows this.`;

/** What is wrong with the arguments; told with the usage. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface Arguments {
  dataDir: string;
  port: number;
}

/** Undefined if only help is asked for. Throws a `UsageError`. */
function readArguments(args: string[]): Arguments | undefined {
  let values: { 'data-dir'?: string; port?: string; help?: boolean };
  try {
    ({ values } = parseArgs({
      args,
      options: {
        'data-dir': { type: 'string' },
        port: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  if (values.help) return undefined;
  const dataDir = values['data-dir'];
  if (!dataDir) throw new UsageError('--data-dir is missing: the folder where the data is to be');
  const port = values.port ?? '27017';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new UsageError(`--port must be a number from 0 to 65535, not '${port}'`);
  return { dataDir, port: Number(port) };
}

async function main(): Promise<void> {
  const given = readArguments(process.argv.slice(2));
  if (!given) {
    console.log(USAGE);
    return;
  }
  const engine = await startEmbeddedMongo(given);
  console.log(`listening on ${engine.uri}`);
  const keepAlive = setInterval(() => {}, 2 ** 30);
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stopping = true;
      void engine.stop();
    });
  }
  await engine.exited;
  clearInterval(keepAlive);
  if (!stopping) throw new Error('the engine has ended by itself; what it said of that stands above');
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? `embedded-mongo: ${error.message}` : error);
  if (error instanceof UsageError) console.error(`\n${USAGE}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
