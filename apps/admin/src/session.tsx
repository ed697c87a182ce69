import { useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, Suspense, use, useEffect, useRef } from 'react';
import { Link, Navigate, useLocation } from 'react-router';
import { lazySoon } from './lazy-soon.ts';
import { problemOf } from './problem.ts';
import { queryClient } from './query-client.ts';
import { type Permission, trpc, type User } from './trpc.ts';
import { FullPage, LoadingPage } from './ui/full-page.tsx';
import { ErrorState } from './ui/states.tsx';

const SessionEnded = lazySoon(() => import('./pages/sign-in/session-ended.tsx').then((m) => m.SessionEnded));

/** Who is signed in, asked of the server; `signedOut` only once the server has said so. */
export const useSession = () => {
  const query = useQuery(
    trpc.session.current.queryOptions(undefined, {
      staleTime: 30_000,
      retryOnMount: false,
      refetchOnWindowFocus: 'always',
    }),
  );
  const signedOut = query.error !== null && problemOf(query.error).status === 401;
  return { ...query, user: signedOut ? undefined : query.data, signedOut };
};

const isOtherQuery = (query: { queryKey: readonly unknown[] }) =>
  JSON.stringify(query.queryKey[0]) !== JSON.stringify(trpc.session.current.queryKey()[0]);

/** Nothing that one person has loaded may be there for the next. */
export const forgetEverything = (): void => {
  queryClient.removeQueries({ predicate: isOtherQuery });
  queryClient.getMutationCache().clear();
};

/** Somebody signed out on purpose, here or in another tab: then there is nothing to come back to. */
let wasEnded = false;

/** All tabs of a browser share one session: each tells the others when it changes it. */
const otherTabs = new BroadcastChannel('session');
otherTabs.onmessage = ({ data }) => {
  wasEnded = data === 'ended';
  void queryClient.invalidateQueries(trpc.session.current.queryFilter());
};

export const startSession = (user: User): void => {
  wasEnded = false;
  forgetEverything();
  queryClient.setQueryData(trpc.session.current.queryKey(), user);
  otherTabs.postMessage('started');
};

/** After a session has run out in the middle of something: the same person goes on there. */
export const resumeSession = (before: User, user: User): void => {
  if (before.id !== user.id) {
    startSession(user);
    return;
  }
  queryClient.setQueryData(trpc.session.current.queryKey(), user);
  void queryClient.invalidateQueries({ predicate: isOtherQuery });
  otherTabs.postMessage('started');
};

export const endSession = (): void => {
  wasEnded = true;
  queryClient.clear();
  otherTabs.postMessage('ended');
};

const UserContext = createContext<User | null>(null);

/** The person who is signed in. Only below `RequireSession`. */
export const useUser = (): User => {
  const user = use(UserContext);
  if (!user) throw new Error('useUser is for pages inside RequireSession');
  return user;
};

export const useCan = (permission: Permission): boolean => useUser().permissions.includes(permission);

/** Another tab may have signed somebody else in, under the same cookie: what is shown is loaded anew. */
const useFreshDataFor = (userId: string | undefined) => {
  const previous = useRef(userId);
  useEffect(() => {
    if (userId === undefined) return;
    if (previous.current !== undefined && previous.current !== userId) {
      void queryClient.resetQueries({ predicate: isOtherQuery });
    }
    previous.current = userId;
  }, [userId]);
};

/** Shows its children to whoever is signed in, and the sign-in page to everyone else. */
export function RequireSession({ children }: { children: ReactNode }) {
  const { user, data, signedOut, isPending, error, refetch } = useSession();
  const location = useLocation();
  useFreshDataFor(user?.id);

  // Of the same query, that has failed since: who was signed in when this page was opened.
  const before = signedOut && !wasEnded ? data : undefined;
  const shown = user ?? before;
  if (shown) {
    return (
      <UserContext key={shown.id} value={shown}>
        {children}
        {before && (
          <Suspense>
            <SessionEnded user={before} />
          </Suspense>
        )}
      </UserContext>
    );
  }
  if (signedOut) {
    return <Navigate to="/sign-in" replace state={{ from: `${location.pathname}${location.search}` }} />;
  }
  if (isPending) return <LoadingPage />;
  return (
    <FullPage>
      <ErrorState error={error} onRetry={() => void refetch()} />
      <p className="mt-4 text-center text-sm">
        <Link to="/sign-in" className="text-accent-ink underline">
          Sign in as someone else
        </Link>
      </p>
    </FullPage>
  );
}
