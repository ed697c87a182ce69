import type { ReactNode } from 'react';
import { Button } from './ui/button.tsx';
import { Centered } from './ui/page.tsx';
import { Skeleton } from './ui/skeleton.tsx';
import { ErrorState } from './ui/states.tsx';

type LoadedProps<Data> = {
  query: { data: Data | undefined; error: unknown; isPending: boolean; refetch: () => Promise<unknown> };
  /** What is being waited for, e.g. "Loading projects". */
  label: string;
  rows?: number;
  children: (data: Data) => ReactNode;
};

/** What a query has found; before that a skeleton, and an error with a way to try again where it failed. */
export function Loaded<Data>({ query, label, rows = 4, children }: LoadedProps<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isPending) return <Skeleton label={label} rows={rows} />;
  return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
}

type LoadMoreProps = {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> };
};

export function LoadMore({ list }: LoadMoreProps) {
  if (!list.hasNextPage) return null;
  return (
    <Centered>
      <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        Load more
      </Button>
    </Centered>
  );
}
