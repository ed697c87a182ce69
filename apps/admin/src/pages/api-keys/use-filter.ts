import { useSearchParams } from 'react-router';
import type { KeyStatus } from '../../trpc.ts';

export const STATUSES = [
  { value: 'all', label: 'All' },
  { value: 'active', label: 'Active' },
  { value: 'revoked', label: 'Revoked' },
  { value: 'expired', label: 'Expired' },
] as const satisfies readonly { value: 'all' | KeyStatus; label: string }[];
export type StatusFilter = (typeof STATUSES)[number]['value'];

/** The filter is in the address, so that it survives a reload and can be linked to. */
export const useFilter = () => {
  const [parameters, setParameters] = useSearchParams();
  const status = STATUSES.find(({ value }) => value === parameters.get('status'))?.value ?? 'all';
  const owner = parameters.get('owner') ?? 'all';
  const set = (name: 'status' | 'owner', value: string) =>
    setParameters(
      (previous) => {
        const next = new URLSearchParams(previous);
        if (value === 'all') next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  return {
    status,
    owner,
    setStatus: (value: StatusFilter) => set('status', value),
    setOwner: (value: string) => set('owner', value),
    input: {
      ...(status === 'all' ? {} : { status }),
      ...(owner === 'all' ? {} : { accountId: owner }),
    },
  };
};
