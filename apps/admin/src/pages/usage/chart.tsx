import { lazy, Suspense } from 'react';
import type { UsageSeries } from '../../trpc.ts';
import type { ChartBar } from '../../ui/bar-chart.tsx';
import { timeZone } from '../../ui/time.tsx';
import { formatCount, OUTCOMES, type Outcome } from './outcomes.ts';
import { barLabel, barsOf } from './range.ts';

/** The library for it is loaded beside the page, not before it. */
const BarChart = lazy(() => import('../../ui/bar-chart.tsx').then((m) => ({ default: m.BarChart<Outcome> })));

const describe = (interval: UsageSeries['interval']) => (bar: ChartBar<Outcome>) => {
  const all = OUTCOMES.reduce((sum, { key }) => sum + bar.counts[key], 0);
  return `${barLabel(bar.at, interval)}: ${[
    `${formatCount(all)} ${all === 1 ? 'request' : 'requests'}`,
    ...OUTCOMES.filter(({ key }) => key !== 'served' && bar.counts[key] > 0).map(
      ({ key, label }) => `${formatCount(bar.counts[key])} ${label.toLowerCase()}`,
    ),
  ].join(', ')}`;
};

/** Requests over time by outcome, and the same numbers as a table. */
export function UsageChart({ series }: { series: UsageSeries }) {
  const bars = barsOf(series);
  return (
    <>
      <Suspense fallback={<div className="h-75" />}>
        <BarChart
          label="Requests over time, by outcome"
          bars={bars}
          series={OUTCOMES}
          formatAt={(at) => barLabel(at, series.interval)}
          formatCount={formatCount}
          describe={describe(series.interval)}
          note={series.interval === 'day' ? 'Days of UTC' : `Times of ${timeZone}`}
        />
      </Suspense>
      <NumbersTable series={series} bars={bars} />
    </>
  );
}

function NumbersTable({ series, bars }: { series: UsageSeries; bars: ReturnType<typeof barsOf> }) {
  return (
    <details className="mt-4 text-[0.8125rem]">
      <summary className="w-fit rounded text-ink-muted hover:text-ink">Show the numbers</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div tabIndex={0} className="mt-3 max-h-72 overflow-auto rounded-lg border border-line">
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
                  {barLabel(at, series.interval)}
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
