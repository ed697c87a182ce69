import { startEmbeddedMongo } from '../start.ts';

// A process whose only purpose is to start an engine and be killed.
const engine = await startEmbeddedMongo({ dataDir: process.argv[2] ?? '' });
console.log(JSON.stringify({ uri: engine.uri, pid: engine.pid }));
setInterval(() => {}, 2 ** 30);
