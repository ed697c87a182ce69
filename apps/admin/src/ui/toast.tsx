import { lazy, Suspense, useSyncExternalStore } from 'react';

export type ToastAction = { readonly label: string; readonly run: () => void };
export type ToastMessage = {
  readonly id: number;
  readonly kind: 'success' | 'error';
  readonly text: string;
  readonly action: ToastAction | null;
};

let messages: readonly ToastMessage[] = [];
let lastId = 0;
const listeners = new Set<() => void>();
const change = (next: readonly ToastMessage[]) => {
  messages = next;
  for (const listener of listeners) listener();
};
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useToasts = (): readonly ToastMessage[] => useSyncExternalStore(subscribe, () => messages);
export const dismissToast = (id: number): void => change(messages.filter((message) => message.id !== id));

/** More than three at a time nobody reads. */
const MAX_SHOWN = 3;
const show =
  (kind: ToastMessage['kind']) =>
  (text: string, action: ToastAction | null = null): void => {
    lastId += 1;
    change([...messages, { id: lastId, kind, text, action }].slice(-MAX_SHOWN));
  };

/** A line that says what has just happened, may offer to undo it, and goes away by itself. */
export const toast = { success: show('success'), error: show('error') };

/** Loaded after the first paint: nothing needs a toast before. */
const LazyToaster = lazy(() => import('./toaster.tsx').then((m) => ({ default: m.Toaster })));

export function Toaster() {
  return (
    <Suspense>
      <LazyToaster />
    </Suspense>
  );
}
