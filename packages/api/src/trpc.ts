import { redactTokens } from '@kaana/api-key';
import { ERRORS, KaanaError, type Problem } from '@kaana/core';
import { initTRPC } from '@trpc/server';
import type { Context } from './context.ts';
import { problemOf, requestIds, toTrpcError } from './errors.ts';
import { type Access, guarded } from './guard.ts';
import type { RestMeta } from './rest.ts';

export type Meta = {
  /** Every procedure says it. */
  readonly access: Access;
  /** Where it stands in the REST API; without it, it is for the admin app alone. */
  readonly rest?: RestMeta;
};

const t = initTRPC
  .context<Context>()
  .meta<Meta>()
  .create({
    // Otherwise a stack trace travels in `data.stack`.
    isDev: false,
    errorFormatter: ({ shape, error, ctx }) => {
      const problem: Problem = problemOf(error, ctx?.origin.requestId ?? requestIds.get(error) ?? '');
      const { path } = shape.data;
      return {
        ...shape,
        message: problem.detail,
        data: {
          code: ERRORS[problem.code].trpc,
          httpStatus: problem.status,
          path: path && redactTokens(path),
          problem,
        },
      };
    },
  });

export const { router, createCallerFactory, mergeRouters } = t;

/** Gives a domain error the tRPC code, and so the HTTP status, of its row. */
const translated = t.middleware(async ({ next }) => {
  const result = await next();
  if (result.ok || !(result.error.cause instanceof KaanaError)) return result;
  throw toTrpcError(result.error.cause);
});

const authorized = t.middleware(({ ctx, meta, next }) =>
  guarded(ctx, meta?.access, async (caller) => {
    const result = await next({ ctx: { principal: caller.principal, caller } });
    if (!result.ok) throw result.error;
    return result;
  }),
);

const base = t.procedure.use(translated);

/** A procedure that anybody may call. */
export const publicProcedure = (rest?: RestMeta) =>
  base.meta({ access: 'public', ...(rest ? { rest } : {}) });

/** A procedure behind the middleware that validates the API key or the session, and then the permission. */
export const procedure = (access: Exclude<Access, 'public'>, rest?: RestMeta) =>
  base.meta({ access, ...(rest ? { rest } : {}) }).use(authorized);
