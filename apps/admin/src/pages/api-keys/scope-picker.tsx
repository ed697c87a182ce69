import { PERMISSION_TEXT } from '../../permissions.ts';
import type { Permission } from '../../trpc.ts';
import { Checkbox } from '../../ui/choice.tsx';

type ScopePickerProps = {
  /** What may be chosen: nobody gives a key more than they have. */
  available: readonly Permission[];
  chosen: readonly Permission[];
  onChange: (chosen: readonly Permission[]) => void;
  error: string | undefined;
};

export function ScopePicker({ available, chosen, onChange, error }: ScopePickerProps) {
  const toggle = (permission: Permission, on: boolean) =>
    onChange(available.filter((each) => (each === permission ? on : chosen.includes(each))));
  return (
    <fieldset className="rounded-lg border border-line px-3.5 py-3">
      <legend className="sr-only">Permissions of the key</legend>
      <div className="grid gap-x-4 sm:grid-cols-2">
        {available.map((permission) => (
          <Checkbox
            key={permission}
            label={PERMISSION_TEXT[permission]}
            hint={<code className="font-mono">{permission}</code>}
            checked={chosen.includes(permission)}
            onChange={(on) => toggle(permission, on)}
          />
        ))}
      </div>
      {error && <p className="mt-2 text-[0.8125rem] text-danger-ink">{error}</p>}
    </fieldset>
  );
}
