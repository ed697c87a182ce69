import { ChevronDown } from 'lucide-react';
import { lazy, type ReactNode, Suspense, useState } from 'react';

export type SelectProps<Value extends string> = {
  value: Value;
  onChange: (value: Value) => void;
  options: readonly { readonly value: Value; readonly label: string; readonly hint?: string }[];
  id?: string;
  disabled?: boolean;
  'aria-label'?: string;
  'aria-describedby'?: string | undefined;
  'aria-invalid'?: true | undefined;
};

export const selectClass =
  'flex h-9 w-full min-w-0 items-center justify-between gap-2 rounded-lg border border-line-strong bg-surface px-3 text-left text-sm shadow-raised hover:border-ink-muted focus-visible:outline-offset-0 disabled:opacity-60 aria-invalid:border-danger';

export function SelectFace({ label }: { label: ReactNode }) {
  return (
    <>
      <span className="truncate">{label}</span>
      <ChevronDown aria-hidden className="size-4 shrink-0 text-ink-muted" />
    </>
  );
}

/** What opens on demand is loaded on demand. */
const load = () => import('./select-list.tsx');
const OpenSelect = lazy(() => load().then((m) => ({ default: m.OpenSelect })));

const OPENING_KEYS = ['ArrowDown', 'ArrowUp'];

/** One of several options, which are shown when it is opened. */
export function Select<Value extends string>(props: SelectProps<Value>) {
  const [wanted, setWanted] = useState(false);
  const { value, onChange, options, ...control } = props;
  const closed = (
    <button
      type="button"
      {...control}
      role="combobox"
      aria-haspopup="listbox"
      aria-expanded={false}
      className={selectClass}
      onClick={() => setWanted(true)}
      onPointerEnter={() => void load()}
      onFocus={() => void load()}
      onKeyDown={(event) => {
        if (!OPENING_KEYS.includes(event.key)) return;
        event.preventDefault();
        setWanted(true);
      }}
    >
      <SelectFace label={options.find((option) => option.value === value)?.label} />
    </button>
  );
  if (!wanted) return closed;
  return (
    <Suspense fallback={closed}>
      <OpenSelect {...control} value={value} onChange={(next) => onChange(next as Value)} options={options} />
    </Suspense>
  );
}
