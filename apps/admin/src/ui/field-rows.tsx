import { type ReactNode, useId } from 'react';

type FieldRowsProps = {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  /** The button that adds a row; nothing where there can be no more. */
  add: ReactNode;
  /** `FieldRow`s. */
  children: ReactNode;
};

/** A list that is typed, one entry in a row. */
export function FieldRows({ label, hint, error, add, children }: FieldRowsProps) {
  const id = useId();
  const describedBy = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <fieldset className="flex min-w-0 flex-col gap-2.5" aria-describedby={describedBy || undefined}>
      <legend className="mb-2 text-[0.8125rem] font-medium">{label}</legend>
      {children}
      {error && (
        <p id={`${id}-error`} role="alert" className="text-[0.8125rem] text-danger-ink">
          {error}
        </p>
      )}
      {add && <div>{add}</div>}
      {hint && (
        <p id={`${id}-hint`} className="text-[0.8125rem] text-ink-muted">
          {hint}
        </p>
      )}
    </fieldset>
  );
}

type FieldRowProps = {
  /** For those who do not see the row. */
  label: string;
  error?: string | undefined;
  /** The button that takes it away. */
  remove: ReactNode;
  /** Three controls. */
  children: ReactNode;
};

export function FieldRow({ label, error, remove, children }: FieldRowProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset has a look and a layout of its own
    <div role="group" aria-label={label}>
      <div className="flex items-start gap-1.5">
        <div className="grid min-w-0 flex-1 grid-cols-2 gap-1.5 max-sm:[&>*:last-child]:col-span-2 sm:grid-cols-[1fr_6rem_9.5rem]">
          {children}
        </div>
        <div className="pt-0.5">{remove}</div>
      </div>
      {error && (
        <p role="alert" className="mt-1 text-[0.8125rem] text-danger-ink">
          {error}
        </p>
      )}
    </div>
  );
}
