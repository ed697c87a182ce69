/** Grey bars in the place of rows that are still on their way. */
export function Skeleton({ rows = 4, label = 'Loading' }: { rows?: number; label?: string }) {
  return (
    <div role="status" className="rounded-xl border border-line bg-surface px-5 py-2 shadow-raised">
      <span className="sr-only">{label}…</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the bars are all alike
        <div key={row} aria-hidden className="flex animate-pulse items-center gap-6 py-4">
          <div className="h-3.5 w-1/4 rounded bg-quiet-soft" />
          <div className="h-3.5 w-1/3 rounded bg-quiet-soft" />
          <div className="ml-auto h-3.5 w-16 rounded bg-quiet-soft" />
        </div>
      ))}
    </div>
  );
}
