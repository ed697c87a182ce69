import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError } from '../../problem.ts';
import { queryClient } from '../../query-client.ts';
import { trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Actions } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Input } from '../../ui/input.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';

export function NameForm({ name: current }: { name: string }) {
  const [name, setName] = useState(current);
  const update = useMutation(
    trpc.organization.update.mutationOptions({
      onSuccess: () => {
        toast.success('The organization is renamed.');
        void queryClient.invalidateQueries(trpc.organization.pathFilter());
        void queryClient.invalidateQueries(trpc.session.pathFilter());
      },
    }),
  );
  const problem = useProblem(update.error);
  return (
    <Form onSubmit={() => update.mutate({ name })} busy={update.isPending} problem={problem} narrow>
      <Field label="Organization name" error={fieldError(problem, 'name')}>
        {(control) => (
          <Input
            {...control}
            maxLength={100}
            autoComplete="organization"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Actions>
        <Button type="submit" variant="primary" busy={update.isPending} disabled={name === current}>
          Save
        </Button>
      </Actions>
    </Form>
  );
}
