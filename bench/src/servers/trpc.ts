import { initTRPC } from '@trpc/server';
import { type FastifyTRPCPluginOptions, fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import Fastify from 'fastify';
import { ANSWER } from './answer.ts';
import { announce } from './listening.ts';

const { router, procedure } = initTRPC.create();
const appRouter = router({ user: router({ me: procedure.query(() => ANSWER) }) });

const app = Fastify();
await app.register(fastifyTRPCPlugin, {
  prefix: '/trpc',
  trpcOptions: { router: appRouter },
} satisfies FastifyTRPCPluginOptions<typeof appRouter>);
announce(await app.listen({ port: 0, host: '127.0.0.1' }));
