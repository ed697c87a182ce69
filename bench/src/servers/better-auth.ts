import { apiKey } from '@better-auth/api-key';
import { type BetterAuthOptions, betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { mongodbAdapter } from 'better-auth/adapters/mongodb';
import Fastify from 'fastify';
import { MongoClient } from 'mongodb';
import { ANSWER } from './answer.ts';
import { announce } from './listening.ts';

/**
 * better-auth's API-key plugin behind the same route: its limit is on, as ours is, and too high to be reached. It
 * verifies the key alone; reading the user and the organization, as we do, is not charged to it.
 */
const { API_KEY = '', MONGODB_URI } = process.env;

/** In memory, or on a MongoDB, with the index that its lookups need. */
const openDatabase = async (): Promise<NonNullable<BetterAuthOptions['database']>> => {
  if (MONGODB_URI === undefined) {
    return memoryAdapter({ user: [], session: [], account: [], verification: [], apikey: [] });
  }
  const client = await MongoClient.connect(MONGODB_URI);
  const database = client.db();
  await database.dropDatabase();
  await database.collection('apikey').createIndex({ key: 1 });
  return mongodbAdapter(database);
};

const auth = betterAuth({
  baseURL: 'http://127.0.0.1',
  secret: 'a secret of the bench that signs nothing',
  telemetry: { enabled: false },
  database: await openDatabase(),
  plugins: [
    apiKey({
      rateLimit: { enabled: true, maxRequests: 1_000_000_000, timeWindow: 60_000 },
      customKeyGenerator: () => API_KEY,
    }),
  ],
});
// A MongoDB wants ids that look like its own.
await auth.api.createApiKey({ body: { userId: '64b7f0c2a1d3e4f5a6b7c8d9' } });

const app = Fastify();
app.get('/api/user', async ({ headers: { authorization } }, reply) => {
  const key = authorization?.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : undefined;
  const verdict = key === undefined ? null : await auth.api.verifyApiKey({ body: { key } });
  return verdict?.valid ? ANSWER : reply.code(401).send({ title: 'Invalid API Key' });
});
announce(await app.listen({ port: 0, host: '127.0.0.1' }));
