// biome-ignore-all lint/a11y/noRedundantRoles: browsers drop the roles of a table whose `display` is not a table's
import { ArrowDown, ArrowUp, ChevronsUpDown } from 'lucide-react';
import { lazy, type ReactNode, Suspense, useEffect, useRef } from 'react';
import { cn } from './cn.ts';
import { type RowAttributes, TableRow } from './table-row.tsx';

export type Column<Row, Sort extends string = never> = {
  readonly header: string;
  /** The row's name: read out with every cell, and the title of the card on a small screen. */
  readonly isRowHeader?: boolean;
  readonly align?: 'end';
  /** A width class for wide screens, e.g. `@4xl:w-40`; where any column has one, the layout is fixed. */
  readonly width?: string;
  /** What the header's button sorts by. */
  readonly sort?: Sort;
  readonly cell: (row: Row) => ReactNode;
};

export type Sorting<Sort extends string> = {
  readonly by: Sort;
  readonly order: 'asc' | 'desc';
  readonly onSort: (by: Sort) => void;
};

type TableProps<Row, Sort extends string> = {
  caption: string;
  columns: readonly Column<Row, Sort>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Buttons at the end of a row. */
  actions?: ((row: Row) => ReactNode) | undefined;
  /** Rows that are over and done with. */
  dimmed?: (row: Row) => boolean;
  sorting?: Sorting<Sort>;
  /** Told which rows are in sight, from the first to the last. */
  onVisible?: (first: number, last: number) => void;
};

/** From so many rows on only those in sight are drawn. */
const VIRTUAL_FROM = 60;
const VirtualRows = lazy(() => import('./virtual-rows.tsx').then((m) => ({ default: m.VirtualRows })));

/**
 * A table; on a small screen each row is a card. The roles are spelled out because browsers drop a table's
 * meaning when its `display` changes. A long one draws the rows in sight alone, and keeps the one with the focus.
 */
export function Table<Row, Sort extends string = never>(props: TableProps<Row, Sort>) {
  const { caption, columns, rows, rowKey, actions, dimmed, sorting, onVisible } = props;
  const isVirtual = rows.length > VIRTUAL_FROM;
  const frame = useRef<HTMLDivElement>(null);
  const focused = useRef<number | null>(null);
  const lastRow = rows.length - 1;
  useEffect(() => {
    if (!isVirtual && lastRow >= 0) onVisible?.(0, lastRow);
  }, [isVirtual, lastRow, onVisible]);

  const drawn = (index: number, attributes: RowAttributes = { 'data-index': index }) => {
    const row = rows[index];
    if (row === undefined) return null;
    return (
      <TableRow<Row, Sort>
        key={rowKey(row)}
        row={row}
        columns={columns}
        actions={actions}
        isFirst={index === 0}
        isDimmed={dimmed?.(row) ?? false}
        {...attributes}
      />
    );
  };

  const isFixed = columns.some(({ width }) => width);
  return (
    <div ref={frame} className="@container rounded-xl border border-line bg-surface shadow-raised">
      <table
        role="table"
        aria-rowcount={isVirtual ? rows.length + 1 : undefined}
        className={cn('block w-full text-sm @2xl:table', isFixed && '@2xl:table-fixed')}
      >
        <caption className="sr-only">{caption}</caption>
        <thead role="rowgroup" className="sr-only @2xl:not-sr-only @2xl:table-header-group">
          <tr role="row" className="@2xl:border-b @2xl:border-line">
            {columns.map((column) => (
              <Header key={column.header} column={column} sorting={sorting} />
            ))}
            {actions && (
              <th role="columnheader" scope="col" className={cn('pr-5', isFixed && '@2xl:w-34')}>
                <span className="sr-only">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody
          role="rowgroup"
          className="block @2xl:table-row-group"
          onFocus={(event) => {
            const index = event.target.closest('tr')?.dataset.index;
            focused.current = index === undefined ? null : Number(index);
          }}
          onBlur={() => {
            focused.current = null;
          }}
        >
          {isVirtual ? (
            <Suspense fallback={rows.slice(0, VIRTUAL_FROM).map((_, index) => drawn(index))}>
              <VirtualRows
                count={rows.length}
                keyOf={(index) => {
                  const row = rows[index];
                  return row === undefined ? String(index) : rowKey(row);
                }}
                frame={frame}
                focused={focused}
                row={drawn}
                onVisible={onVisible}
              />
            </Suspense>
          ) : (
            rows.map((_, index) => drawn(index))
          )}
        </tbody>
      </table>
    </div>
  );
}

const ARIA_ORDER = { asc: 'ascending', desc: 'descending' } as const;

type HeaderProps<Row, Sort extends string> = {
  column: Column<Row, Sort>;
  sorting: Sorting<Sort> | undefined;
};

function Header<Row, Sort extends string>({ column, sorting }: HeaderProps<Row, Sort>) {
  const { sort } = column;
  const sorted = sort !== undefined && sorting?.by === sort ? sorting.order : null;
  const Icon = sorted === null ? ChevronsUpDown : { asc: ArrowUp, desc: ArrowDown }[sorted];
  return (
    <th
      role="columnheader"
      scope="col"
      aria-sort={sorted ? ARIA_ORDER[sorted] : undefined}
      className={cn(
        'px-3 py-2.5 text-xs font-medium text-ink-muted first:pl-5 last:pr-5',
        column.align === 'end' ? 'text-right' : 'text-left',
        column.width,
      )}
    >
      {sort !== undefined && sorting ? (
        <button
          type="button"
          onClick={() => sorting.onSort(sort)}
          className={cn(
            '-mx-1.5 -my-1 inline-flex items-center gap-1 rounded-md px-1.5 py-1 transition-colors hover:bg-hover hover:text-ink',
            sorted && 'text-ink',
          )}
        >
          {column.header}
          <Icon aria-hidden className={cn('size-3', !sorted && 'opacity-60')} />
        </button>
      ) : (
        column.header
      )}
    </th>
  );
}
