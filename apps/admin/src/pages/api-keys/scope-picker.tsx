import { PERMISSION_TEXT, permissionWords } from '../../permissions.ts';
import type { Permission } from '../../trpc.ts';
import { MatrixCheckbox } from '../../ui/choice.tsx';

const NOUNS = [
  ['projects', 'Projects'],
  ['keys', 'API keys'],
  ['members', 'Members'],
  ['usage', 'Usage'],
  ['audit', 'Audit log'],
  ['organization', 'Organization'],
] as const;
const VERBS = [
  ['read', 'See'],
  ['write', 'Change'],
  ['verify', 'Check'],
] as const;

type ScopePickerProps = {
  /** What may be chosen: nobody gives a key more than they have. */
  available: readonly Permission[];
  chosen: readonly Permission[];
  onChange: (chosen: readonly Permission[]) => void;
  error: string | undefined;
  /** Who may do what is chosen. */
  subject?: string;
};

/** Permissions as a table: what, and what may be done with it. */
export function ScopePicker({ available, chosen, onChange, error, subject = 'The key' }: ScopePickerProps) {
  const toggle = (permission: Permission, on: boolean) =>
    onChange(available.filter((each) => (each === permission ? on : chosen.includes(each))));
  const nouns = NOUNS.filter(([noun]) => available.some((permission) => permission.startsWith(`${noun}:`)));
  const verbs = VERBS.filter(([verb]) => available.some((permission) => permission.endsWith(`:${verb}`)));
  return (
    <fieldset className="min-w-0">
      <legend className="sr-only">What {subject.toLowerCase()} may do</legend>
      <table className="w-full overflow-hidden rounded-lg border border-line text-[0.8125rem]">
        <thead>
          <tr className="border-b border-line bg-sunken text-xs text-ink-muted">
            <th scope="col" className="px-3 py-2 text-left font-medium">
              What
            </th>
            {verbs.map(([verb, label]) => (
              <th key={verb} scope="col" className="w-20 px-3 py-2 text-center font-medium">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {nouns.map(([noun, label]) => (
            <tr key={noun}>
              <th scope="row" className="px-3 py-1.5 text-left font-normal">
                {label}
              </th>
              {verbs.map(([verb]) => {
                const permission = available.find((each) => each === `${noun}:${verb}`);
                return (
                  <td key={verb} className="px-3 py-1.5 text-center">
                    {permission && (
                      <MatrixCheckbox
                        label={PERMISSION_TEXT[permission]}
                        title={permission}
                        checked={chosen.includes(permission)}
                        onChange={(on) => toggle(permission, on)}
                      />
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="mt-2 text-xs text-ink-muted">
        {chosen.length === 0 ? 'Nothing is chosen yet.' : `${subject} may: ${permissionWords(chosen)}.`}
      </p>
      {error && (
        <p role="alert" className="mt-1 text-[0.8125rem] text-danger-ink">
          {error}
        </p>
      )}
    </fieldset>
  );
}
