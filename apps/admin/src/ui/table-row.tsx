// biome-ignore-all lint/a11y/noRedundantRoles: browsers drop the roles of a table whose `display` is not a table's
import { memo, type ReactNode, type Ref } from 'react';
import { cn } from './cn.ts';
import type { Column } from './table.tsx';

/** What a row has that is one of many. */
export type RowAttributes = {
  ref?: Ref<HTMLTableRowElement>;
  'data-index': number;
  'aria-rowindex'?: number;
};

type TableRowProps<Row, Sort extends string> = RowAttributes & {
  row: Row;
  columns: readonly Column<Row, Sort>[];
  actions: ((row: Row) => ReactNode) | undefined;
  isFirst: boolean;
  isDimmed: boolean;
};

function PlainRow<Row, Sort extends string>(props: TableRowProps<Row, Sort>) {
  const { row, columns, actions, isFirst, isDimmed, ...attributes } = props;
  return (
    <tr
      role="row"
      {...attributes}
      className={cn(
        'relative block px-4 py-3.5 transition-colors @2xl:table-row @2xl:p-0 @2xl:hover:bg-sunken',
        !isFirst && 'border-t border-line',
      )}
    >
      {columns.map((column) => (
        <Cell key={column.header} column={column} row={row} dimmed={isDimmed} />
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
  );
}

/** While a list is scrolled, what is in sight already is not drawn again with what comes. */
export const TableRow = memo(PlainRow) as typeof PlainRow;

type CellProps<Row, Sort extends string> = { column: Column<Row, Sort>; row: Row; dimmed: boolean };

function Cell<Row, Sort extends string>({ column, row, dimmed }: CellProps<Row, Sort>) {
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
