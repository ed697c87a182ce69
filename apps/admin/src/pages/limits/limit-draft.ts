import type { NamedLimit } from '../../trpc.ts';

/** A named limit as it stands in a form. */
export type LimitDraft = {
  /** Tells rows apart, also while they are being typed. */
  readonly id: string;
  readonly name: string;
  /** As typed. */
  readonly limit: string;
  /** Seconds, as text. */
  readonly window: string;
};

const WINDOWS = [
  [1, 'second'],
  [60, 'minute'],
  [3600, 'hour'],
  [24 * 3600, 'day'],
  [7 * 24 * 3600, '7 days'],
  [30 * 24 * 3600, '30 days'],
] as const;

const number = new Intl.NumberFormat('en');

const windowText = (seconds: number): string => {
  const known = WINDOWS.find(([length]) => length === seconds)?.[1];
  if (known) return known;
  // The longest unit that says it without a fraction.
  const unit = WINDOWS.slice(1, 4).findLast(([length]) => seconds % length === 0);
  return unit ? `${number.format(seconds / unit[0])} ${unit[1]}s` : `${number.format(seconds)} seconds`;
};

/** e.g. "500 requests in any day". */
export const limitText = ({ limit, windowSeconds }: NamedLimit): string =>
  `${number.format(limit)} ${limit === 1 ? 'request' : 'requests'} in any ${windowText(windowSeconds)}`;

/** Windows to choose from, with the one that is chosen, which the API may have set to anything. */
export const windowOptions = (chosen: string): { value: string; label: string }[] => {
  const known = WINDOWS.map(([seconds]) => String(seconds));
  const all = known.includes(chosen) ? known : [...known, chosen];
  return all.map((value) => ({ value, label: `in any ${windowText(Number(value))}` }));
};

let lastRow = 0;
const rowId = () => {
  lastRow += 1;
  return `limit-${lastRow}`;
};

export const newLimit = (): LimitDraft => ({ id: rowId(), name: '', limit: '', window: String(24 * 3600) });

export const toLimitDrafts = (limits: readonly NamedLimit[]): LimitDraft[] =>
  limits.map(({ name, limit, windowSeconds }) => ({
    id: rowId(),
    name,
    limit: String(limit),
    window: String(windowSeconds),
  }));

const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?$/;
const MAX_LIMIT = 1_000_000_000;
export const MAX_LIMITS = 8;

type LimitError = { readonly field: 'name' | 'limit'; readonly text: string };

/** What is wrong with a row, as the server would say it. */
export const limitError = (
  { name, limit }: LimitDraft,
  all: readonly LimitDraft[],
): LimitError | undefined => {
  if (!NAME.test(name)) {
    const text =
      'A name takes up to 32 of a-z, 0-9, “.”, “_” and “-”, and begins and ends with a letter or digit.';
    return { field: 'name', text };
  }
  if (all.filter((other) => other.name === name).length > 1) {
    return { field: 'name', text: 'Two limits have this name.' };
  }
  const count = /^\d{1,10}$/.test(limit) ? Number(limit) : 0;
  if (count >= 1 && count <= MAX_LIMIT) return undefined;
  return { field: 'limit', text: 'Type how many requests: a whole number, 1 or more.' };
};

/** `null`: some row is not right yet. */
export const readLimits = (drafts: readonly LimitDraft[]): NamedLimit[] | null =>
  drafts.some((draft) => limitError(draft, drafts))
    ? null
    : drafts.map(({ name, limit, window }) => ({
        name,
        limit: Number(limit),
        windowSeconds: Number(window),
      }));
