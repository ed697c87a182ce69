import { KaanaError } from '@kaana/core';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { SignInInput, User } from '../contracts/user.ts';
import { procedure, publicProcedure } from '../trpc.ts';
import { toUser } from '../wire.ts';

export const sessionRouter = {
  signIn: publicProcedure()
    .input(SignInInput)
    .output(User)
    .mutation(async ({ ctx, input }) => {
      const { value, expiresAt } = await ctx.domain.sessions.signIn(input, ctx.origin);
      ctx.response.session = { value, expiresAt };
      return toUser(await ctx.domain.authentication.session(value));
    }),

  signOut: procedure('authenticated')
    .output(z.object({ signedOut: z.literal(true) }))
    .mutation(async ({ ctx }) => {
      await ctx.domain.sessions.signOut(ctx.caller);
      ctx.response.session = null;
      return { signedOut: true };
    }),

  /** Who is signed in, by the cookie alone. */
  current: publicProcedure()
    .output(User)
    .query(async ({ ctx }) => {
      if (ctx.credential.type !== 'session') throw new KaanaError('session_invalid', 'Nobody is signed in.');
      return toUser(await ctx.domain.authentication.session(ctx.credential.value));
    }),
} satisfies TRPCRouterRecord;
