import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import { PasswordChangeInput, User } from '../contracts/user.ts';
import { procedure } from '../trpc.ts';
import { toUser } from '../wire.ts';

export const userRouter = {
  me: procedure('authenticated', { method: 'GET', path: '/user', summary: 'Who this key acts as' })
    .output(User)
    .query(({ ctx }) => toUser(ctx.principal)),

  changePassword: procedure('authenticated')
    .input(PasswordChangeInput)
    .output(z.object({ changed: z.literal(true) }))
    .mutation(async ({ ctx, input }) => {
      await ctx.domain.sessions.changePassword(ctx.caller, input);
      return { changed: true };
    }),
} satisfies TRPCRouterRecord;
