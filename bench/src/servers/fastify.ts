import Fastify from 'fastify';
import { ANSWER } from './answer.ts';
import { announce } from './listening.ts';

const app = Fastify();
app.get('/api/user', async () => ANSWER);
announce(await app.listen({ port: 0, host: '127.0.0.1' }));
