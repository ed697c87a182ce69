import { useEffect } from 'react';
import { Navigate, useLocation } from 'react-router';
import { forgetEverything, useSession } from '../../session.tsx';
import { FullPage } from '../../ui/full-page.tsx';
import { Logo } from '../../ui/logo.tsx';
import { useDocumentTitle } from '../../ui/page.tsx';
import { SignInForm } from './form.tsx';

/** Where the person was going when the session turned out to be missing: a path of this app, nothing else. */
const destination = (state: unknown): string => {
  const from = typeof state === 'object' && state !== null && 'from' in state ? state.from : null;
  return typeof from === 'string' && /^\/(?![/\\])/.test(from) ? from : '/';
};

export function SignInPage() {
  useDocumentTitle('Sign in');
  const session = useSession();
  const location = useLocation();
  useEffect(forgetEverything, []);

  if (session.user) return <Navigate to={destination(location.state)} replace />;

  return (
    <FullPage>
      <div className="rounded-2xl border border-line bg-surface p-6 shadow-raised sm:p-8">
        <Logo />
        <h1 className="mt-5 text-xl font-semibold tracking-tight">Sign in to Kaana</h1>
        <p className="mt-1 mb-6 text-sm text-ink-muted">Manage your organization's API keys.</p>
        <SignInForm />
      </div>
      <p className="mt-5 text-center text-xs text-ink-muted">
        Trying the demo? Its sign-ins are printed where <code className="font-mono">npm start</code> runs.
      </p>
    </FullPage>
  );
}
