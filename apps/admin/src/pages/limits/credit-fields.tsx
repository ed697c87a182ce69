import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { type CreditAction, type CreditDraft, type CreditErrors, everyOptions } from './credit-draft.ts';

const ACTIONS = {
  none: 'Requests cost no credits',
  set: 'Set the balance',
  add: 'Add to the balance',
  keep: 'Leave the balance, change the refill',
  take: 'Take the credits away: requests cost none',
} as const satisfies Record<CreditAction, string>;
const FOR_NEW: readonly CreditAction[] = ['none', 'set'];
const FOR_METERED: readonly CreditAction[] = ['add', 'set', 'keep', 'take'];

type CreditFieldsProps = {
  draft: CreditDraft;
  onChange: (draft: CreditDraft) => void;
  /** Whether the key has credits already. */
  metered: boolean;
  errors: CreditErrors;
};

/** What becomes of a key's credits, and of their refill. */
export function CreditFields({ draft, onChange, metered, errors }: CreditFieldsProps) {
  const set = (part: Partial<CreditDraft>) => onChange({ ...draft, ...part });
  const { action } = draft;
  const takesAmount = action === 'set' || action === 'add';
  return (
    <>
      <Field
        label="Credits"
        hint={
          action !== 'none' && action !== 'take' && 'Each request costs one. At zero, requests are refused.'
        }
      >
        {(control) => (
          <Select<CreditAction>
            {...control}
            value={action}
            onChange={(next) => set({ action: next })}
            options={(metered ? FOR_METERED : FOR_NEW).map((value) => ({
              value,
              label: value === 'set' && !metered ? 'Requests cost credits' : ACTIONS[value],
            }))}
          />
        )}
      </Field>
      {takesAmount && (
        <Field
          label={action === 'add' ? 'How many to add' : metered ? 'New balance' : 'How many it begins with'}
          error={errors.amount}
        >
          {(control) => (
            <Input
              {...control}
              inputMode="numeric"
              autoComplete="off"
              maxLength={13}
              value={draft.amount}
              onChange={(event) => set({ amount: event.target.value })}
            />
          )}
        </Field>
      )}
      {(takesAmount || action === 'keep') && (
        <Field label="Refill">
          {(control) => (
            <Select
              {...control}
              value={draft.every}
              onChange={(every) => set({ every })}
              options={everyOptions(draft.every)}
            />
          )}
        </Field>
      )}
      {(takesAmount || action === 'keep') && draft.every !== 'never' && (
        <Field label="Refill up to" hint="Where the balance is lower." error={errors.refillTo}>
          {(control) => (
            <Input
              {...control}
              inputMode="numeric"
              autoComplete="off"
              maxLength={13}
              value={draft.refillTo}
              onChange={(event) => set({ refillTo: event.target.value })}
            />
          )}
        </Field>
      )}
    </>
  );
}
