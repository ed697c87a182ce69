import { type ComponentProps, useId } from 'react';
import { cn } from './cn.ts';

const control =
  'block w-full rounded-lg border border-line-strong bg-surface px-3 text-ink shadow-raised placeholder:text-ink-muted/80 hover:border-ink-muted focus-visible:outline-offset-0 focus-visible:border-accent aria-invalid:border-danger disabled:opacity-60 read-only:bg-sunken';

/** Phones zoom in on a field whose text is smaller than 16 pixels. */
const face = (mono: boolean) => (mono ? 'font-mono text-[0.8125rem]' : 'text-base sm:text-sm');

type InputProps = Omit<ComponentProps<'input'>, 'className'> & {
  mono?: boolean;
  /** Leaves room for one at its beginning. */
  hasIcon?: boolean;
};

export function Input({ mono = false, hasIcon = false, ...props }: InputProps) {
  return <input {...props} className={cn(control, 'h-9', hasIcon && 'pl-9', face(mono))} />;
}

type DateInputProps = {
  label: string;
  value: string;
  min?: string;
  max?: string;
  onChange: (day: string) => void;
};

/** A day, in a row of filters. */
export function DateInput({ label, value, min, max, onChange }: DateInputProps) {
  const id = useId();
  return (
    <div className="flex items-center gap-2">
      <label htmlFor={id} className="text-[0.8125rem] text-ink-muted">
        {label}
      </label>
      <div className="w-38">
        <Input
          id={id}
          type="date"
          value={value}
          min={min}
          max={max}
          onChange={(event) => onChange(event.target.value)}
        />
      </div>
    </div>
  );
}

type TextareaProps = Omit<ComponentProps<'textarea'>, 'className'> & { mono?: boolean };

export function Textarea({ mono = false, rows = 3, ...props }: TextareaProps) {
  return <textarea {...props} rows={rows} className={cn(control, 'py-2', face(mono))} />;
}
