import { useInfiniteQuery } from '@tanstack/react-query';
import { ScrollText } from 'lucide-react';
import { useState } from 'react';
import { Denied } from '../../denied.tsx';
import { Loaded, LoadMore } from '../../loaded.tsx';
import { useCan } from '../../session.tsx';
import { type AuditEvent, trpc } from '../../trpc.ts';
import { PageHeader } from '../../ui/page.tsx';
import { Select } from '../../ui/select.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';
import { ACTION_OPTIONS, ACTION_TEXT } from './actions.ts';
import { Changes } from './changes.tsx';

const muted = (text: string) => <span className="block text-xs text-ink-muted">{text}</span>;

const COLUMNS: readonly Column<AuditEvent>[] = [
  {
    header: 'What',
    isRowHeader: true,
    cell: ({ action, target }) => (
      <>
        {ACTION_TEXT[action] ?? action}
        {target.type !== 'session' && <span className="block font-normal">{target.name}</span>}
      </>
    ),
  },
  {
    header: 'Who',
    cell: ({ actor, ip }) => (
      <>
        {actor.name}
        {actor.keyId && muted('with an API key')}
        {ip && muted(ip)}
      </>
    ),
  },
  { header: 'Before and after', cell: ({ changes }) => <Changes changes={changes} /> },
  { header: 'When', cell: ({ at }) => <Time at={at} /> },
];

export function AuditLogPage() {
  const mayRead = useCan('audit:read');
  return (
    <>
      <PageHeader
        title="Audit log"
        description="Every change in your organization: who made it, when, and what it was before and after."
      />
      {mayRead ? <AuditLog /> : <Denied permission="audit:read" what="read the audit log" />}
    </>
  );
}

function AuditLog() {
  const [action, setAction] = useState('all');
  const list = useInfiniteQuery(
    trpc.audit.list.infiniteQueryOptions(action === 'all' ? {} : { action }, {
      getNextPageParam: (page) => page.nextCursor,
      placeholderData: (previous) => previous,
    }),
  );
  return (
    <>
      <div className="mb-4 w-56">
        <Select aria-label="Action" value={action} onChange={setAction} options={ACTION_OPTIONS} />
      </div>
      <Loaded query={list} label="Loading the audit log" rows={6}>
        {({ pages }) => {
          const events = pages.flatMap((page) => page.data);
          if (events.length === 0) {
            return (
              <EmptyState icon={ScrollText} title="Nothing here">
                <p>Nobody has done this yet.</p>
              </EmptyState>
            );
          }
          return (
            <>
              <Table
                caption="Audit log, newest first"
                columns={COLUMNS}
                rows={events}
                rowKey={({ id }) => id}
              />
              <LoadMore list={list} />
            </>
          );
        }}
      </Loaded>
    </>
  );
}
