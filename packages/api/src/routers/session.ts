import { KaanaError, type Principal } from '@kaana/core';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { SessionIdInput, SessionListOutput, SignInInput, User } from '../contracts/user.ts';
import { procedure, publicProcedure } from '../trpc.ts';
import { toSession, toUser } from '../wire.ts';

/** A key, whatever it may do, has no business with where its owner is signed in. */
const requireSession = ({ credential }: Principal): void => {
  if (credential.type === 'session') return;
  throw new KaanaError('permission_denied', 'Sessions are for people who are signed in, not for API keys.');
};

export const sessionRouter = {
  signIn: publicProcedure()
    .input(SignInInput)
    .output(User)
    .mutation(async ({ ctx, input }) => {
      const { value, expiresAt } = await ctx.domain.sessions.signIn(input, ctx.origin, ctx.userAgent);
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

  /** Where the person is signed in. */
  list: procedure('authenticated')
    .output(SessionListOutput)
    .query(async ({ ctx }) => {
      requireSession(ctx.principal);
      const sessions = await ctx.domain.sessions.list(ctx.principal);
      return { data: sessions.map((session) => toSession(session, ctx.principal)), nextCursor: null };
    }),

  end: procedure('authenticated')
    .input(SessionIdInput)
    .output(z.object({ id: z.string(), ended: z.literal(true) }))
    .mutation(async ({ ctx, input: { id } }) => {
      requireSession(ctx.principal);
      await ctx.domain.sessions.end(ctx.caller, id);
      return { id, ended: true };
    }),

  endOthers: procedure('authenticated')
    .output(z.object({ ended: z.number().int() }))
    .mutation(async ({ ctx }) => {
      requireSession(ctx.principal);
      return { ended: await ctx.domain.sessions.endOthers(ctx.caller) };
    }),

  /** Who is signed in, by the cookie alone. */
  current: publicProcedure()
    .output(User)
    .query(async ({ ctx }) => {
      if (ctx.credential.type !== 'session') throw new KaanaError('session_invalid', 'Nobody is signed in.');
      return toUser(await ctx.domain.authentication.session(ctx.credential.value));
    }),
} satisfies TRPCRouterRecord;
