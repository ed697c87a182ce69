import { useQuery } from '@tanstack/react-query';
import { useUser } from '../../session.tsx';
import { trpc } from '../../trpc.ts';
import { Select } from '../../ui/select.tsx';

type OwnerFilterProps = { owner: string; onChange: (owner: string) => void };

/** Whose keys to show; for those who see everyone's. */
export function OwnerFilter({ owner, onChange }: OwnerFilterProps) {
  const user = useUser();
  const members = useQuery(trpc.members.list.queryOptions({ limit: 200 }, { staleTime: 60_000 }));
  const others = members.data?.data.filter(({ id }) => id !== user.id) ?? [];
  return (
    <div className="w-40">
      <Select
        aria-label="Owner"
        value={owner}
        onChange={onChange}
        options={[
          { value: 'all', label: 'All owners' },
          { value: user.id, label: 'Only mine' },
          ...others.map(({ id, name }) => ({ value: id, label: name })),
        ]}
      />
    </div>
  );
}
