import { useInfiniteQuery } from '@tanstack/react-query';
import { KeyRound, SearchX } from 'lucide-react';
import { type ReactNode, useEffect, useMemo } from 'react';
import { Loaded } from '../../loaded.tsx';
import { useCan, useUser } from '../../session.tsx';
import { type Key, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { isShort } from './key-cache.ts';
import { type KeyAction, KeyTable } from './key-table.tsx';
import type { Filter } from './use-filter.ts';
import { useSparklines } from './use-sparklines.ts';
import { useVisible } from './use-visible.ts';
import { useWatch } from './use-watch.ts';

const PAGE = 100;
/** The next page is asked for so many rows before the end of what is there. */
const AHEAD = 40;
const MAX_WATCHED = 40;
const NO_KEYS: readonly Key[] = [];

type KeyListProps = {
  filter: Filter;
  onAction: (action: KeyAction, key: Key) => void;
  onCreate: () => void;
  /** Stands under the list once it is there. */
  below: ReactNode;
};

export function KeyList({ filter, onAction, onCreate, below }: KeyListProps) {
  const user = useUser();
  const mayWrite = useCan('keys:write');
  const mayReadUsage = useCan('usage:read');
  const { passing, settled, onVisible } = useVisible();
  const list = useInfiniteQuery(
    trpc.keys.list.infiniteQueryOptions(
      { ...filter.input, limit: PAGE },
      {
        getNextPageParam: (page) => page.nextCursor,
        placeholderData: (previous) => previous,
        refetchOnWindowFocus: isShort,
        refetchOnMount: isShort,
        refetchOnReconnect: isShort,
      },
    ),
  );
  const keys = useMemo(() => list.data?.pages.flatMap((page) => page.data) ?? NO_KEYS, [list.data]);
  const ids = useMemo(() => keys.map(({ id }) => id), [keys]);

  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const [, last] = passing;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= keys.length - AHEAD) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, last, keys.length]);

  const [from, to] = settled;
  useWatch(useMemo(() => ids.slice(from, Math.min(to + 1, from + MAX_WATCHED)), [ids, from, to]));
  const { line } = useSparklines(ids, from, to, mayReadUsage);

  return (
    <Loaded query={list} label="Loading API keys" rows={6}>
      {() => {
        if (keys.length === 0) {
          if (filter.isFiltered) return <NoMatch filter={filter} />;
          return (
            <>
              <NoKeys {...(mayWrite ? { onCreate } : {})} />
              {below}
            </>
          );
        }
        return (
          <>
            <KeyTable
              keys={keys}
              showOwner={user.role === 'admin'}
              line={mayReadUsage ? line : null}
              mayWrite={mayWrite}
              sorting={{ by: filter.sort, order: filter.order, onSort: filter.sortBy }}
              onAction={onAction}
              onVisible={onVisible}
            />
            {!hasNextPage && below}
          </>
        );
      }}
    </Loaded>
  );
}

function NoMatch({ filter }: { filter: Filter }) {
  return (
    <EmptyState
      icon={SearchX}
      title="No keys match"
      action={<Button onClick={filter.clear}>Show all keys</Button>}
    >
      <p>
        {filter.search
          ? `No name and no start of a key has “${filter.search}” in it.`
          : 'Choose another filter to see the rest.'}
      </p>
    </EmptyState>
  );
}

function NoKeys({ onCreate }: { onCreate?: () => void }) {
  return (
    <EmptyState
      icon={KeyRound}
      title="No API keys yet"
      {...(onCreate
        ? {
            action: (
              <Button variant="primary" onClick={onCreate}>
                Create your first key
              </Button>
            ),
          }
        : {})}
    >
      <p>
        A key lets a script, a service or an integration call the API.
        {onCreate && ' Create one for each, so that each can be revoked alone.'}
      </p>
    </EmptyState>
  );
}
