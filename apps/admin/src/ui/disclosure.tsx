import { ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';

type DisclosureProps = {
  id: string;
  open: boolean;
  onToggle: (open: boolean) => void;
  summary: ReactNode;
  children: ReactNode;
};

/** A row that opens. Its id is an anchor. */
export function Disclosure({ id, open, onToggle, summary, children }: DisclosureProps) {
  return (
    <details
      id={id}
      open={open}
      onToggle={(event) => onToggle(event.currentTarget.open)}
      className="group/disclosure scroll-mt-20 rounded-xl border border-line bg-surface shadow-raised"
    >
      <summary className="flex list-none items-center gap-3 rounded-xl px-4 py-3 text-sm font-medium hover:bg-hover [&::-webkit-details-marker]:hidden">
        <ChevronRight
          aria-hidden
          className="size-4 shrink-0 text-ink-muted transition-transform group-open/disclosure:rotate-90"
        />
        {summary}
      </summary>
      <div className="border-t border-line px-4 py-4">{children}</div>
    </details>
  );
}
