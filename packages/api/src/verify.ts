import {
  type Caller,
  type Domain,
  KaanaError,
  type KeyPrincipal,
  missingPermissions,
  type Origin,
  type Permission,
  requestsPerMinute,
  THROTTLES,
  takeAttempt,
} from '@kaana/core';
import type { z } from 'zod';
import type { KeyVerifyOutput } from './contracts/keys.ts';
import { toAccountSummary, toOrganizationSummary } from './wire.ts';

type Verdict = z.infer<typeof KeyVerifyOutput>;

const NOTHING: Omit<Verdict, 'code' | 'detail'> = {
  valid: false,
  key: null,
  account: null,
  organization: null,
  permissions: [],
  ratelimit: null,
};

const describe = ({ account, organization, permissions, key }: KeyPrincipal) => ({
  key: {
    id: key.id,
    name: key.name,
    start: key.secrets[0]?.start ?? '',
    expiresAt: key.expiresAt?.toISOString() ?? null,
  },
  account: { ...toAccountSummary(account), role: account.role },
  organization: toOrganizationSummary(organization),
  permissions: [...permissions],
});

/** The question was answered, whatever the answer: only a fault of the store or of the question is an error. */
export const verifyKey = async (
  domain: Domain,
  caller: Caller,
  input: { token: string; permissions?: Permission[] | undefined; ip?: string | undefined },
): Promise<Verdict> => {
  let principal: KeyPrincipal;
  try {
    principal = await domain.authentication.key(input.token, input.ip ?? null);
  } catch (error) {
    if (!(error instanceof KaanaError) || error.code === 'store_unavailable' || error.code === 'overloaded') {
      throw error;
    }
    // Whether another organization has this token is none of the caller's business, revoked or not.
    const own = await belongsTo(domain, input.token, caller.principal.organization.id);
    const refusal = own || error.code === 'key_malformed' ? error : unknownKey();
    return { ...NOTHING, code: refusal.code, detail: refusal.message };
  }
  if (principal.organization.id !== caller.principal.organization.id) {
    const refusal = unknownKey();
    return { ...NOTHING, code: refusal.code, detail: refusal.message };
  }
  const about = describe(principal);
  const missing = missingPermissions(principal.permissions, input.permissions ?? []);
  if (missing.length > 0) {
    const detail = `The key does not have ${missing.join(', ')}.`;
    return { ...NOTHING, ...about, code: 'permission_denied', detail };
  }
  const state = await domain.limiter.admit(principal.account.id, requestsPerMinute(principal.organization));
  const { limit, remaining, resetSeconds } = state;
  const outcome = state.allowed ? 'served' : 'rateLimited';
  domain.recorder.record({
    principal,
    outcome,
    ip: input.ip ?? null,
    userAgent: null,
    exercised: state.allowed ? (input.permissions ?? null) : null,
  });
  return {
    ...about,
    valid: state.allowed,
    code: state.allowed ? 'valid' : 'rate_limited',
    detail: state.allowed
      ? 'The key is valid.'
      : `Its account has used up its requests for ${resetSeconds} seconds.`,
    ratelimit: { limit, remaining, resetSeconds },
  };
};

const unknownKey = () => new KaanaError('key_unknown', 'No such API key in your organization.');

const belongsTo = async (domain: Domain, token: string, organizationId: string): Promise<boolean> =>
  (await domain.tokens.find(token))?.key.organizationId === organizationId;

export const reportLeak = async (
  domain: Domain,
  origin: Origin,
  tokens: readonly string[],
): Promise<void> => {
  const id = `leak-report:${origin.ip ?? 'unknown'}`;
  const waitMs = await takeAttempt(domain.stores.limits, id, THROTTLES.leakReportAddress);
  if (waitMs !== null) {
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    throw new KaanaError(
      'rate_limited',
      `Too many reports from this address. Try again in ${seconds} seconds.`,
      { retryAfterSeconds: seconds },
    );
  }
  await domain.leaks.report(
    tokens.map((token) => ({ token, source: { reporter: 'anonymous', url: null } })),
    origin,
  );
};
