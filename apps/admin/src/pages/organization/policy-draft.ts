import type { Permission, Policies } from '../../trpc.ts';

/** The policies as they stand in a form. */
export type PolicyDraft = Omit<Policies, 'maxLifetimeDays' | 'idleDays' | 'allowedScopes'> & {
  /** As typed; empty: none. */
  readonly maxLifetimeDays: string;
  readonly idleDays: string;
  readonly reach: 'everything' | 'chosen';
  readonly allowedScopes: readonly Permission[];
};

export const toDraft = ({ maxLifetimeDays, idleDays, allowedScopes, ...rest }: Policies): PolicyDraft => ({
  ...rest,
  maxLifetimeDays: maxLifetimeDays === null ? '' : String(maxLifetimeDays),
  idleDays: idleDays === null ? '' : String(idleDays),
  reach: allowedScopes === null ? 'everything' : 'chosen',
  allowedScopes: allowedScopes ?? [],
});

const MAX_DAYS = 3650;

/** `undefined`: not a number of days. */
const readDays = (typed: string): number | null | undefined => {
  const text = typed.trim();
  if (text === '') return null;
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return days >= 1 && days <= MAX_DAYS ? days : undefined;
};

export type DraftErrors = { maxLifetimeDays?: string; idleDays?: string; allowedScopes?: string };

/** What is typed as policies, or what is wrong with it. */
export const readDraft = ({
  reach,
  ...draft
}: PolicyDraft): { policies: Policies; errors: null } | { policies: null; errors: DraftErrors } => {
  const maxLifetimeDays = readDays(draft.maxLifetimeDays);
  const idleDays = readDays(draft.idleDays);
  const noDays = `Type a whole number of days, from 1 to ${MAX_DAYS}, or leave it empty.`;
  const nothingChosen = reach === 'chosen' && draft.allowedScopes.length === 0;
  if (maxLifetimeDays === undefined || idleDays === undefined || nothingChosen) {
    return {
      policies: null,
      errors: {
        ...(maxLifetimeDays === undefined ? { maxLifetimeDays: noDays } : {}),
        ...(idleDays === undefined ? { idleDays: noDays } : {}),
        ...(nothingChosen ? { allowedScopes: 'Choose at least one permission.' } : {}),
      },
    };
  }
  const allowedScopes = reach === 'everything' ? null : [...draft.allowedScopes];
  return { policies: { ...draft, maxLifetimeDays, idleDays, allowedScopes }, errors: null };
};

const plain = (value: unknown) => JSON.stringify(Array.isArray(value) ? value.toSorted() : value);

/** Those of `after` that differ: what somebody else changes meanwhile is left as it is. */
export const changedPolicies = (before: Policies, after: Policies): Partial<Policies> =>
  Object.fromEntries(
    Object.entries(after).filter(([name, value]) => plain(value) !== plain(before[name as keyof Policies])),
  );
