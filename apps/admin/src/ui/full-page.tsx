import { LoaderCircle } from 'lucide-react';
import type { ReactNode } from 'react';

/** A page without navigation: its content in the middle. */
export function FullPage({ children }: { children: ReactNode }) {
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-[25rem]">{children}</div>
    </main>
  );
}

export function LoadingPage() {
  return (
    <div role="status" className="grid min-h-[60dvh] place-items-center text-ink-muted">
      <LoaderCircle aria-hidden className="size-5 animate-spin" />
      <span className="sr-only">Loading…</span>
    </div>
  );
}
