import { useState } from 'react';
import { fieldError, type Problem } from '../../problem.ts';
import type { NamedLimit } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Actions } from '../../ui/dialog.tsx';
import { Form } from '../../ui/form.tsx';
import { type LimitDraft, readLimits, toLimitDrafts } from './limit-draft.ts';
import { LimitFields } from './limit-fields.tsx';

type LimitsFormProps = {
  limits: readonly NamedLimit[];
  busy: boolean;
  problem: Problem | null;
  onSave: (limits: NamedLimit[]) => void;
  onCancel: () => void;
};

/** All named limits of a key or an account. */
export function LimitsForm({ limits, busy, problem, onSave, onCancel }: LimitsFormProps) {
  const [drafts, setDrafts] = useState<readonly LimitDraft[]>(() => toLimitDrafts(limits));
  const [checked, setChecked] = useState(false);
  const submit = () => {
    setChecked(true);
    const read = readLimits(drafts);
    if (read) onSave(read);
  };
  return (
    <Form onSubmit={submit} busy={busy} problem={problem}>
      <LimitFields
        limits={drafts}
        onChange={setDrafts}
        checked={checked}
        error={fieldError(problem, 'limits')}
      />
      <Actions>
        <Button onClick={onCancel} disabled={busy}>
          Cancel
        </Button>
        <Button type="submit" variant="primary" busy={busy}>
          Save
        </Button>
      </Actions>
    </Form>
  );
}
