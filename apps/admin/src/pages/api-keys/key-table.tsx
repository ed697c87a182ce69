import { ChartColumn, Ellipsis, Info, Pencil, RotateCw } from 'lucide-react';
import { Link } from 'react-router';
import type { Key } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { dayOf, exactTime, Time, useNow } from '../../ui/time.tsx';
import { KeyStart } from './key-start.tsx';
import { oldSecret } from './rotation.ts';
import { StatusBadge } from './status-badge.tsx';

export type KeyAction = 'revoke' | 'rotate' | 'rename' | 'details';

const subline = (text: React.ReactNode) => <span className="block text-xs text-ink-muted">{text}</span>;

function Secret({ apiKey }: { apiKey: Key }) {
  const old = oldSecret(apiKey, useNow());
  return (
    <>
      <KeyStart start={apiKey.start} />
      {old && (
        <span className="mt-1 block text-xs text-ink-muted @2xl:max-w-44">
          Old secret <KeyStart start={old.start} /> stops <Time at={old.expiresAt} />, last used{' '}
          <Time at={old.lastUsedAt} never="never" />
        </span>
      )}
    </>
  );
}

function Expires({ at }: { at: string }) {
  return (
    <span className="whitespace-nowrap">
      Expires <Time at={at} />
    </span>
  );
}

const column = {
  name: {
    header: 'Name',
    isRowHeader: true,
    cell: (key) => (
      <>
        <span id={`name-${key.id}`}>{key.name}</span>
        {key.scopes && <span className="font-normal">{subline(`Only ${key.scopes.join(', ')}`)}</span>}
      </>
    ),
  },
  key: { header: 'Key', cell: (key) => <Secret apiKey={key} /> },
  created: {
    header: 'Created',
    cell: (key) => (
      <time dateTime={key.createdAt} title={exactTime(key.createdAt)} className="whitespace-nowrap">
        {dayOf(key.createdAt)}
      </time>
    ),
  },
  lastUsed: { header: 'Last used', cell: (key) => <Time at={key.lastUsedAt} /> },
  status: {
    header: 'Status',
    cell: (key) => (
      <>
        <StatusBadge status={key.status} />
        {key.status === 'active' && key.expiresAt && subline(<Expires at={key.expiresAt} />)}
        {key.revokedAt && subline(<Time at={key.revokedAt} />)}
      </>
    ),
  },
  owner: { header: 'Owner', cell: (key) => <span className="whitespace-nowrap">{key.createdBy.name}</span> },
} satisfies Record<string, Column<Key>>;

const OWN = [column.name, column.key, column.created, column.lastUsed, column.status];
const EVERYONES = [...OWN, column.owner];

type KeyTableProps = {
  keys: readonly Key[];
  showOwner: boolean;
  mayWrite: boolean;
  onAction: (action: KeyAction, key: Key) => void;
};

export function KeyTable({ keys, showOwner, mayWrite, onAction }: KeyTableProps) {
  return (
    <Table
      caption="API keys"
      columns={showOwner ? EVERYONES : OWN}
      rows={keys}
      rowKey={(key) => key.id}
      dimmed={(key) => key.status !== 'active'}
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
      <MenuItem icon={<Info aria-hidden />} onSelect={() => onAction('details', apiKey)}>
        Details
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
