import { ChartColumn } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'react-router';
import type { UsageCounts } from '../../trpc.ts';
import { EmptyState } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { keyPath } from '../api-keys/key-path.ts';
import { formatCount, OUTCOMES, refused } from './outcomes.ts';

type Row = { keyId: string; name: string; counts: UsageCounts };
type Sort = 'all' | 'refused' | 'name';

const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

const COLUMNS: readonly Column<Row, Sort>[] = [
  {
    header: 'Key',
    isRowHeader: true,
    sort: 'name',
    cell: ({ keyId, name }) => (
      <Link to={keyPath(keyId)} className="underline decoration-line-strong underline-offset-3">
        {name}
      </Link>
    ),
  },
  { header: 'All', align: 'end', sort: 'all', cell: ({ counts }) => formatCount(counts.total) },
  ...OUTCOMES.map(({ key, label }) => ({
    header: label,
    align: 'end' as const,
    cell: ({ counts }: Row) => formatCount(counts[key]),
  })),
  {
    header: 'Refused',
    align: 'end',
    sort: 'refused',
    cell: ({ counts }) => percent.format(counts.total > 0 ? refused(counts) / counts.total : 0),
  },
];

const COMPARE: Readonly<Record<Sort, (a: Row, b: Row) => number>> = {
  name: (a, b) => a.name.localeCompare(b.name),
  all: (a, b) => b.counts.total - a.counts.total,
  refused: (a, b) => refused(b.counts) - refused(a.counts),
};

export function KeyUsageTable({ rows }: { rows: readonly Row[] }) {
  const [by, setBy] = useState<Sort>('all');
  if (rows.length === 0) {
    return (
      <EmptyState icon={ChartColumn} title="No requests in this time">
        <p>Call the API with a key, and its requests show up here within seconds.</p>
      </EmptyState>
    );
  }
  return (
    <Table<Row, Sort>
      caption="Requests per key"
      columns={COLUMNS}
      rows={rows.toSorted(COMPARE[by])}
      rowKey={({ keyId }) => keyId}
      sorting={{ by, order: by === 'name' ? 'asc' : 'desc', onSort: setBy }}
    />
  );
}
