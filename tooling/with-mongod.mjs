// Runs a command with TEST_MONGODB_URI naming a real mongod, which is downloaded once: `node with-mongod.mjs COMMAND...`
import { spawn } from 'node:child_process';
import { MongoMemoryServer } from 'mongodb-memory-server-core';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error('Usage: node tooling/with-mongod.mjs COMMAND [ARGUMENT...]');
  process.exit(2);
}

const server = await MongoMemoryServer.create({
  binary: { version: process.env.MONGOD_VERSION ?? '8.0.4' },
}).catch((error) => {
  console.error(
    `No mongod could be had: ${error.message}\n` +
      'Its download needs the network of MongoDB. Elsewhere, name a server with TEST_MONGODB_URI and run npm test.',
  );
  process.exit(1);
});
const child = spawn(command, args, {
  stdio: 'inherit',
  env: { ...process.env, TEST_MONGODB_URI: server.getUri() },
});
child.on('exit', async (code) => {
  await server.stop();
  process.exit(code ?? 1);
});
