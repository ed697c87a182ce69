import { cva, type VariantProps } from 'class-variance-authority';
import { LoaderCircle } from 'lucide-react';
import { Slot } from 'radix-ui';
import type { ComponentProps } from 'react';

const button = cva(
  'relative inline-flex shrink-0 items-center justify-center gap-2 whitespace-nowrap rounded-lg font-medium transition-colors select-none disabled:cursor-not-allowed disabled:opacity-55',
  {
    variants: {
      variant: {
        primary: 'bg-accent text-on-accent shadow-raised enabled:hover:bg-accent-hover',
        secondary: 'border border-line bg-surface text-ink shadow-raised hover:bg-hover',
        ghost: 'text-ink-muted hover:bg-hover hover:text-ink data-[state=open]:bg-hover',
        danger: 'bg-danger text-on-danger shadow-raised enabled:hover:bg-danger-hover',
        'danger-quiet': 'border border-line bg-surface text-danger-ink shadow-raised hover:bg-danger-soft',
      },
      size: {
        small: 'h-8 px-2.5 text-[0.8125rem]',
        medium: 'h-9 px-3.5 text-sm',
        large: 'h-11 px-4 text-sm',
        icon: 'size-8',
      },
      wide: { true: 'w-full' },
    },
    defaultVariants: { variant: 'secondary', size: 'medium' },
  },
);

type ButtonProps = Omit<ComponentProps<'button'>, 'className'> &
  VariantProps<typeof button> & {
    /** Shows that the action is under way, and refuses a second one. */
    busy?: boolean;
    /** The child, usually a link, looks like a button. */
    asChild?: boolean;
  };

export function Button({
  variant,
  size,
  wide,
  busy = false,
  asChild,
  disabled,
  children,
  ...props
}: ButtonProps) {
  if (asChild) {
    return (
      <Slot.Root {...props} className={button({ variant, size, wide })}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button
      type="button"
      {...props}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={button({ variant, size, wide })}
    >
      {busy && <LoaderCircle aria-hidden className="size-4 animate-spin" />}
      {children}
    </button>
  );
}
