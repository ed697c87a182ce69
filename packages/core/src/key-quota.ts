import { type CreditTerms, MAX_CREDITS } from './credits.ts';
import { KaanaError } from './errors.ts';
import { isNarrowed, type NamedLimit } from './named-limits.ts';
import type { Principal } from './principal.ts';

/**
 * Who may set limits and credits of keys. A limit only ever takes away, so that everybody may put one on a key that
 * they may change, and make it narrower; to raise it or take it away is for admins, and so are credits.
 */

const isLimited = ({ credential }: Principal): boolean =>
  credential.type === 'key' && (credential.quotas ?? []).some(({ scope }) => scope === 'key');

/** A key that is limited itself would be so no longer if it could get at another one. */
export const requireUnlimitedKey = (principal: Principal, what: string): void => {
  if (!isLimited(principal)) return;
  throw new KaanaError(
    'permission_denied',
    `This API key has limits or credits of its own, so that it cannot ${what}. Use another key, or the app.`,
  );
};

const isFree = (principal: Principal): boolean => principal.reach === 'organization' && !isLimited(principal);

/** Whether they may because it is narrower than `current` alone: then that must still be so when it is written. */
export const requireMayLimit = (
  principal: Principal,
  current: readonly NamedLimit[] | null,
  wanted: readonly NamedLimit[] | null,
): 'free' | 'narrowing' => {
  if (isFree(principal)) return 'free';
  if (isNarrowed(current, wanted)) return 'narrowing';
  throw new KaanaError(
    'permission_denied',
    'You can add limits and make them narrower. To raise a limit or take it away, ask an admin of your organization.',
  );
};

export const requireMayGiveCredits = (principal: Principal): void => {
  if (isFree(principal)) return;
  throw new KaanaError(
    'permission_denied',
    'Credits of API keys are set by admins, in the app or with a key that has no limits of its own.',
  );
};

export type RefillInput = { readonly amount: number; readonly every: number | 'month' };
export type CreditChange = {
  /** The new balance; `null`: requests cost nothing any more. */
  readonly remaining?: number | null | undefined;
  readonly add?: number | undefined;
  readonly refill?: RefillInput | null | undefined;
};

const invalid = (path: string, message: string) =>
  new KaanaError('invalid_input', `${path}: ${message}`, { errors: [{ path, message }] });

export const changeCredits = (
  current: CreditTerms | null,
  { remaining, add, refill }: CreditChange,
  now: number,
): CreditTerms => {
  const before: CreditTerms = current ?? {
    version: 0,
    metered: false,
    epoch: 0,
    amount: 0,
    added: 0,
    refill: null,
    changedAt: new Date(now),
  };
  const next = { ...before, version: before.version + 1, changedAt: new Date(now) };
  if (remaining === null) {
    if (add !== undefined || refill)
      throw invalid('remaining', 'null takes the credits away: give nothing else');
    return { ...next, metered: false, refill: null };
  }
  if (remaining !== undefined && add !== undefined) throw invalid('add', 'give either remaining or add');
  if (remaining === undefined && !before.metered) {
    throw invalid('remaining', 'this key has no credits yet: say how many it begins with');
  }
  const same =
    refill && before.refill?.amount === refill.amount && before.refill.every === refill.every
      ? before.refill
      : null;
  const balance =
    remaining === undefined
      ? { added: before.added + (add ?? 0) }
      : { epoch: before.epoch + 1, amount: remaining, added: 0 };
  if ((balance.added ?? 0) > MAX_CREDITS)
    throw invalid('add', 'is more than we count: set remaining instead');
  return {
    ...next,
    ...balance,
    metered: true,
    ...(refill === undefined
      ? {}
      : { refill: refill && (same ?? { amount: refill.amount, every: refill.every, since: new Date(now) }) }),
  };
};

/** As an audit event tells it. */
export const creditChanges = (
  before: CreditTerms | null,
  after: CreditTerms,
  { remaining, add }: CreditChange,
) => {
  const told = (terms: CreditTerms | null) =>
    terms?.refill ? { amount: terms.refill.amount, every: terms.refill.every } : null;
  const refill = { from: told(before), to: told(after) };
  return {
    ...(remaining === undefined ? {} : { credits: { from: null, to: remaining } }),
    ...(add === undefined ? {} : { creditsAdded: { from: null, to: add } }),
    ...(JSON.stringify(refill.from) === JSON.stringify(refill.to) ? {} : { refill }),
  };
};
