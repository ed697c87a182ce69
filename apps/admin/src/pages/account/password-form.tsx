import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { fieldError } from '../../problem.ts';
import { useUser } from '../../session.tsx';
import { trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Actions } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Input } from '../../ui/input.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';

export function PasswordForm() {
  const { email } = useUser();
  const [currentPassword, setCurrentPassword] = useState('');
  const [newPassword, setNewPassword] = useState('');
  const change = useMutation(
    trpc.user.changePassword.mutationOptions({
      gcTime: 0,
      onSuccess: () => {
        setCurrentPassword('');
        setNewPassword('');
        toast.success('Your password is changed.');
      },
    }),
  );
  const problem = useProblem(change.error);
  return (
    <Form
      onSubmit={() => change.mutate({ currentPassword, newPassword })}
      busy={change.isPending}
      problem={problem}
      narrow
    >
      {/* For password managers: whose password it is. */}
      <input type="email" autoComplete="username" value={email} readOnly hidden />
      <Field label="Current password" error={fieldError(problem, 'currentPassword')}>
        {(control) => (
          <Input
            {...control}
            type="password"
            autoComplete="current-password"
            value={currentPassword}
            onChange={(event) => setCurrentPassword(event.target.value)}
          />
        )}
      </Field>
      <Field label="New password" error={fieldError(problem, 'newPassword')} hint="At least 10 characters.">
        {(control) => (
          <Input
            {...control}
            type="password"
            autoComplete="new-password"
            value={newPassword}
            onChange={(event) => setNewPassword(event.target.value)}
          />
        )}
      </Field>
      <Actions>
        <Button
          type="submit"
          variant="primary"
          busy={change.isPending}
          disabled={!currentPassword || !newPassword}
        >
          Change password
        </Button>
      </Actions>
    </Form>
  );
}
