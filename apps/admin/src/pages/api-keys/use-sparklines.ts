import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { every } from '../../poll.ts';
import { trpc } from '../../trpc.ts';

const AT_ONCE = 50;
const MINUTE_MS = 60_000;

export type Line = { readonly requests: readonly number[]; readonly refused: readonly number[] };

/** The days of the keys between two rows; asked for in fixed portions, so that scrolling asks for each once. */
export const useSparklines = (
  ids: readonly string[],
  first: number,
  last: number,
  enabled: boolean,
): { line: (id: string) => Line | null | undefined } => {
  const portions = useMemo(() => {
    const found: string[][] = [];
    if (!enabled || ids.length === 0) return found;
    for (let portion = Math.floor(first / AT_ONCE); portion <= Math.floor(last / AT_ONCE); portion++) {
      const keyIds = ids.slice(portion * AT_ONCE, (portion + 1) * AT_ONCE);
      if (keyIds.length > 0) found.push(keyIds);
    }
    return found;
  }, [ids, first, last, enabled]);
  return useQueries({
    queries: portions.map((keyIds) =>
      trpc.usage.sparklines.queryOptions(
        { keyIds },
        { staleTime: MINUTE_MS, refetchInterval: every(MINUTE_MS), refetchOnWindowFocus: false },
      ),
    ),
    combine: (answers) => {
      const lines = new Map<string, Line | null>();
      answers.forEach(({ data }, index) => {
        if (!data) return;
        for (const id of portions[index] ?? []) lines.set(id, null);
        for (const row of data.data) lines.set(row.keyId, row);
      });
      // `null`: no requests. `undefined`: not known yet.
      return { line: (id: string) => lines.get(id) };
    },
  });
};
