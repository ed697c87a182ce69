import { useRef } from 'react';
import { useCan } from '../../session.tsx';
import { SearchInput } from '../../ui/search-input.tsx';
import { Select } from '../../ui/select.tsx';
import { toast } from '../../ui/toast.tsx';
import { OwnerFilter } from './owner-filter.tsx';
import { type Filter, SORTS } from './use-filter.ts';

/** A whole key: as packages/api-key has it. */
const TOKEN = /kaana_[0-9A-Za-z]{38}/g;
const START_LENGTH = 12;

/** Whoever looks for a key by pasting it must not put it into the address: its start finds it too. */
const withoutToken = (text: string): string => {
  const cut = text.replace(TOKEN, (token) => token.slice(0, START_LENGTH));
  if (cut !== text) toast.success('Only the first characters of the key are searched for.');
  return cut;
};

export function Toolbar({ filter }: { filter: Filter }) {
  const seesEveryone = useCan('members:read');
  const search = useRef<HTMLInputElement>(null);
  return (
    <div className="flex flex-1 flex-wrap items-center gap-2 sm:justify-end">
      <div className="min-w-48 flex-1 sm:max-w-72">
        <SearchInput
          ref={search}
          label="Search API keys"
          placeholder="Name or start of a key"
          value={filter.search}
          onChange={filter.setSearch}
          clean={withoutToken}
        />
      </div>
      {seesEveryone && <OwnerFilter owner={filter.owner} onChange={filter.setOwner} />}
      <div className="w-44">
        <Select aria-label="Order" value={filter.choice} onChange={filter.setChoice} options={SORTS} />
      </div>
    </div>
  );
}
