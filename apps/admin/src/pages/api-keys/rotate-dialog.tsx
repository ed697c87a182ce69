import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError } from '../../problem.ts';
import { type Key, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Actions, Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Select } from '../../ui/select.tsx';
import { useProblem } from '../../use-problem.ts';
import { IssuedToken } from './issued-token.tsx';
import { putKeys } from './key-cache.ts';

const HOUR = 3600;
const OVERLAPS = [
  { value: '0', label: 'Stops at once' },
  { value: String(HOUR), label: 'Works for 1 more hour' },
  { value: String(24 * HOUR), label: 'Works for 24 more hours' },
  { value: String(7 * 24 * HOUR), label: 'Works for 7 more days' },
  { value: String(30 * 24 * HOUR), label: 'Works for 30 more days' },
] as const;

export function RotateDialog({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const [overlap, setOverlap] = useState<string>(String(24 * HOUR));
  const [issued, setIssued] = useState<{ key: Key; token: string } | null>(null);
  const rotate = useMutation(
    trpc.keys.rotate.mutationOptions({
      // The answer carries the token: no cache may keep it.
      gcTime: 0,
      onSuccess: (answer) => {
        setIssued(answer);
        rotate.reset();
        putKeys([answer.key]);
      },
    }),
  );
  const problem = useProblem(rotate.error);
  return (
    <Dialog
      onClose={onClose}
      size={issued ? 'large' : 'medium'}
      dismissable={!rotate.isPending && !issued}
      title={issued ? `“${issued.key.name}” has a new secret` : `Rotate “${apiKey.name}”`}
      {...(issued
        ? {}
        : { description: 'The key gets a new secret, and keeps its name, permissions and history.' })}
    >
      {issued ? (
        <IssuedToken issued={issued} onDone={onClose} />
      ) : (
        <Form
          onSubmit={() => rotate.mutate({ id: apiKey.id, overlapSeconds: Number(overlap) })}
          busy={rotate.isPending}
          problem={problem}
        >
          <Field
            label="The old secret"
            error={fieldError(problem, 'overlapSeconds')}
            hint="Meanwhile both work: update your integrations, and watch the list to see when the old one is no longer used."
          >
            {(control) => <Select {...control} value={overlap} onChange={setOverlap} options={OVERLAPS} />}
          </Field>
          <Actions>
            <Button onClick={onClose} disabled={rotate.isPending}>
              Cancel
            </Button>
            <Button type="submit" variant="primary" busy={rotate.isPending}>
              Rotate key
            </Button>
          </Actions>
        </Form>
      )}
    </Dialog>
  );
}
