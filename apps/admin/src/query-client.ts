import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { isUnavailable, problemOf } from './problem.ts';

const MAX_DELAY_MS = 5_000;

/**
 * That a session has ended, or that a role has changed, shows first in some other request: ask who is signed in, and
 * let the answer decide. (A wrong password is a 401 too, and ends no session.)
 */
const checkSession = (error: unknown) => {
  const { status } = problemOf(error);
  if (status !== 401 && status !== 403) return;
  void queryClient.invalidateQueries({ queryKey: [['session', 'current']] });
};

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, query) => {
      const isSession = JSON.stringify(query.queryKey[0]) === '["session","current"]';
      if (!isSession) checkSession(error);
    },
  }),
  mutationCache: new MutationCache({ onError: checkSession }),
  defaultOptions: {
    queries: {
      // The server may be on this machine: being "offline" says nothing about it.
      networkMode: 'always',
      staleTime: 1_000,
      retry: (failures, error) => {
        const problem = problemOf(error);
        if (isUnavailable(problem)) return true;
        return problem.status >= 500 && failures < 2;
      },
      retryDelay: (failures, error) => {
        const { retryAfterSeconds } = problemOf(error);
        return Math.min((retryAfterSeconds ?? 0.5 * 2 ** failures) * 1_000, MAX_DELAY_MS);
      },
    },
    mutations: { networkMode: 'always', retry: false },
  },
});
