import { cva, type VariantProps } from 'class-variance-authority';
import type { ReactNode } from 'react';

const badge = cva(
  'inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap',
  {
    variants: {
      tone: {
        good: 'bg-good-soft text-good-ink',
        warn: 'bg-warn-soft text-warn-ink',
        danger: 'bg-danger-soft text-danger-ink',
        accent: 'bg-accent-soft text-accent-ink',
        quiet: 'bg-quiet-soft text-ink-muted',
      },
    },
    defaultVariants: { tone: 'quiet' },
  },
);

type BadgeProps = VariantProps<typeof badge> & { dot?: boolean; children: ReactNode };

export function Badge({ tone, dot = false, children }: BadgeProps) {
  return (
    <span className={badge({ tone })}>
      {dot && <span aria-hidden className="size-1.5 rounded-full bg-current" />}
      {children}
    </span>
  );
}
