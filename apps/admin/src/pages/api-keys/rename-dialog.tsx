import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError, problemOf } from '../../problem.ts';
import { type Key, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Actions, Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Input } from '../../ui/input.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { putKeys } from './key-cache.ts';

export function RenameDialog({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const [name, setName] = useState(apiKey.name);
  const undo = useMutation(
    trpc.keys.update.mutationOptions({
      onSuccess: (key) => putKeys([key]),
      onError: (error) => toast.error(problemOf(error).detail),
    }),
  );
  const update = useMutation(
    trpc.keys.update.mutationOptions({
      onSuccess: (key) => {
        putKeys([key]);
        toast.success('The key is renamed.', {
          label: 'Undo',
          run: () => undo.mutate({ id: apiKey.id, name: apiKey.name }),
        });
        onClose();
      },
    }),
  );
  const problem = useProblem(update.error);
  return (
    <Dialog onClose={onClose} title={`Rename “${apiKey.name}”`}>
      <Form onSubmit={() => update.mutate({ id: apiKey.id, name })} busy={update.isPending} problem={problem}>
        <Field label="Name" error={fieldError(problem, 'name')}>
          {(control) => (
            <Input
              {...control}
              autoFocus
              maxLength={100}
              autoComplete="off"
              value={name}
              onFocus={(event) => event.target.select()}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Actions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" busy={update.isPending}>
            Save
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}
