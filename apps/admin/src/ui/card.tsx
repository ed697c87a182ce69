import type { ReactNode } from 'react';

type CardProps = { title?: string; description?: ReactNode; actions?: ReactNode; children: ReactNode };

export function Card({ title, description, actions, children }: CardProps) {
  return (
    <section className="rounded-xl border border-line bg-surface p-5 shadow-raised sm:p-6">
      {title && (
        <div className="mb-4 flex flex-wrap items-start justify-between gap-3">
          <div className="min-w-0">
            <h2 className="text-[0.9375rem] font-semibold tracking-tight">{title}</h2>
            {description && <p className="mt-1 text-[0.8125rem] text-ink-muted">{description}</p>}
          </div>
          {actions}
        </div>
      )}
      {children}
    </section>
  );
}

type SectionProps = { title: string; description?: ReactNode; children: ReactNode };

/** A heading over what has a frame of its own. */
export function Section({ title, description, children }: SectionProps) {
  return (
    <section>
      <div className="mb-3">
        <h2 className="text-[0.9375rem] font-semibold tracking-tight">{title}</h2>
        {description && <p className="mt-0.5 text-[0.8125rem] text-ink-muted">{description}</p>}
      </div>
      {children}
    </section>
  );
}

type FactsProps = { rows: readonly (readonly [term: string, value: ReactNode])[] };

/** Terms and their values, one under the other. */
export function Facts({ rows }: FactsProps) {
  return (
    <dl className="divide-y divide-line text-sm">
      {rows.map(([term, value]) => (
        <div
          key={term}
          className="grid gap-x-6 gap-y-0.5 py-2.5 first:pt-0 last:pb-0 sm:grid-cols-[11rem_1fr]"
        >
          <dt className="text-ink-muted">{term}</dt>
          <dd className="min-w-0 wrap-anywhere">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
