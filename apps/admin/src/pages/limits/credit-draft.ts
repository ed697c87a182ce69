import type { Credits, Inputs } from '../../trpc.ts';

export type CreditChange = Omit<Inputs['keys']['credits'], 'id'>;
type Refill = NonNullable<CreditChange['refill']>;

/** What to do with the credits of a key. `keep`: leave the balance alone, and change the refill only. */
export type CreditAction = 'none' | 'set' | 'add' | 'keep' | 'take';
export type CreditDraft = {
  readonly action: CreditAction;
  /** As typed. */
  readonly amount: string;
  /** `never`, `month`, or seconds as text. */
  readonly every: string;
  readonly refillTo: string;
};

const DAY = 24 * 3600;
const EVERY = [
  ['never', 'Never'],
  [String(DAY), 'Every day'],
  [String(7 * DAY), 'Every 7 days'],
  ['month', 'Every month'],
] as const;

const number = new Intl.NumberFormat('en');

const everyText = (every: string): string =>
  EVERY.find(([value]) => value === every)?.[1] ?? `Every ${number.format(Number(every))} seconds`;

/** Times to choose from, with the one that is chosen, which the API may have set to anything. */
export const everyOptions = (chosen: string): { value: string; label: string }[] => {
  const known = EVERY.map(([value]) => value as string);
  const all = known.includes(chosen) ? known : [...known, chosen];
  return all.map((value) => ({ value, label: everyText(value) }));
};

/** e.g. "Every month, up to 1,000". */
export const refillText = ({ amount, every }: Refill): string =>
  `${everyText(String(every))}, up to ${number.format(amount)}`;

export const toCreditDraft = (credits: Credits | null): CreditDraft => ({
  action: credits ? 'add' : 'none',
  amount: '',
  every: credits?.refill ? String(credits.refill.every) : 'never',
  refillTo: credits?.refill ? String(credits.refill.amount) : '',
});

const MAX_CREDITS = 1_000_000_000_000;
const readAmount = (typed: string, least: number): number | null => {
  const amount = /^\d{1,13}$/.test(typed.trim()) ? Number(typed.trim()) : -1;
  return amount >= least && amount <= MAX_CREDITS ? amount : null;
};

export type CreditErrors = { amount?: string; refillTo?: string };

/** What is typed as a change; `change` `null`: there is none, or something is wrong with it. */
export const readCredits = (draft: CreditDraft): { change: CreditChange | null; errors: CreditErrors } => {
  const { action, every } = draft;
  if (action === 'none') return { change: null, errors: {} };
  if (action === 'take') return { change: { remaining: null }, errors: {} };
  const amount = action === 'keep' ? 0 : readAmount(draft.amount, action === 'add' ? 1 : 0);
  const refillTo = every === 'never' ? 0 : readAmount(draft.refillTo, 1);
  const errors = {
    ...(amount === null ? { amount: 'Type a whole number of credits.' } : {}),
    ...(refillTo === null ? { refillTo: 'Type a whole number of credits, 1 or more.' } : {}),
  };
  if (amount === null || refillTo === null) return { change: null, errors };
  const refill =
    every === 'never'
      ? null
      : { amount: refillTo, every: every === 'month' ? ('month' as const) : Number(every) };
  return {
    change: {
      ...(action === 'set' ? { remaining: amount } : {}),
      ...(action === 'add' ? { add: amount } : {}),
      refill,
    },
    errors: {},
  };
};
