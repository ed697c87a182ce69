// biome-ignore-all lint/a11y/noRedundantRoles: browsers drop the roles of a table whose `display` is not a table's
import type { ReactNode } from 'react';
import { cn } from './cn.ts';

export type Column<Row> = {
  readonly header: string;
  /** The row's name: read out with every cell, and the title of the card on a small screen. */
  readonly isRowHeader?: boolean;
  readonly align?: 'end';
  readonly cell: (row: Row) => ReactNode;
};

type TableProps<Row> = {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Buttons at the end of a row. */
  actions?: ((row: Row) => ReactNode) | undefined;
  /** Rows that are over and done with. */
  dimmed?: (row: Row) => boolean;
};

/**
 * A table; on a small screen each row is a card. The roles are spelled out because browsers drop a table's
 * meaning when its `display` changes.
 */
export function Table<Row>({ caption, columns, rows, rowKey, actions, dimmed }: TableProps<Row>) {
  return (
    <div className="@container rounded-xl border border-line bg-surface shadow-raised">
      <table role="table" className="block w-full text-sm @2xl:table">
        <caption className="sr-only">{caption}</caption>
        <thead role="rowgroup" className="sr-only @2xl:not-sr-only @2xl:table-header-group">
          <tr role="row" className="@2xl:border-b @2xl:border-line">
            {columns.map((column) => (
              <th
                key={column.header}
                role="columnheader"
                scope="col"
                className={cn(
                  'px-3 py-2.5 text-xs font-medium text-ink-muted first:pl-5 last:pr-5',
                  column.align === 'end' ? 'text-right' : 'text-left',
                )}
              >
                {column.header}
              </th>
            ))}
            {actions && (
              <th role="columnheader" scope="col" className="pr-5">
                <span className="sr-only">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody role="rowgroup" className="block divide-y divide-line @2xl:table-row-group">
          {rows.map((row) => (
            <tr
              key={rowKey(row)}
              role="row"
              className="relative block px-4 py-3.5 transition-colors @2xl:table-row @2xl:p-0 @2xl:hover:bg-sunken"
            >
              {columns.map((column) => (
                <Cell key={column.header} column={column} row={row} dimmed={dimmed?.(row) ?? false} />
              ))}
              {actions && (
                <td
                  role="cell"
                  className="block pt-2 @2xl:table-cell @2xl:w-px @2xl:py-2 @2xl:pr-4 @2xl:pl-2 @2xl:whitespace-nowrap"
                >
                  <div className="flex items-center gap-1.5 @2xl:justify-end">{actions(row)}</div>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell<Row>({ column, row, dimmed }: { column: Column<Row>; row: Row; dimmed: boolean }) {
  const look = cn(
    '@2xl:px-3 @2xl:py-3 @2xl:align-middle @2xl:first:pl-5 @2xl:last:pr-5',
    dimmed && 'text-ink-muted',
  );
  if (column.isRowHeader) {
    return (
      <th
        role="rowheader"
        scope="row"
        className={cn('block pb-1.5 text-left font-medium wrap-anywhere @2xl:table-cell', look)}
      >
        {column.cell(row)}
      </th>
    );
  }
  return (
    <td
      role="cell"
      data-label={column.header}
      className={cn(
        'grid grid-cols-[7rem_1fr] gap-3 py-1 before:text-[0.8125rem] before:text-ink-muted before:content-[attr(data-label)] @2xl:table-cell @2xl:before:content-none',
        column.align === 'end' && '@2xl:text-right @2xl:tabular-nums',
        look,
      )}
    >
      <div className="min-w-0 wrap-anywhere">{column.cell(row)}</div>
    </td>
  );
}
