import { useMutation } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { fieldError } from '../../problem.ts';
import { startSession } from '../../session.tsx';
import { trpc, type User } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { Input } from '../../ui/input.tsx';
import { useProblem } from '../../use-problem.ts';

type SignInFormProps = {
  /** Whose password it has to be, where that is known. */
  email?: string;
  onSignedIn?: (user: User) => void;
};

export function SignInForm({ email: known, onSignedIn = startSession }: SignInFormProps) {
  const [email, setEmail] = useState(known ?? '');
  const [password, setPassword] = useState('');
  const signIn = useMutation(trpc.session.signIn.mutationOptions({ gcTime: 0, onSuccess: onSignedIn }));
  const answer = useProblem(signIn.error);
  const problem = useMemo(
    () => (answer?.status === 401 ? { ...answer, title: 'Sign-in failed' } : answer),
    [answer],
  );
  const [missing, setMissing] = useState<{ email?: string; password?: string }>({});
  const submit = () => {
    const lacking = {
      ...(email.trim() ? {} : { email: 'Enter your e-mail address.' }),
      ...(password ? {} : { password: 'Enter your password.' }),
    };
    setMissing(lacking);
    if (Object.keys(lacking).length === 0) signIn.mutate({ email, password });
  };
  return (
    <Form onSubmit={submit} busy={signIn.isPending} problem={problem}>
      <Field label="E-mail" error={missing.email ?? fieldError(problem, 'email')}>
        {(control) => (
          <Input
            {...control}
            type="email"
            name="email"
            autoComplete="username"
            autoFocus={known === undefined}
            readOnly={known !== undefined}
            required
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        )}
      </Field>
      <Field label="Password" error={missing.password ?? fieldError(problem, 'password')}>
        {(control) => (
          <Input
            {...control}
            type="password"
            name="password"
            autoComplete="current-password"
            autoFocus={known !== undefined}
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" variant="primary" size="large" wide busy={signIn.isPending}>
        Sign in
      </Button>
    </Form>
  );
}
