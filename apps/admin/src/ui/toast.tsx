import { lazy, Suspense } from 'react';

/** Loaded after the first paint: nothing needs a toast before. */
const LazyToaster = lazy(() => import('./toaster.tsx').then((m) => ({ default: m.Toaster })));

export function Toaster() {
  return (
    <Suspense>
      <LazyToaster />
    </Suspense>
  );
}

const show = (kind: 'success' | 'error') => (text: string) =>
  void import('sonner').then(({ toast }) => toast[kind](text));

/** A line that says what has just happened, and goes away by itself. */
export const toast = { success: show('success'), error: show('error') };
