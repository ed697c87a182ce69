import { useState } from 'react';
import type { UsageSeries } from '../../trpc.ts';
import { cn } from '../../ui/cn.ts';
import { formatCount, OUTCOMES } from './outcomes.ts';
import { type Bar, barLabel, barsOf, roundedUp } from './range.ts';

const describe = (bar: Bar, interval: UsageSeries['interval']) =>
  `${barLabel(bar.at, interval)}: ${[
    `${formatCount(bar.counts.total)} requests`,
    ...OUTCOMES.filter(({ key }) => key !== 'served' && bar.counts[key] > 0).map(
      ({ key, label }) => `${formatCount(bar.counts[key])} ${label.toLowerCase()}`,
    ),
  ].join(', ')}`;

/** Requests over time, as stacked bars; the same numbers as a table for those who do not see them. */
export function Chart({ series }: { series: UsageSeries }) {
  const [pointed, setPointed] = useState<Bar | null>(null);
  const bars = barsOf(series);
  const top = roundedUp(Math.max(...bars.map(({ counts }) => counts.total)));
  const shown = bars.find(({ at }) => at === pointed?.at);
  const first = bars[0];
  const last = bars.at(-1);

  return (
    <figure>
      <p aria-hidden className="mb-3 min-h-5 text-[0.8125rem] text-ink-muted tabular-nums">
        {shown ? describe(shown, series.interval) : 'Point at a bar to read it.'}
      </p>
      <div aria-hidden className="flex gap-3">
        <div className="flex h-52 flex-col justify-between text-right text-2xs text-ink-muted tabular-nums">
          {[top, top / 2, 0].map((tick) => (
            <span key={tick} className="-my-2">
              {formatCount(tick)}
            </span>
          ))}
        </div>
        <div className="relative h-52 min-w-0 flex-1" onPointerLeave={() => setPointed(null)}>
          <div className="absolute inset-0 flex flex-col justify-between">
            {[1, 0.5, 0].map((line) => (
              <div key={line} className="h-px bg-line" />
            ))}
          </div>
          <div className="absolute inset-0 flex items-end gap-[clamp(1px,0.3vw,4px)]">
            {bars.map((bar) => (
              <div
                key={bar.at}
                onPointerEnter={() => setPointed(bar)}
                className={cn(
                  'flex h-full min-w-0 flex-1 flex-col justify-end',
                  pointed?.at === bar.at && 'bg-hover',
                )}
              >
                <StackedBar bar={bar} top={top} />
              </div>
            ))}
          </div>
        </div>
      </div>
      {first && last && (
        <div aria-hidden className="mt-2 flex justify-between pl-9 text-2xs text-ink-muted tabular-nums">
          <span>{barLabel(first.at, series.interval)}</span>
          <span>{barLabel(last.at, series.interval)}</span>
        </div>
      )}
      <figcaption className="mt-4 flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-muted">
        {OUTCOMES.map(({ key, label, color }) => (
          <span key={key} className="flex items-center gap-1.5">
            <span aria-hidden className={cn('size-2.5 rounded-xs', color)} />
            {label}
          </span>
        ))}
      </figcaption>
      <NumbersTable bars={bars} interval={series.interval} />
    </figure>
  );
}

function StackedBar({ bar, top }: { bar: Bar; top: number }) {
  return (
    <div
      className="flex min-h-px flex-col-reverse overflow-hidden rounded-t-xs"
      style={{ height: `${(bar.counts.total / top) * 100}%` }}
    >
      {OUTCOMES.map(
        ({ key, color }) =>
          bar.counts[key] > 0 && (
            <div key={key} className={color} style={{ flexGrow: bar.counts[key], flexBasis: 0 }} />
          ),
      )}
    </div>
  );
}

function NumbersTable({ bars, interval }: { bars: readonly Bar[]; interval: UsageSeries['interval'] }) {
  return (
    <details className="mt-4 text-[0.8125rem]">
      <summary className="w-fit rounded text-ink-muted hover:text-ink">Show the numbers</summary>
      <div className="mt-3 max-h-72 overflow-auto rounded-lg border border-line">
        <table className="w-full tabular-nums">
          <caption className="sr-only">Numbers of the chart</caption>
          <thead className="sticky top-0 bg-sunken text-xs text-ink-muted">
            <tr>
              {['Time', 'All', ...OUTCOMES.map(({ label }) => label)].map((header) => (
                <th key={header} scope="col" className="px-3 py-2 text-right font-medium first:text-left">
                  {header}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {bars.map(({ at, counts }) => (
              <tr key={at}>
                <th scope="row" className="px-3 py-1.5 text-left font-normal whitespace-nowrap">
                  {barLabel(at, interval)}
                </th>
                <td className="px-3 py-1.5 text-right">{formatCount(counts.total)}</td>
                {OUTCOMES.map(({ key }) => (
                  <td key={key} className="px-3 py-1.5 text-right">
                    {formatCount(counts[key])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
