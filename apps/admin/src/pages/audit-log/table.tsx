import { Link } from 'react-router';
import type { AuditEvent } from '../../trpc.ts';
import { type Column, Table } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';
import { keyPath } from '../api-keys/key-path.ts';
import { ACTION_TEXT } from './actions.ts';
import { Changes } from './changes.tsx';

const muted = (text: string) => <span className="block text-xs text-ink-muted">{text}</span>;
const linkClass = 'underline decoration-line-strong underline-offset-3';

const COLUMNS: readonly Column<AuditEvent>[] = [
  {
    header: 'What',
    isRowHeader: true,
    cell: ({ action, target }) => (
      <>
        {ACTION_TEXT[action] ?? action}
        {target.type !== 'session' && (
          <span className="block font-normal">
            {target.type === 'key' ? (
              <Link to={keyPath(target.id)} className={linkClass}>
                {target.name}
              </Link>
            ) : (
              target.name
            )}
          </span>
        )}
      </>
    ),
  },
  {
    header: 'Who',
    cell: ({ actor, ip }) => (
      <>
        {actor.name}
        {actor.keyId && (
          <Link to={keyPath(actor.keyId)} className={`block text-xs text-ink-muted ${linkClass}`}>
            with an API key
          </Link>
        )}
        {ip && muted(ip)}
      </>
    ),
  },
  { header: 'Before and after', cell: ({ changes }) => <Changes changes={changes} /> },
  { header: 'When', cell: ({ at }) => <Time at={at} /> },
];

type AuditTableProps = { caption: string; events: readonly AuditEvent[] };

export function AuditTable({ caption, events }: AuditTableProps) {
  return <Table caption={caption} columns={COLUMNS} rows={events} rowKey={({ id }) => id} />;
}
