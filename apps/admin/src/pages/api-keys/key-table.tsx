import { ChartColumn, Ellipsis, Info, Pencil, RotateCw } from 'lucide-react';
import { Link } from 'react-router';
import type { Key } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx';
import { Sparkline } from '../../ui/sparkline.tsx';
import { type Column, type Sorting, Table } from '../../ui/table.tsx';
import { dayOf, exactTime, Time, useNow } from '../../ui/time.tsx';
import { ExpiryBadge } from './expiry-badge.tsx';
import { keyPath } from './key-path.ts';
import { KeyStart } from './key-start.tsx';
import { LastUsed } from './last-used.tsx';
import { oldSecret } from './rotation.ts';
import { StatusBadge } from './status-badge.tsx';
import type { Sort } from './use-filter.ts';
import type { Line } from './use-sparklines.ts';

export type KeyAction = 'revoke' | 'rotate' | 'rename';

const subline = (text: React.ReactNode) => (
  <span className="block text-xs font-normal text-ink-muted">{text}</span>
);

function Rotation({ apiKey }: { apiKey: Key }) {
  const old = oldSecret(apiKey, useNow());
  if (!old) return null;
  return subline(
    <>
      Old secret <KeyStart start={old.start} small />{' '}
      {old.expiresAfterFirstUseSeconds === null ? (
        <>
          stops <Time at={old.expiresAt} />
        </>
      ) : (
        'works until the new one is used'
      )}
      , last used <Time at={old.lastUsedAt} never="never" />
    </>,
  );
}

const column = {
  name: {
    header: 'Name',
    isRowHeader: true,
    width: '@2xl:w-[24%]',
    sort: 'name',
    cell: (key) => (
      <>
        <Link
          id={`name-${key.id}`}
          to={keyPath(key.id)}
          className="rounded-sm underline decoration-transparent underline-offset-3 hover:decoration-current"
        >
          {key.name}
        </Link>
        {subline(
          <>
            <KeyStart start={key.start} small />
            {key.scopes && (
              <span title={key.scopes.join(', ')}>
                {' · '}
                {key.scopes.length === 1 ? key.scopes[0] : `${key.scopes.length} permissions`}
              </span>
            )}
          </>,
        )}
        <Rotation apiKey={key} />
      </>
    ),
  },
  created: {
    header: 'Created',
    width: '@2xl:w-28',
    sort: 'created',
    cell: (key) => (
      <time dateTime={key.createdAt} title={exactTime(key.createdAt)} className="whitespace-nowrap">
        {dayOf(key.createdAt)}
      </time>
    ),
  },
  lastUsed: {
    header: 'Last used',
    width: '@2xl:w-[20%]',
    sort: 'lastUsed',
    cell: (key) => <LastUsed of={key} />,
  },
  status: {
    header: 'Status',
    width: '@2xl:w-[15%]',
    sort: 'expires',
    cell: (key) => (
      <span className="flex flex-col items-start gap-1">
        <StatusBadge status={key.status} />
        <ExpiryBadge of={key} />
        {key.revokedAt && subline(<Time at={key.revokedAt} />)}
      </span>
    ),
  },
  owner: {
    header: 'Owner',
    width: '@2xl:w-[12%]',
    cell: (key) => (
      <span className="block truncate" title={key.createdBy.email}>
        {key.createdBy.name}
      </span>
    ),
  },
} satisfies Record<string, Column<Key, Sort>>;

const usageColumn = (line: (id: string) => Line | null | undefined): Column<Key, Sort> => ({
  header: '30 days',
  width: '@2xl:w-32',
  cell: (key) => {
    const found = line(key.id);
    if (found === undefined) return <span className="block h-6" />;
    if (found === null)
      return <span className="flex h-6 items-center text-xs text-ink-muted">No requests</span>;
    return (
      <Sparkline values={found.requests} marked={found.refused} noun="requests" markedNoun="not served" />
    );
  },
});

type KeyTableProps = {
  keys: readonly Key[];
  showOwner: boolean;
  line: ((id: string) => Line | null | undefined) | null;
  mayWrite: boolean;
  sorting: Sorting<Sort>;
  onAction: (action: KeyAction, key: Key) => void;
  onVisible: (first: number, last: number) => void;
};

export function KeyTable({ keys, showOwner, line, mayWrite, sorting, onAction, onVisible }: KeyTableProps) {
  const columns: readonly Column<Key, Sort>[] = [
    column.name,
    column.created,
    column.lastUsed,
    ...(line ? [usageColumn(line)] : []),
    column.status,
    ...(showOwner ? [column.owner] : []),
  ];
  return (
    <Table<Key, Sort>
      caption="API keys"
      columns={columns}
      rows={keys}
      rowKey={(key) => key.id}
      dimmed={(key) => key.status !== 'active'}
      sorting={sorting}
      onVisible={onVisible}
      actions={(key) => (
        <>
          {mayWrite && key.status === 'active' && (
            <Button
              variant="danger-quiet"
              size="small"
              aria-describedby={`name-${key.id}`}
              onClick={() => onAction('revoke', key)}
            >
              Revoke
            </Button>
          )}
          <RowMenu apiKey={key} mayChange={mayWrite && key.status === 'active'} onAction={onAction} />
        </>
      )}
    />
  );
}

type RowMenuProps = { apiKey: Key; mayChange: boolean; onAction: KeyTableProps['onAction'] };

function RowMenu({ apiKey, mayChange, onAction }: RowMenuProps) {
  return (
    <Menu
      trigger={
        <Button variant="ghost" size="icon" aria-label={`More actions for ${apiKey.name}`}>
          <Ellipsis aria-hidden className="size-4" />
        </Button>
      }
    >
      <MenuItem asChild>
        <Link to={keyPath(apiKey.id)}>
          <Info aria-hidden />
          Details
        </Link>
      </MenuItem>
      <MenuItem asChild>
        <Link to={`/usage?key=${encodeURIComponent(apiKey.id)}`}>
          <ChartColumn aria-hidden />
          Usage
        </Link>
      </MenuItem>
      {mayChange && (
        <>
          <MenuItem icon={<Pencil aria-hidden />} onSelect={() => onAction('rename', apiKey)}>
            Rename
          </MenuItem>
          <MenuItem icon={<RotateCw aria-hidden />} onSelect={() => onAction('rotate', apiKey)}>
            Rotate
          </MenuItem>
          <MenuSeparator />
          <MenuItem danger onSelect={() => onAction('revoke', apiKey)}>
            Revoke
          </MenuItem>
        </>
      )}
    </Menu>
  );
}
