import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError } from '../../problem.ts';
import { type Key, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Actions, Dialog } from '../../ui/dialog.tsx';
import { Form } from '../../ui/form.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { putKeys } from '../api-keys/key-cache.ts';
import { type CreditErrors, readCredits, toCreditDraft } from '../limits/credit-draft.ts';
import { CreditFields } from '../limits/credit-fields.tsx';

const number = new Intl.NumberFormat('en');

export function CreditsDialog({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const { credits } = apiKey;
  // As it was when this was opened: what is spent meanwhile changes nothing in the form.
  const [metered] = useState(credits !== null);
  const [draft, setDraft] = useState(() =>
    credits ? toCreditDraft(credits) : { ...toCreditDraft(null), action: 'set' as const },
  );
  const [errors, setErrors] = useState<CreditErrors>({});
  const update = useMutation(
    trpc.keys.credits.mutationOptions({
      onSuccess: (key) => {
        putKeys([key]);
        toast.success('The credits of the key are changed.');
        onClose();
      },
    }),
  );
  const problem = useProblem(update.error);
  const submit = () => {
    const read = readCredits(draft);
    setErrors(read.errors);
    if (read.change) update.mutate({ id: apiKey.id, ...read.change });
    else if (Object.keys(read.errors).length === 0) onClose();
  };
  const amount = errors.amount ?? fieldError(problem, 'remaining') ?? fieldError(problem, 'add');
  const refillTo = errors.refillTo ?? fieldError(problem, 'refill');
  return (
    <Dialog
      onClose={onClose}
      dismissable={!update.isPending}
      title={`Credits of “${apiKey.name}”`}
      description={
        credits
          ? `${number.format(credits.remaining)} left. A change holds from the next request on.`
          : 'It has none so far: its requests cost nothing. A change holds from the next request on.'
      }
    >
      <Form onSubmit={submit} busy={update.isPending} problem={problem}>
        <CreditFields
          draft={draft}
          onChange={setDraft}
          metered={metered}
          errors={{ ...(amount ? { amount } : {}), ...(refillTo ? { refillTo } : {}) }}
        />
        <Actions>
          <Button onClick={onClose} disabled={update.isPending}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" busy={update.isPending}>
            Save
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}
