import {
  admitUnderQuotas,
  type Caller,
  ERRORS,
  KaanaError,
  type Outcome,
  outcomeOf,
  type Permission,
  type Principal,
  planRefusal,
  requestsPerMinute,
  requirePermission,
} from '@kaana/core';
import type { Context } from './context.ts';
import { kaanaErrorOf } from './errors.ts';

/** Who may call: anybody, any principal, or one that holds the permission. */
export type Access = 'public' | 'authenticated' | Permission;

const authenticate = (ctx: Context): Promise<Principal> => {
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
const admit = async (ctx: Context, principal: Principal): Promise<void> => {
  const { account, credential, organization } = principal;
  if (credential.type !== 'key') return;
  if (credential.quotas) return admitLimited(ctx, principal);
  const answer = ctx.domain.limiter.admit(account.id, requestsPerMinute(organization));
  const state = answer instanceof Promise ? await answer : answer;
  ctx.response.rateLimit = state;
  if (state.allowed) return;
  const refusal = planRefusal(state);
  ctx.domain.webhooks.limits.note(principal, refusal.limit);
  throw refusal;
};

/** The same for a key that limits of its own, of its account, or credits apply to as well. */
const admitLimited = async (ctx: Context, principal: Principal): Promise<void> => {
  const { plan, refusal, states } = await admitUnderQuotas(ctx.domain, principal, 1);
  if (plan) ctx.response.rateLimit = plan;
  ctx.response.quotas = { plan: requestsPerMinute(principal.organization), states };
  if (!refusal) return;
  ctx.domain.webhooks.limits.note(principal, refusal.limit);
  throw refusal;
};

const statusOfError = (error: unknown): number => {
  const known = kaanaErrorOf(error);
  return known ? ERRORS[known.code].status : 500;
};

const record = (ctx: Context, principal: Principal, outcome: Outcome, exercised: Permission | null): void =>
  ctx.domain.recorder.record({
    principal,
    outcome,
    ip: ctx.origin.ip,
    userAgent: ctx.userAgent,
    exercised,
  });

/**
 * The one way in: who is it, is there quota, may they, then `work`, and afterwards: how did it end. Throws what refuses
 * the caller, or what `work` throws.
 */
export const guarded = async <Result>(
  ctx: Context,
  access: Access | undefined,
  work: (caller: Caller) => Promise<Result>,
): Promise<Result> => {
  let principal: Principal;
  try {
    principal = await authenticate(ctx);
  } catch (error) {
    ctx.domain.ghosts.record(error, ctx.origin.ip, ctx.userAgent);
    throw error;
  }
  /** What it needed and had, whatever comes of it. */
  let exercised: Permission | null = null;
  try {
    // First, so that every answer to a key says what is left of its quota.
    await admit(ctx, principal);
    requireTenant(principal, ctx.organization);
    if (access !== undefined && access !== 'authenticated' && access !== 'public') {
      requirePermission(principal, access);
      exercised = access;
    }
    const result = await work({ principal, origin: ctx.origin });
    record(ctx, principal, 'served', exercised);
    return result;
  } catch (error) {
    record(ctx, principal, outcomeOf(statusOfError(error)), exercised);
    throw error;
  }
};
