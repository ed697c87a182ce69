import { useMutation } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { Navigate, useLocation } from 'react-router';
import { fieldError } from '../../problem.ts';
import { forgetEverything, startSession, useSession } from '../../session.tsx';
import { trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { Form } from '../../ui/form.tsx';
import { FullPage } from '../../ui/full-page.tsx';
import { Input } from '../../ui/input.tsx';
import { Logo } from '../../ui/logo.tsx';
import { useDocumentTitle } from '../../ui/page.tsx';
import { useProblem } from '../../use-problem.ts';

/** Where the person was going when the session turned out to be missing: a path of this app, nothing else. */
const destination = (state: unknown): string => {
  const from = typeof state === 'object' && state !== null && 'from' in state ? state.from : null;
  return typeof from === 'string' && /^\/(?![/\\])/.test(from) ? from : '/';
};

export function SignInPage() {
  useDocumentTitle('Sign in');
  const session = useSession();
  const location = useLocation();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const signIn = useMutation(trpc.session.signIn.mutationOptions({ gcTime: 0, onSuccess: startSession }));
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

  useEffect(forgetEverything, []);

  if (session.user) return <Navigate to={destination(location.state)} replace />;

  return (
    <FullPage>
      <div className="rounded-2xl border border-line bg-surface p-6 shadow-raised sm:p-8">
        <Logo />
        <h1 className="mt-5 text-xl font-semibold tracking-tight">Sign in to Kaana</h1>
        <p className="mt-1 mb-6 text-sm text-ink-muted">Manage your organization's API keys.</p>
        <Form onSubmit={submit} busy={signIn.isPending} problem={problem}>
          <Field label="E-mail" error={missing.email ?? fieldError(problem, 'email')}>
            {(control) => (
              <Input
                {...control}
                type="email"
                name="email"
                autoComplete="username"
                autoFocus
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
      </div>
      <p className="mt-5 text-center text-xs text-ink-muted">
        Trying the demo? Its sign-ins are printed where <code className="font-mono">npm start</code> runs.
      </p>
    </FullPage>
  );
}
