import { Plus, Trash2 } from 'lucide-react';
import { Button } from '../../ui/button.tsx';
import { FieldRow, FieldRows } from '../../ui/field-rows.tsx';
import { Input } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { type LimitDraft, limitError, MAX_LIMITS, newLimit, windowOptions } from './limit-draft.ts';

type LimitFieldsProps = {
  limits: readonly LimitDraft[];
  onChange: (limits: readonly LimitDraft[]) => void;
  /** Whether to say what is wrong already. */
  checked: boolean;
  /** What the server says. */
  error: string | undefined;
};

/** Named limits, one in a row: how many requests in any window of time, under which name. */
export function LimitFields({ limits, onChange, checked, error }: LimitFieldsProps) {
  const change = (id: string, part: Partial<LimitDraft>) =>
    onChange(limits.map((limit) => (limit.id === id ? { ...limit, ...part } : limit)));
  return (
    <FieldRows
      label="Limits"
      hint="A request has to keep to all of them, and to the plan’s limit. The names stand in the RateLimit headers."
      error={error}
      add={
        limits.length < MAX_LIMITS && (
          <Button size="small" onClick={() => onChange([...limits, newLimit()])}>
            <Plus aria-hidden className="size-4" />
            Add a limit
          </Button>
        )
      }
    >
      {limits.map((limit, index) => {
        const wrong = checked ? limitError(limit, limits) : undefined;
        const nth = `limit ${index + 1}`;
        return (
          <FieldRow
            key={limit.id}
            label={`Limit ${index + 1}`}
            error={wrong?.text}
            remove={
              <Button
                variant="ghost"
                size="icon"
                aria-label={`Remove ${limit.name || nth}`}
                onClick={() => onChange(limits.filter(({ id }) => id !== limit.id))}
              >
                <Trash2 aria-hidden className="size-4" />
              </Button>
            }
          >
            <Input
              aria-label={`Name of ${nth}`}
              aria-invalid={wrong?.field === 'name' ? true : undefined}
              autoFocus={limit.name === '' && limit.limit === ''}
              placeholder="daily"
              maxLength={32}
              autoComplete="off"
              spellCheck={false}
              value={limit.name}
              onChange={(event) => change(limit.id, { name: event.target.value.trim().toLowerCase() })}
            />
            <Input
              aria-label={`Requests of ${nth}`}
              aria-invalid={wrong?.field === 'limit' ? true : undefined}
              inputMode="numeric"
              placeholder="500"
              maxLength={10}
              autoComplete="off"
              value={limit.limit}
              onChange={(event) => change(limit.id, { limit: event.target.value.trim() })}
            />
            <Select
              aria-label={`Time of ${nth}`}
              value={limit.window}
              onChange={(window) => change(limit.id, { window })}
              options={windowOptions(limit.window)}
            />
          </FieldRow>
        );
      })}
    </FieldRows>
  );
}
