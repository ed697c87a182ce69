import { scaleBand, scaleLinear } from '@visx/scale';
import { BarStack } from '@visx/shape';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { cn } from './cn.ts';

export type ChartSeries<Key extends string> = {
  readonly key: Key;
  readonly label: string;
  /** Colours of `tokens.css`: of the bars, and of the legend. */
  readonly fill: string;
  readonly color: string;
};
export type ChartBar<Key extends string> = {
  readonly at: number;
  readonly counts: Readonly<Record<Key, number>>;
};

type BarChartProps<Key extends string> = {
  /** What it shows, for those who do not see it. */
  label: string;
  bars: readonly ChartBar<Key>[];
  /** From the bottom of a bar to its top. */
  series: readonly ChartSeries<Key>[];
  formatAt: (at: number) => string;
  formatCount: (count: number) => string;
  /** A bar in words. */
  describe: (bar: ChartBar<Key>) => string;
  /** Stands beside the legend. */
  note?: ReactNode;
};

const HEIGHT = 220;
const LEFT = 44;
const BOTTOM = 22;
const TICKS = 4;

const useWidth = () => {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const { current } = element;
    if (!current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return { element, width };
};

/** Stacked bars over time. Left and right arrows read them one by one; the same numbers stand in a table below. */
export function BarChart<Key extends string>(props: BarChartProps<Key>) {
  const { label, bars, series, formatAt, formatCount, describe, note } = props;
  const { element, width } = useWidth();
  const [pointed, setPointed] = useState<number | null>(null);
  const shown = pointed === null ? undefined : bars[pointed];
  const move = (by: number) =>
    setPointed((index) =>
      Math.min(Math.max((index ?? (by > 0 ? -1 : bars.length)) + by, 0), bars.length - 1),
    );

  return (
    <figure>
      <p role="status" className="mb-2 min-h-5 text-[0.8125rem] text-ink-muted tabular-nums">
        {shown ? describe(shown) : 'Point at a bar to read it.'}
      </p>
      <div
        ref={element}
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={Math.max(bars.length - 1, 0)}
        aria-valuenow={pointed ?? Math.max(bars.length - 1, 0)}
        aria-valuetext={shown ? describe(shown) : 'Use the arrow keys to read the bars'}
        className="rounded-md"
        style={{ height: HEIGHT }}
        onPointerLeave={() => setPointed(null)}
        onBlur={() => setPointed(null)}
        onKeyDown={({ key }) => {
          if (key === 'ArrowRight') move(1);
          if (key === 'ArrowLeft') move(-1);
        }}
      >
        {width > 0 && (
          <Bars
            width={width}
            bars={bars}
            series={series}
            pointed={pointed}
            onPoint={setPointed}
            formatAt={formatAt}
            formatCount={formatCount}
          />
        )}
      </div>
      <figcaption className="mt-3 flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-muted">
        {series.map((one) => (
          <span key={one.key} className="flex items-center gap-1.5">
            <span aria-hidden className={cn('size-2.5 rounded-xs', one.color)} />
            {one.label}
          </span>
        ))}
        {note && <span className="ml-auto">{note}</span>}
      </figcaption>
    </figure>
  );
}

type BarsProps<Key extends string> = Pick<
  BarChartProps<Key>,
  'bars' | 'series' | 'formatAt' | 'formatCount'
> & {
  width: number;
  pointed: number | null;
  onPoint: (index: number) => void;
};

function Bars<Key extends string>({
  width,
  bars,
  series,
  pointed,
  onPoint,
  formatAt,
  formatCount,
}: BarsProps<Key>) {
  const keys = series.map(({ key }) => key);
  const totals = bars.map(({ counts }) => keys.reduce((sum, key) => sum + counts[key], 0));
  const x = scaleBand<number>({
    domain: bars.map(({ at }) => at),
    range: [LEFT, width],
    paddingInner: bars.length > 100 ? 0.05 : 0.2,
  });
  const y = scaleLinear<number>({
    domain: [0, Math.max(...totals, TICKS)],
    range: [HEIGHT - BOTTOM, 8],
    nice: TICKS,
  });
  const labels = Math.max(2, Math.floor((width - LEFT) / 110));
  const every = Math.max(1, Math.ceil(bars.length / labels));
  const fills = new Map(series.map(({ key, fill }) => [key, fill]));
  return (
    <svg aria-hidden width={width} height={HEIGHT} className="block">
      {y.ticks(TICKS).map((tick) => (
        <g key={tick}>
          <line x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} className="stroke-line" />
          <text
            x={LEFT - 8}
            y={y(tick)}
            dy="0.32em"
            textAnchor="end"
            className="fill-ink-muted text-2xs tabular-nums"
          >
            {formatCount(tick)}
          </text>
        </g>
      ))}
      {pointed !== null && bars[pointed] && (
        <rect
          x={(x(bars[pointed].at) ?? 0) - 1}
          y={8}
          width={x.bandwidth() + 2}
          height={HEIGHT - BOTTOM - 8}
          className="fill-hover"
        />
      )}
      <BarStack
        data={bars.map(({ at, counts }) => ({ ...counts, at }) as Record<Key, number> & { at: number })}
        keys={keys}
        x={({ at }) => at}
        xScale={x}
        yScale={y}
        color={(key) => key}
      >
        {(stacks) =>
          stacks.map((stack) =>
            stack.bars
              .filter(({ height }) => height > 0)
              .map((bar) => (
                <rect
                  key={`${stack.key} ${bar.index}`}
                  x={bar.x}
                  y={bar.y}
                  width={bar.width}
                  height={bar.height}
                  className={fills.get(stack.key)}
                />
              )),
          )
        }
      </BarStack>
      {bars.map(
        ({ at }, index) =>
          index % every === 0 && (
            <text
              key={at}
              x={index > bars.length - every / 2 - 1 ? width : (x(at) ?? 0) + x.bandwidth() / 2}
              y={HEIGHT - 5}
              textAnchor={index === 0 ? 'start' : index > bars.length - every / 2 - 1 ? 'end' : 'middle'}
              className="fill-ink-muted text-2xs tabular-nums"
            >
              {formatAt(at)}
            </text>
          ),
      )}
      {bars.map(({ at }, index) => (
        <rect
          key={at}
          x={x(at)}
          y={0}
          width={x.step()}
          height={HEIGHT - BOTTOM}
          className="fill-transparent"
          onPointerEnter={() => onPoint(index)}
        />
      ))}
    </svg>
  );
}
