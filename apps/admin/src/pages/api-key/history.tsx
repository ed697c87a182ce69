import { useInfiniteQuery } from '@tanstack/react-query';
import { Loaded, LoadMore } from '../../loaded.tsx';
import { every } from '../../poll.ts';
import { trpc } from '../../trpc.ts';
import { Section } from '../../ui/card.tsx';
import { AuditTable } from '../audit-log/table.tsx';

/** What was done to this key, and with it. */
export function KeyHistory({ keyId }: { keyId: string }) {
  const list = useInfiniteQuery(
    trpc.audit.list.infiniteQueryOptions(
      { keyId, limit: 20 },
      { getNextPageParam: (page) => page.nextCursor, refetchInterval: every(15_000) },
    ),
  );
  return (
    <Section title="History" description="Changes of this key, and changes made with it.">
      <Loaded query={list} label="Loading the history" rows={3}>
        {({ pages }) => (
          <>
            <AuditTable
              caption="History of the key, newest first"
              events={pages.flatMap((page) => page.data)}
            />
            <LoadMore list={list} />
          </>
        )}
      </Loaded>
    </Section>
  );
}
