import { Link } from 'react-router';
import { resumeSession } from '../../session.tsx';
import type { User } from '../../trpc.ts';
import { Curtain } from '../../ui/dialog.tsx';
import { TextLink } from '../../ui/page.tsx';
import { SignInForm } from './form.tsx';

/**
 * In front of the page where the session ended: what was typed there stays. It covers the page, since whoever sits there
 * now is somebody until they have signed in.
 */
export function SessionEnded({ user }: { user: User }) {
  return (
    <Curtain
      title="Your session has ended"
      description="Sign in to go on. What you have typed is still there."
    >
      <SignInForm email={user.email} onSignedIn={(next) => resumeSession(user, next)} />
      <p className="mt-4 text-center text-sm">
        <TextLink asChild>
          <Link to="/sign-in" reloadDocument>
            Sign in as someone else
          </Link>
        </TextLink>
      </p>
    </Curtain>
  );
}
