import { CloudOff } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { isUnavailable, problemOf } from '../problem.ts';
import { queryClient } from '../query-client.ts';

const cache = queryClient.getQueryCache();

const isRetrying = () =>
  cache
    .getAll()
    .some(
      ({ state }) =>
        state.fetchStatus !== 'idle' &&
        state.fetchFailureReason !== null &&
        isUnavailable(problemOf(state.fetchFailureReason)),
    );

/** Says that the server does not answer, for as long as it does not; requests go on being tried meanwhile. */
export function ConnectionBanner() {
  const retrying = useSyncExternalStore((listener) => cache.subscribe(listener), isRetrying);
  return (
    <div role="status">
      {retrying && (
        <div className="fixed inset-x-0 bottom-4 z-30 mx-auto flex w-fit max-w-[calc(100vw-2rem)] items-center gap-2.5 rounded-full bg-warn-soft px-4 py-2 text-[0.8125rem] font-medium text-warn-ink shadow-float animate-rise">
          <CloudOff aria-hidden className="size-4 shrink-0" />
          Server unreachable, retrying…
        </div>
      )}
    </div>
  );
}
