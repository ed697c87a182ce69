import {
  type Account,
  type Admission,
  admitUnderQuotas,
  assessPermissions,
  type Caller,
  type Domain,
  explain,
  explainUnknown,
  KaanaError,
  type KeyCheck,
  type KeyPrincipal,
  type KeyQuestion,
  type Match,
  noteReported,
  type Organization,
  type Origin,
  type Permission,
  policyName,
  type RateLimitState,
  requestsPerMinute,
  skipped,
  THROTTLES,
  takeAttempt,
} from '@kaana/core';
import type { z } from 'zod';
import type { KeyVerdict } from './contracts/verify.ts';
import { toAccountSummary, toLimitState, toOrganizationSummary } from './wire.ts';

type Verdict = z.infer<typeof KeyVerdict>;

export type VerifyItem = {
  readonly token: string;
  readonly permissions?: readonly Permission[] | undefined;
  readonly ip?: string | undefined;
  readonly cost?: number | undefined;
};

const REFUSED: Omit<Verdict, 'code' | 'detail'> = {
  valid: false,
  key: null,
  account: null,
  organization: null,
  permissions: [],
  ratelimit: null,
  ratelimits: [],
};

const describe = ({
  key,
  account,
  organization,
}: Match['found']): Pick<Verdict, 'key' | 'account' | 'organization'> => ({
  key: {
    id: key.id,
    name: key.name,
    start: key.secrets[0]?.start ?? '',
    expiresAt: key.expiresAt?.toISOString() ?? null,
  },
  account: account && { ...toAccountSummary(account), role: account.role },
  organization: organization && toOrganizationSummary(organization),
});

const toWire = (checks: readonly KeyCheck[]): Verdict['checks'] =>
  checks.map(({ values, ...check }) => ({
    ...check,
    values: Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        typeof value === 'object' && value !== null ? [...value] : value,
      ]),
    ),
  }));

/** Whether another organization has a token is nobody's business but an operator's; a person in the app is none. */
const isOperator = ({ principal: { organization, credential } }: Caller): boolean =>
  organization.operator && credential.type === 'key';

const mayKnow = (caller: Caller, { found }: Match): boolean =>
  caller.principal.organization.id === found.key.organizationId || isOperator(caller);

/** The same words whether there is no such key, or one of another organization. */
const unknownKey = (caller: Caller) =>
  new KaanaError(
    'key_unknown',
    isOperator(caller) ? 'No such API key.' : 'No such API key in your organization.',
  );

type Judged = { readonly principal: KeyPrincipal | null; readonly refusal: KaanaError | null };

/** All but the limit: exactly what a request with this key would meet. */
const judge = (domain: Domain, match: Match, { ip, permissions }: KeyQuestion, quiet: boolean): Judged => {
  try {
    const principal = domain.authentication.principal(match, ip, { quiet });
    const verdict = assessPermissions(
      [match.found.key, ...match.found.ancestors],
      principal.permissions,
      permissions,
    );
    return { principal, refusal: verdict instanceof KaanaError ? verdict : null };
  } catch (error) {
    if (error instanceof KaanaError) return { principal: null, refusal: error };
    throw error;
  }
};

const limitDetail = ({ allowed, limit, remaining, resetSeconds }: RateLimitState, cost: number): string => {
  if (allowed) return 'The key is valid.';
  if (cost > limit) return `A cost of ${cost} is more than its account may make in a minute, ${limit}.`;
  return cost > 1
    ? `Its account has ${remaining} requests left, and this counts as ${cost}. Try again in ${resetSeconds} seconds.`
    : `Its account has used up its requests for ${resetSeconds} seconds.`;
};

const limitCheck = (state: RateLimitState, cost: number): KeyCheck => ({
  check: 'limit',
  outcome: state.allowed ? 'passed' : 'failed',
  code: state.allowed ? null : 'rate_limited',
  detail: state.allowed ? null : limitDetail(state, cost),
  values: { cost, limit: state.limit, remaining: state.remaining, resetSeconds: state.resetSeconds },
});

/** Where a limit of the key or the account beside the plan's, or the key's credits, refused it. */
const quotaCheck = ({ states, refusal }: Admission, cost: number): KeyCheck => {
  const state = states.find((other) => policyName(other) === refusal?.limit);
  return {
    check: 'limit',
    outcome: 'failed',
    code: refusal?.code ?? null,
    detail: refusal?.message ?? null,
    values: {
      cost,
      limit: state?.limit ?? null,
      remaining: state?.remaining ?? null,
      resetSeconds: state?.resetSeconds ?? null,
    },
  };
};

const toRateLimit = ({ limit, remaining, resetSeconds }: RateLimitState) => ({
  limit,
  remaining,
  resetSeconds,
});

/**
 * A verification that counts is a use of the token, and may be the first one; what only asks, or asks for an
 * explanation, leaves the overlap of a rotation as it is.
 */
const used = (
  domain: Domain,
  caller: Caller,
  { token, ip, cost = 1 }: VerifyItem,
  found: Match | KaanaError,
  explained: boolean,
): Match | KaanaError | Promise<Match | KaanaError> =>
  found instanceof KaanaError || cost === 0 || explained || !mayKnow(caller, found)
    ? found
    : domain.authentication.use(found, token, ip ?? null);

const answer = async (
  domain: Domain,
  caller: Caller,
  item: VerifyItem,
  asked: Match | KaanaError,
  explained: boolean,
): Promise<Verdict> => {
  const { token, cost = 1 } = item;
  const use = used(domain, caller, item, asked, explained);
  const found = use instanceof Promise ? await use : use;
  const malformed = found instanceof KaanaError && found.code === 'key_malformed';
  if (found instanceof KaanaError || !mayKnow(caller, found)) {
    const refusal = malformed ? found : unknownKey(caller);
    const checks = explained ? { checks: toWire(explainUnknown(token, refusal)) } : {};
    return { ...REFUSED, code: refusal.code, detail: refusal.message, ...checks };
  }
  const { account, organization } = found.found;
  const question = { permissions: item.permissions ?? [], ip: item.ip ?? null, now: domain.clock() };
  const { principal, refusal } = judge(domain, found, question, cost === 0);
  const checks = explained ? explain(token, found, question) : [];
  const about = { ...describe(found.found), permissions: [...(principal?.permissions ?? [])] };
  const record = (outcome: 'served' | 'denied' | 'rateLimited') => {
    if (!principal || cost === 0) return;
    const exercised = outcome === 'served' ? question.permissions : null;
    domain.recorder.record({ principal, outcome, ip: question.ip, userAgent: null, exercised });
  };

  if (refusal || !principal) {
    record('denied');
    const state = explained ? await peek(domain, account, organization) : null;
    const limit = state ? limitCheck(state, 0) : skipped('limit');
    return {
      ...REFUSED,
      ...about,
      code: refusal?.code ?? 'internal',
      detail: refusal?.message ?? '',
      ratelimit: state && toRateLimit(state),
      ...(explained ? { checks: toWire([...checks, limit]) } : {}),
    };
  }
  const admission = await admitUnderQuotas(domain, principal, cost);
  const { plan, refusal: refused, states } = admission;
  const allowed = refused === null;
  record(allowed ? 'served' : 'rateLimited');
  if (refused && cost > 0) domain.webhooks.limits.note(principal, refused.limit);
  if (allowed && cost > 0) noteReported(principal, question.permissions);
  return {
    ...about,
    valid: allowed,
    code: refused?.code ?? 'valid',
    detail: plan ? limitDetail(plan, cost) : (refused?.message ?? ''),
    ratelimit: plan && toRateLimit(plan),
    ratelimits: states.map(toLimitState),
    ...(explained
      ? { checks: toWire([...checks, plan ? limitCheck(plan, cost) : quotaCheck(admission, cost)]) }
      : {}),
  };
};

/** What the limit would say, without counting anything. */
const peek = async (
  { limiter }: Domain,
  account: Account | null,
  organization: Organization | null,
): Promise<RateLimitState | null> =>
  account && organization ? limiter.admit(account.id, requestsPerMinute(organization), 0) : null;

/**
 * The question was answered, whatever the answer: only a fault of the store or of the question is an error. All tokens
 * are looked up together; afterwards each is counted by itself, in their order.
 */
export const verifyKeys = async (
  domain: Domain,
  caller: Caller,
  items: readonly VerifyItem[],
  explained = false,
): Promise<Verdict[]> => {
  const found = await Promise.all(
    items.map(({ token, ip }) => domain.authentication.find(token, ip ?? null)),
  );
  return Promise.all(
    items.map((item, index) => answer(domain, caller, item, found[index] ?? unknownKey(caller), explained)),
  );
};

export const verifyKey = async (
  domain: Domain,
  caller: Caller,
  { explain: explained, ...item }: VerifyItem & { readonly explain?: boolean | undefined },
): Promise<Verdict> => {
  const [verdict] = await verifyKeys(domain, caller, [item], explained);
  if (!verdict) throw new Error('one token in, no verdict out');
  return verdict;
};

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
