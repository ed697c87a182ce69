import { ChartColumn } from 'lucide-react';
import type { UsageCounts } from '../../trpc.ts';
import { EmptyState } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { formatCount, OUTCOMES } from './outcomes.ts';

type Row = { keyId: string; name: string; counts: UsageCounts };

const COLUMNS: readonly Column<Row>[] = [
  { header: 'Key', isRowHeader: true, cell: ({ name }) => name },
  { header: 'All', align: 'end', cell: ({ counts }) => formatCount(counts.total) },
  ...OUTCOMES.map(({ key, label }) => ({
    header: label,
    align: 'end' as const,
    cell: ({ counts }: Row) => formatCount(counts[key]),
  })),
];

export function KeyUsageTable({ rows }: { rows: readonly Row[] }) {
  if (rows.length === 0) {
    return (
      <EmptyState icon={ChartColumn} title="No requests in this time">
        <p>Call the API with a key, and its requests show up here within seconds.</p>
      </EmptyState>
    );
  }
  return <Table caption="Requests per key" columns={COLUMNS} rows={rows} rowKey={({ keyId }) => keyId} />;
}
