#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { startEmbeddedMongo } from './start.ts';

const USAGE = `Usage: embedded-mongo --data-dir DIR [--port PORT]

Serves MongoDB's wire protocol on 127.0.0.1 until it is interrupted.
PORT defaults to 27017; 0 takes a free one.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'data-dir': { type: 'string' },
      port: { type: 'string', default: '27017' },
      help: { type: 'boolean' },
    },
  });
  const dataDir = values['data-dir'];
  const port = Number(values.port);
  if (values.help || dataDir === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const engine = await startEmbeddedMongo({ dataDir, port });
  console.log(`listening on ${engine.uri}`);
  const keepAlive = setInterval(() => {}, 2 ** 30);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      clearInterval(keepAlive);
      void engine.stop();
    });
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
