import { useInfiniteQuery } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { Loaded, LoadMore } from '../../loaded.tsx';
import { useCan, useUser } from '../../session.tsx';
import { type Inputs, trpc } from '../../trpc.ts';
import { EmptyState } from '../../ui/states.tsx';
import { KeyTable } from './key-table.tsx';

/** Often enough that "last used" is seen to move. */
const POLL_MS = 3_000;

type KeyListProps = {
  filter: NonNullable<Inputs['keys']['list']>;
  filtered: boolean;
  onAction: Parameters<typeof KeyTable>[0]['onAction'];
};

export function KeyList({ filter, filtered, onAction }: KeyListProps) {
  const user = useUser();
  const mayWrite = useCan('keys:write');
  const list = useInfiniteQuery(
    trpc.keys.list.infiniteQueryOptions(filter, {
      getNextPageParam: (page) => page.nextCursor,
      refetchInterval: POLL_MS,
      placeholderData: (previous) => previous,
    }),
  );

  return (
    <Loaded query={list} label="Loading API keys">
      {({ pages }) => {
        const keys = pages.flatMap((page) => page.data);
        if (keys.length === 0) return <NoKeys filtered={filtered} mayWrite={mayWrite} />;
        return (
          <>
            <KeyTable keys={keys} showOwner={user.role === 'admin'} mayWrite={mayWrite} onAction={onAction} />
            <LoadMore list={list} />
          </>
        );
      }}
    </Loaded>
  );
}

function NoKeys({ filtered, mayWrite }: { filtered: boolean; mayWrite: boolean }) {
  if (filtered) {
    return (
      <EmptyState icon={KeyRound} title="No keys match">
        <p>Choose another filter to see the rest.</p>
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={KeyRound} title="No API keys yet">
      <p>
        A key lets a script, a service or an integration call the API.
        {mayWrite && ' Create one for each, so that each can be revoked alone.'}
      </p>
    </EmptyState>
  );
}
