import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { queryClient } from '../../query-client.ts';
import { trpc, type Webhook } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { RadioGroup } from '../../ui/choice.tsx';
import { Actions, Dialog } from '../../ui/dialog.tsx';
import { Form } from '../../ui/form.tsx';
import { useProblem } from '../../use-problem.ts';
import { IssuedSecret } from './issued-secret.tsx';

const OVERLAPS = [
  {
    value: '86400',
    label: 'For one day',
    hint: 'Messages carry both signatures: change your receiver meanwhile',
  },
  { value: '604800', label: 'For a week' },
  { value: '0', label: 'Not at all', hint: 'The old secret is known to somebody else' },
] as const;
type Overlap = (typeof OVERLAPS)[number]['value'];

export function RotateDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const [overlap, setOverlap] = useState<Overlap>('86400');
  const [secret, setSecret] = useState<string | null>(null);
  const rotate = useMutation(
    trpc.webhooks.rotateSecret.mutationOptions({
      // The answer carries a secret: no cache may keep it.
      gcTime: 0,
      onSuccess: (issued) => {
        setSecret(issued.secret);
        rotate.reset();
        void queryClient.invalidateQueries(trpc.webhooks.pathFilter());
      },
    }),
  );
  const problem = useProblem(rotate.error);
  return (
    <Dialog
      onClose={onClose}
      dismissable={!rotate.isPending && secret === null}
      title={secret === null ? 'Rotate the signing secret' : 'The new secret signs from now on'}
    >
      {secret === null ? (
        <Form
          onSubmit={() => rotate.mutate({ id: webhook.id, overlapSeconds: Number(overlap) })}
          busy={rotate.isPending}
          problem={problem}
        >
          <RadioGroup<Overlap>
            label="How long the old secret goes on signing as well"
            value={overlap}
            onChange={setOverlap}
            options={OVERLAPS}
          />
          <Actions>
            <Button onClick={onClose} disabled={rotate.isPending}>
              Cancel
            </Button>
            <Button type="submit" variant="primary" busy={rotate.isPending}>
              Rotate secret
            </Button>
          </Actions>
        </Form>
      ) : (
        <IssuedSecret secret={secret} onDone={onClose} />
      )}
    </Dialog>
  );
}
