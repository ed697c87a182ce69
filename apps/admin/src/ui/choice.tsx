import { type ReactNode, useId } from 'react';

type ChoiceProps<Value extends string> = {
  label: string;
  value: Value;
  onChange: (value: Value) => void;
  options: readonly { readonly value: Value; readonly label: string; readonly hint?: string }[];
};

/** A few options, all in sight, of which one is chosen. */
export function RadioGroup<Value extends string>({ label, value, onChange, options }: ChoiceProps<Value>) {
  const name = useId();
  return (
    <fieldset className="flex min-w-0 flex-col gap-2">
      <legend className="mb-2 text-[0.8125rem] font-medium">{label}</legend>
      {options.map((option) => (
        <label
          key={option.value}
          className="flex items-start gap-3 rounded-lg border border-line px-3.5 py-2.5 transition-colors hover:bg-hover has-checked:border-accent has-checked:bg-accent-soft/50"
        >
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={value === option.value}
            onChange={() => onChange(option.value)}
            className="mt-1 shrink-0 accent-accent"
          />
          <span>
            <span className="font-medium">{option.label}</span>
            {option.hint && <span className="block text-[0.8125rem] text-ink-muted">{option.hint}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

type CheckboxProps = {
  label: string;
  hint?: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
};

export function Checkbox({ label, hint, checked, onChange }: CheckboxProps) {
  return (
    <label className="flex items-start gap-2.5 rounded-md py-1">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
        className="mt-0.5 size-4 shrink-0 accent-accent"
      />
      <span className="min-w-0">
        <span className="block text-[0.8125rem] leading-snug">{label}</span>
        {hint && <span className="block text-xs text-ink-muted">{hint}</span>}
      </span>
    </label>
  );
}

type MatrixCheckboxProps = {
  label: string;
  title: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
};

/** In a table, whose headers say to those who see it what the label says to the others. */
export function MatrixCheckbox({ label, title, checked, onChange }: MatrixCheckboxProps) {
  return (
    <label className="inline-grid size-7 place-items-center rounded-md hover:bg-hover" title={title}>
      <span className="sr-only">{label}</span>
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
        className="size-4 accent-accent"
      />
    </label>
  );
}

/** Options that few people need, behind one click. */
export function MoreOptions({ label = 'More options', children }: { label?: string; children: ReactNode }) {
  return (
    <details className="group rounded-lg border border-line">
      <summary className="rounded-lg px-3.5 py-2.5 text-[0.8125rem] font-medium text-ink-muted hover:text-ink">
        {label}
      </summary>
      <div className="flex flex-col gap-5 border-t border-line px-3.5 py-4">{children}</div>
    </details>
  );
}
