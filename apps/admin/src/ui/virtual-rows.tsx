import { defaultRangeExtractor, useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useState } from 'react';
import type { RowAttributes } from './table-row.tsx';

const ROW_HEIGHT = 62;

type VirtualRowsProps = {
  count: number;
  keyOf: (index: number) => string;
  frame: RefObject<HTMLElement | null>;
  /** The row that has the focus, which stays wherever the page is scrolled to. */
  focused: RefObject<number | null>;
  row: (index: number, attributes: RowAttributes) => ReactNode;
  onVisible: ((first: number, last: number) => void) | undefined;
};

/** The rows in sight, and space for all the others. */
export function VirtualRows({ count, keyOf, frame, focused, row, onVisible }: VirtualRowsProps) {
  const [margin, setMargin] = useState(0);
  useLayoutEffect(() => {
    const top = frame.current?.getBoundingClientRect().top ?? 0;
    setMargin(top + window.scrollY);
  }, [frame]);
  const virtual = useWindowVirtualizer({
    count,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
    scrollMargin: margin,
    getItemKey: keyOf,
    rangeExtractor: (range) => {
      const indexes = defaultRangeExtractor(range);
      const kept = focused.current;
      if (kept === null || kept >= range.count || indexes.includes(kept)) return indexes;
      return [...indexes, kept].sort((a, b) => a - b);
    },
  });
  const items = virtual.getVirtualItems();
  const first = items[0];
  const last = items.at(-1);
  const firstIndex = first?.index ?? 0;
  const lastIndex = last?.index ?? 0;
  useEffect(() => onVisible?.(firstIndex, lastIndex), [onVisible, firstIndex, lastIndex]);
  return (
    <>
      <Spacer height={first ? first.start - margin : 0} />
      {items.map(({ index }) =>
        row(index, {
          ref: virtual.measureElement,
          'data-index': index,
          // The header is the first.
          'aria-rowindex': index + 2,
        }),
      )}
      <Spacer height={last ? virtual.getTotalSize() - (last.end - margin) : 0} />
    </>
  );
}

/** Stands for the rows that are not drawn. */
function Spacer({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden className="block @2xl:table-row">
      <td className="block p-0 @2xl:table-cell" style={{ height }} />
    </tr>
  );
}
