import { useMutation } from '@tanstack/react-query';
import { Suspense, useState } from 'react';
import { lazySoon } from '../../lazy-soon.ts';
import { PERMISSION_TEXT } from '../../permissions.ts';
import { fieldError } from '../../problem.ts';
import { type Permission, type Policies, type PolicyImpact, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Checkbox, RadioGroup } from '../../ui/choice.tsx';
import { Actions } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Input } from '../../ui/input.tsx';
import { useProblem } from '../../use-problem.ts';
import { ScopePicker } from '../api-keys/scope-picker.tsx';
import { changedPolicies, type DraftErrors, type PolicyDraft, readDraft, toDraft } from './policy-draft.ts';

const PoliciesDialog = lazySoon(() => import('./policies-dialog.tsx').then((m) => m.PoliciesDialog));

const PERMISSIONS = Object.keys(PERMISSION_TEXT) as Permission[];

type Review = { readonly change: Partial<Policies>; readonly impact: PolicyImpact };

/** Nothing is saved before what it does to the keys that are there has been seen. */
export function PoliciesForm({ policies }: { policies: Policies }) {
  const [base, setBase] = useState(policies);
  const [draft, setDraft] = useState(() => toDraft(policies));
  const [errors, setErrors] = useState<DraftErrors>({});
  const [review, setReview] = useState<Review | null>(null);
  const ask = useMutation(trpc.organization.policyImpact.mutationOptions());
  const problem = useProblem(ask.error);
  const start = (from: Policies) => {
    setBase(from);
    setDraft(toDraft(from));
  };
  const isUntouched = JSON.stringify(draft) === JSON.stringify(toDraft(base));
  // Somebody else has changed them: nothing of one's own is lost.
  if (isUntouched && JSON.stringify(base) !== JSON.stringify(policies)) start(policies);

  const set = (change: Partial<PolicyDraft>) => setDraft((before) => ({ ...before, ...change }));
  const submit = () => {
    const read = readDraft(draft);
    setErrors(read.errors ?? {});
    if (!read.policies) return;
    const change = changedPolicies(base, read.policies);
    if (Object.keys(change).length > 0)
      ask.mutate({ policies: change }, { onSuccess: (impact) => setReview({ change, impact }) });
    else start(policies);
  };
  return (
    <>
      <Form onSubmit={submit} busy={ask.isPending} problem={problem} narrow>
        <Field
          label="Longest lifetime, in days"
          optional
          error={errors.maxLifetimeDays ?? fieldError(problem, 'policies.maxLifetimeDays')}
          hint="From a key’s newest secret to its expiry. Rotating a key begins a new lifetime."
        >
          {(control) => (
            <Input
              {...control}
              inputMode="numeric"
              autoComplete="off"
              placeholder="No maximum"
              value={draft.maxLifetimeDays}
              onChange={(event) => set({ maxLifetimeDays: event.target.value })}
            />
          )}
        </Field>
        <Checkbox
          label="Every key has to expire"
          checked={draft.expiryRequired}
          onChange={(expiryRequired) => set({ expiryRequired })}
        />
        <Field
          label="Idle after days without use"
          optional
          error={errors.idleDays ?? fieldError(problem, 'policies.idleDays')}
        >
          {(control) => (
            <Input
              {...control}
              inputMode="numeric"
              autoComplete="off"
              placeholder="Never"
              value={draft.idleDays}
              onChange={(event) => set({ idleDays: event.target.value })}
            />
          )}
        </Field>
        {draft.idleDays.trim() !== '' && (
          <RadioGroup<Policies['idleAction']>
            label="An idle key"
            value={draft.idleAction}
            onChange={(idleAction) => set({ idleAction })}
            options={[
              { value: 'flag', label: 'Is marked as idle', hint: 'It works on. Somebody decides.' },
              { value: 'disable', label: 'Is revoked', hint: 'By itself, and for good.' },
            ]}
          />
        )}
        <RadioGroup<PolicyDraft['reach']>
          label="Keys may do"
          value={draft.reach}
          onChange={(reach) => set({ reach })}
          options={[
            { value: 'everything', label: 'All that their owners may' },
            {
              value: 'chosen',
              label: 'Of that, only what I choose',
              hint: 'For all keys at once, from their next request on. People are not limited.',
            },
          ]}
        />
        {draft.reach === 'chosen' && (
          <ScopePicker
            available={PERMISSIONS}
            chosen={draft.allowedScopes}
            onChange={(allowedScopes) => set({ allowedScopes })}
            error={errors.allowedScopes ?? fieldError(problem, 'policies.allowedScopes')}
            subject="Keys"
          />
        )}
        <Checkbox
          label="Keys may be made without chosen permissions"
          hint="Such a key does all that its owner may, also after a change of role."
          checked={draft.unscopedAllowed}
          onChange={(unscopedAllowed) => set({ unscopedAllowed })}
        />
        <RadioGroup<Policies['onLeak']>
          label="A key that was found in public"
          value={draft.onLeak}
          onChange={(onLeak) => set({ onLeak })}
          options={[
            { value: 'revoke', label: 'Is revoked at once', hint: 'Safest: whoever found it may use it.' },
            {
              value: 'notify',
              label: 'Is marked, and webhooks are told',
              hint: 'It works on until somebody acts.',
            },
            { value: 'flag', label: 'Is marked', hint: 'It works on until somebody sees it.' },
          ]}
        />
        <Actions>
          {!isUntouched && <Button onClick={() => start(policies)}>Discard</Button>}
          {/* Not `busy`, which takes the focus away: the dialog gives it back to this button. */}
          <Button type="submit" variant="primary" aria-busy={ask.isPending} disabled={isUntouched}>
            {ask.isPending ? 'Looking at the keys…' : 'Review and save'}
          </Button>
        </Actions>
      </Form>
      <Suspense>
        {review && (
          <PoliciesDialog
            before={base}
            {...review}
            onClose={() => setReview(null)}
            onSaved={(saved) => start(saved)}
          />
        )}
      </Suspense>
    </>
  );
}
