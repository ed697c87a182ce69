import type { ComponentProps } from 'react';
import { cn } from './cn.ts';

const control =
  'block w-full rounded-lg border border-line-strong bg-surface px-3 text-ink shadow-raised placeholder:text-ink-muted/80 hover:border-ink-muted focus-visible:outline-offset-0 focus-visible:border-accent aria-invalid:border-danger disabled:opacity-60 read-only:bg-sunken';

/** Phones zoom in on a field whose text is smaller than 16 pixels. */
const face = (mono: boolean) => (mono ? 'font-mono text-[0.8125rem]' : 'text-base sm:text-sm');

type InputProps = Omit<ComponentProps<'input'>, 'className'> & { mono?: boolean };

export function Input({ mono = false, ...props }: InputProps) {
  return <input {...props} className={cn(control, 'h-9', face(mono))} />;
}

type TextareaProps = Omit<ComponentProps<'textarea'>, 'className'> & { mono?: boolean };

export function Textarea({ mono = false, rows = 3, ...props }: TextareaProps) {
  return <textarea {...props} rows={rows} className={cn(control, 'py-2', face(mono))} />;
}
