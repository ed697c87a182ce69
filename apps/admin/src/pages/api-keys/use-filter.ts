import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';
import type { KeyListInput, KeyStatus } from '../../trpc.ts';

export const STATUSES = [
  { value: 'all', label: 'All' },
  { value: 'active', label: 'Active' },
  { value: 'revoked', label: 'Revoked' },
  { value: 'expired', label: 'Expired' },
] as const satisfies readonly { value: 'all' | KeyStatus; label: string }[];
export type StatusFilter = (typeof STATUSES)[number]['value'];

export type Sort = NonNullable<KeyListInput['sort']>;
export type Order = NonNullable<KeyListInput['order']>;

/** What one first wants to see of each; the server's own defaults. */
const NATURAL: Readonly<Record<Sort, Order>> = {
  created: 'desc',
  name: 'asc',
  lastUsed: 'asc',
  expires: 'asc',
};

export const SORTS = [
  { value: 'created-desc', label: 'Newest first' },
  { value: 'created-asc', label: 'Oldest first' },
  { value: 'name-asc', label: 'Name, A to Z' },
  { value: 'name-desc', label: 'Name, Z to A' },
  { value: 'lastUsed-desc', label: 'Last used' },
  { value: 'lastUsed-asc', label: 'Unused for longest' },
  { value: 'expires-asc', label: 'Expires next' },
  { value: 'expires-desc', label: 'Expires last' },
] as const;
export type SortChoice = (typeof SORTS)[number]['value'];

type Parameter = 'status' | 'owner' | 'search' | 'sort';

/** Filter and order are in the address, so that they survive a reload and can be linked to. */
export const useFilter = () => {
  const [parameters, setParameters] = useSearchParams();
  const status = STATUSES.find(({ value }) => value === parameters.get('status'))?.value ?? 'all';
  const owner = parameters.get('owner') ?? 'all';
  const search = parameters.get('search') ?? '';
  const choice = SORTS.find(({ value }) => value === parameters.get('sort'))?.value ?? 'created-desc';
  const [sort, order] = choice.split('-') as [Sort, Order];

  const set = useCallback(
    (name: Parameter, value: string, none: string) =>
      setParameters(
        (previous) => {
          const next = new URLSearchParams(previous);
          if (value === none) next.delete(name);
          else next.set(name, value);
          return next;
        },
        { replace: true },
      ),
    [setParameters],
  );
  const setSearch = useCallback((value: string) => set('search', value, ''), [set]);
  const setChoice = (value: SortChoice) => set('sort', value, 'created-desc');
  const input = useMemo(
    (): KeyListInput => ({
      ...(status === 'all' ? {} : { status }),
      ...(owner === 'all' ? {} : { accountId: owner }),
      ...(search ? { search } : {}),
      ...(sort === 'created' && order === 'desc' ? {} : { sort, order }),
    }),
    [status, owner, search, sort, order],
  );
  return {
    status,
    owner,
    search,
    sort,
    order,
    choice,
    input,
    isFiltered: status !== 'all' || owner !== 'all' || search !== '',
    setStatus: (value: StatusFilter) => set('status', value, 'all'),
    setOwner: (value: string) => set('owner', value, 'all'),
    setSearch,
    setChoice,
    /** The same column again turns the order round. */
    sortBy: (by: Sort) => {
      const next = by !== sort ? NATURAL[by] : order === 'asc' ? 'desc' : 'asc';
      setChoice(`${by}-${next}` as SortChoice);
    },
    clear: () => setParameters({}, { replace: true }),
  };
};
export type Filter = ReturnType<typeof useFilter>;
