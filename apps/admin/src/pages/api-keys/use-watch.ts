import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { every } from '../../poll.ts';
import { trpc } from '../../trpc.ts';
import { findNewKeys, putKeys } from './key-cache.ts';

/** Often enough that "last used" is seen to move, while somebody looks; a tab in the background does not ask. */
const POLL_MS = 3_000;

/** Keeps the keys in sight as the server has them, whoever changes them: one cheap question, however long the list. */
export const useWatch = (ids: readonly string[]): void => {
  const watch = useQuery(
    trpc.keys.watch.queryOptions(
      { ids: [...ids] },
      {
        refetchInterval: every(POLL_MS),
        refetchOnWindowFocus: 'always',
        placeholderData: (previous) => previous,
      },
    ),
  );
  const newest = useRef<string | null | undefined>(undefined);
  const { data } = watch;
  useEffect(() => {
    if (!data) return;
    putKeys(data.data);
    if (newest.current !== undefined && newest.current !== data.newestId) void findNewKeys();
    newest.current = data.newestId;
  }, [data]);
};
