import { KaanaError } from './errors.ts';
import type { Limiter } from './limiter.ts';
import type { RateLimitState } from './meter.ts';
import { requestsPerMinute } from './plans.ts';
import type { Principal } from './principal.ts';
import type { QuotaRefusal, QuotaState } from './quota-record.ts';
import type { Quotas } from './quotas.ts';

/** What became of a request of a key that quotas apply to. */
export type Admission = {
  /** `null`: not asked, since a quota refused. */
  readonly plan: RateLimitState | null;
  readonly states: readonly QuotaState[];
  readonly refusal: KaanaError | null;
};

/** The name of a policy in headers and errors: `account` is the plan's. */
export const policyName = ({ above, kind, name, scope }: QuotaState): string => {
  if (above) return `parent${above === 1 ? '' : above}:${name}`;
  return kind === 'credits' ? 'credits' : `${scope}:${name}`;
};

export const planRefusal = ({ limit, resetSeconds, windowSeconds }: RateLimitState): KaanaError =>
  new KaanaError(
    'rate_limited',
    `Your account may make ${limit} requests in ${windowSeconds} seconds, over all its keys. Try again in ${resetSeconds} seconds.`,
    { retryAfterSeconds: resetSeconds, limit: 'account' },
  );

const quotaRefusal = ({ state, waitMs }: QuotaRefusal, cost: number): KaanaError => {
  const seconds = waitMs === null ? null : Math.max(1, Math.ceil(waitMs / 1000));
  const extras = {
    limit: policyName(state),
    ...(seconds === null ? {} : { retryAfterSeconds: seconds }),
  };
  if (state.kind === 'credits') {
    const needed = cost === 1 ? 'a request costs 1' : `this request costs ${cost}`;
    const next = seconds === null ? 'Ask an admin to add some.' : `They are refilled in ${seconds} seconds.`;
    return new KaanaError(
      'credits_exhausted',
      `${state.above ? 'A parent of this API key' : 'This API key'} has ${state.remaining} credits left, and ${needed}. ${next}`,
      extras,
    );
  }
  const ofKey = state.above ? 'of a parent of this API key' : 'of this API key';
  const whose = state.scope === 'key' ? ofKey : 'of your account, over all its keys,';
  return new KaanaError(
    'rate_limited',
    `The limit "${state.name}" ${whose} allows ${state.limit} requests in ${state.windowSeconds} seconds. Try again in ${seconds ?? 1} seconds.`,
    extras,
  );
};

/** Says of each state of a child key how far above it is. */
const placed = (credential: Principal['credential'], state: QuotaState): QuotaState => {
  const above = credential.type === 'key' ? (credential.ancestors?.indexOf(state.ownerId) ?? -1) + 1 : 0;
  return above > 0 ? { ...state, above } : state;
};

/**
 * Admits a request under its key's quotas and its account's plan, all or nothing. For principals of keys that have
 * quotas; one without goes to the limiter directly.
 */
export const admitUnderQuotas = async (
  { limiter, quotas }: { readonly limiter: Limiter; readonly quotas: Quotas },
  { account, credential, organization }: Principal,
  cost: number,
): Promise<Admission> => {
  const limit = requestsPerMinute(organization);
  const applying = (credential.type === 'key' && credential.quotas) || [];
  // Where it is known that the plan refuses, nobody else is troubled.
  const known = applying.length > 0 ? limiter.refusal(account.id, limit) : null;
  if (known) return { plan: known, states: [], refusal: planRefusal(known) };
  const answer = await quotas.admit(applying, cost, () => limiter.admit(account.id, limit, cost));
  const { plan, refusal } = answer;
  const states = answer.states.map((state) => placed(credential, state));
  if (refusal) {
    const state = placed(credential, refusal.state);
    return { plan, states, refusal: quotaRefusal({ ...refusal, state }, cost) };
  }
  return { plan, states, refusal: plan && !plan.allowed ? planRefusal(plan) : null };
};
