import { redactTokens } from '@kaana/api-key';
import {
  type Caller,
  ERRORS,
  KaanaError,
  outcomeOf,
  type Permission,
  type Principal,
  type Problem,
  requestsPerMinute,
  requirePermission,
} from '@kaana/core';
import { initTRPC } from '@trpc/server';
import type { Context } from './context.ts';
import { kaanaErrorOf, problemOf, requestIds, toTrpcError } from './errors.ts';
import type { RestMeta } from './rest.ts';

export type Meta = {
  /** Who may call: anybody, any principal, or one that holds the permission. Every procedure says it. */
  readonly access: 'public' | 'authenticated' | Permission;
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

const authenticate = async (ctx: Context): Promise<Principal> => {
  const { credential, domain, origin } = ctx;
  switch (credential.type) {
    case 'key':
      return domain.authentication.key(credential.token, origin.ip);
    case 'session':
      return domain.authentication.session(credential.value);
    case 'refused':
      throw credential.error;
    case 'none':
      throw new KaanaError(
        'credentials_missing',
        'This needs an API key. Send it as "Authorization: Bearer YOUR_API_KEY".',
      );
  }
};

const requireTenant = ({ organization }: Principal, named: string | null): void => {
  if (named === null || named === organization.id || named.toLowerCase() === organization.name.toLowerCase())
    return;
  throw new KaanaError(
    'tenant_mismatch',
    `Kaana-Organization names another organization than the one you belong to, ${organization.name}.`,
  );
};

/** Counts the request of a key against its account's limit. People in the admin app are not counted. */
const admit = async (ctx: Context, { account, credential, organization }: Principal): Promise<void> => {
  if (credential.type !== 'key') return;
  const state = await ctx.domain.limiter.admit(account.id, requestsPerMinute(organization));
  ctx.response.rateLimit = state;
  if (state.allowed) return;
  throw new KaanaError(
    'rate_limited',
    `Your account may make ${state.limit} requests in ${state.windowSeconds} seconds, over all its keys. Try again in ${state.resetSeconds} seconds.`,
    { retryAfterSeconds: state.resetSeconds },
  );
};

/** The one way in: who is it, is there quota, may they, and afterwards: how did it end. */
const authorized = t.middleware(async ({ ctx, meta, next }) => {
  const principal = await authenticate(ctx);
  const { recorder } = ctx.domain;
  const use = { principal, ip: ctx.origin.ip, userAgent: ctx.userAgent };
  try {
    // First, so that every answer to a key says what is left of its quota.
    await admit(ctx, principal);
    requireTenant(principal, ctx.organization);
    if (meta?.access && meta.access !== 'authenticated' && meta.access !== 'public') {
      requirePermission(principal, meta.access);
    }
  } catch (error) {
    recorder.record({ ...use, outcome: outcomeOf(statusOfError(error)) });
    throw error;
  }
  const caller: Caller = { principal, origin: ctx.origin };
  const result = await next({ ctx: { principal, caller } });
  recorder.record({ ...use, outcome: result.ok ? 'served' : outcomeOf(statusOfError(result.error)) });
  return result;
});

const statusOfError = (error: unknown): number => {
  const known = kaanaErrorOf(error);
  return known ? ERRORS[known.code].status : 500;
};

const base = t.procedure.use(translated);

/** A procedure that anybody may call. */
export const publicProcedure = (rest?: RestMeta) =>
  base.meta({ access: 'public', ...(rest ? { rest } : {}) });

/** A procedure behind the middleware that validates the API key or the session, and then the permission. */
export const procedure = (access: Permission | 'authenticated', rest?: RestMeta) =>
  base.meta({ access, ...(rest ? { rest } : {}) }).use(authorized);
