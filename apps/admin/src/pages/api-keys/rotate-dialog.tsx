import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError } from '../../problem.ts';
import { type Key, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { RadioGroup } from '../../ui/choice.tsx';
import { Actions, Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Select } from '../../ui/select.tsx';
import { useProblem } from '../../use-problem.ts';
import { IssuedToken } from './issued-token.tsx';
import { putKeys } from './key-cache.ts';
import { duration, OVERLAP_SECONDS } from './rotation.ts';

const BEGINNINGS = [
  {
    value: 'firstUse',
    label: 'Works until the new one is used, and a while longer',
    hint: 'Update your integrations when it suits you: nothing is interrupted.',
  },
  { value: 'now', label: 'Works for a while from now on', hint: 'It stops then, used or not.' },
  { value: 'none', label: 'Stops at once', hint: 'For a secret that has leaked. What still uses it breaks.' },
] as const;
type Beginning = (typeof BEGINNINGS)[number]['value'];

const OVERLAPS = OVERLAP_SECONDS.map((seconds) => ({ value: String(seconds), label: duration(seconds) }));

export function RotateDialog({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const [begins, setBegins] = useState<Beginning>('firstUse');
  const [overlap, setOverlap] = useState(String(OVERLAP_SECONDS[1]));
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
          onSubmit={() =>
            rotate.mutate({
              id: apiKey.id,
              ...(begins === 'none'
                ? { overlapSeconds: 0 }
                : { overlapSeconds: Number(overlap), overlapBegins: begins }),
            })
          }
          busy={rotate.isPending}
          problem={problem}
        >
          <RadioGroup label="The old secret" value={begins} onChange={setBegins} options={BEGINNINGS} />
          {begins !== 'none' && (
            <Field
              label={begins === 'now' ? 'From now on it works for' : 'From then on it works for'}
              error={fieldError(problem, 'overlapSeconds')}
              hint="Meanwhile both work. The key's page shows who still uses the old one."
            >
              {(control) => <Select {...control} value={overlap} onChange={setOverlap} options={OVERLAPS} />}
            </Field>
          )}
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
