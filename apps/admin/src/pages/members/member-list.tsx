import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { Loaded, LoadMore } from '../../loaded.tsx';
import { ROLE_TEXT } from '../../permissions.ts';
import { useUser } from '../../session.tsx';
import { type Member, trpc } from '../../trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';
import { Tooltip } from '../../ui/tooltip.tsx';
import { limitText } from '../limits/limit-draft.ts';

export type MemberAction = 'role' | 'limits' | 'status';

const COLUMNS: readonly Column<Member>[] = [
  {
    header: 'Name',
    isRowHeader: true,
    cell: ({ id, name, email, limits }) => (
      <>
        <span id={`name-${id}`}>{name}</span>
        <span className="block text-xs font-normal text-ink-muted">{email}</span>
        {limits.map((limit) => (
          <span key={limit.name} className="block text-xs font-normal text-ink-muted">
            {limit.name}: {limitText(limit)}
          </span>
        ))}
      </>
    ),
  },
  { header: 'Role', cell: ({ role }) => ROLE_TEXT[role].label },
  {
    header: 'Status',
    cell: ({ status }) => (
      <Badge tone={status === 'active' ? 'good' : 'quiet'} dot>
        {status === 'active' ? 'Active' : 'Deactivated'}
      </Badge>
    ),
  },
  { header: 'Last signed in', cell: ({ lastSignedInAt }) => <Time at={lastSignedInAt} /> },
  {
    header: 'Active keys',
    align: 'end',
    cell: ({ id, activeKeys }) => (
      <Tooltip text="Show these keys">
        <Link
          to={`/settings/api-keys?status=active&owner=${encodeURIComponent(id)}`}
          className="text-accent-ink underline decoration-line-strong underline-offset-3"
        >
          {activeKeys}
        </Link>
      </Tooltip>
    ),
  },
];

type MemberListProps = { mayWrite: boolean; onAction: (action: MemberAction, member: Member) => void };

export function MemberList({ mayWrite, onAction }: MemberListProps) {
  const user = useUser();
  const list = useInfiniteQuery(
    trpc.members.list.infiniteQueryOptions({}, { getNextPageParam: (page) => page.nextCursor }),
  );
  const actions = (member: Member) => (
    <>
      <Button size="small" aria-describedby={`name-${member.id}`} onClick={() => onAction('role', member)}>
        Change role
      </Button>
      <Button size="small" aria-describedby={`name-${member.id}`} onClick={() => onAction('limits', member)}>
        Limits
      </Button>
      {member.id !== user.id && (
        <Button
          size="small"
          variant={member.status === 'active' ? 'danger-quiet' : 'secondary'}
          aria-describedby={`name-${member.id}`}
          onClick={() => onAction('status', member)}
        >
          {member.status === 'active' ? 'Deactivate' : 'Reactivate'}
        </Button>
      )}
    </>
  );
  return (
    <Loaded query={list} label="Loading members">
      {({ pages }) => (
        <>
          <Table
            caption="Members"
            columns={COLUMNS}
            rows={pages.flatMap((page) => page.data)}
            rowKey={({ id }) => id}
            dimmed={({ status }) => status !== 'active'}
            actions={mayWrite ? actions : undefined}
          />
          <LoadMore list={list} />
        </>
      )}
    </Loaded>
  );
}
