import type { UsageCounts } from '../../trpc.ts';
import { cn } from '../../ui/cn.ts';
import { formatCount, OUTCOMES } from './outcomes.ts';

/** The sum of the range, and how much of it ended how. */
export function Totals({ totals }: { totals: UsageCounts }) {
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-xl border border-line bg-line shadow-raised sm:grid-cols-3 xl:grid-cols-6">
      <Total label="Requests" count={totals.total} />
      {OUTCOMES.map(({ key, label, hint, color }) => (
        <Total key={key} label={label} hint={hint} color={color} count={totals[key]} />
      ))}
    </dl>
  );
}

type TotalProps = { label: string; hint?: string; color?: string; count: number };

function Total({ label, hint, color, count }: TotalProps) {
  return (
    <div className="bg-surface px-4 py-4">
      <dt className="flex items-center gap-1.5 text-xs text-ink-muted">
        {color && <span aria-hidden className={cn('size-2 rounded-xs', color)} />}
        {label}
        {hint && <span className="ml-auto">{hint}</span>}
      </dt>
      <dd className="mt-1.5 text-xl font-semibold tracking-tight tabular-nums">{formatCount(count)}</dd>
    </div>
  );
}
