import { Search } from 'lucide-react';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Button } from '../ui/button.tsx';

const Palette = lazy(() => import('../command/palette.tsx').then((m) => ({ default: m.Palette })));

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** A dialog that is open comes first: what it asks is to be answered there. */
const dialogIsOpen = () => document.querySelector('[role="dialog"], [role="alertdialog"]') !== null;

/** Listens for Ctrl+K, once for the whole app, and opens the palette for it or for a click. */
export function CommandButton({ compact = false }: { compact?: boolean }) {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (compact) return;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setOpen((is) => !is && !dialogIsOpen());
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [compact]);
  return (
    <>
      {compact ? (
        <Button variant="ghost" size="icon" aria-label="Search" onClick={() => setOpen(true)}>
          <Search aria-hidden className="size-5" />
        </Button>
      ) : (
        <button
          type="button"
          aria-keyshortcuts="Control+K Meta+K"
          onClick={() => setOpen(true)}
          className="flex h-8.5 w-full items-center gap-2.5 rounded-lg border border-line bg-canvas px-2.5 text-[0.8125rem] text-ink-muted transition-colors hover:border-line-strong hover:text-ink"
        >
          <Search aria-hidden className="size-4 shrink-0" />
          Search
          <kbd aria-hidden className="ml-auto font-sans text-xs">
            {isMac ? '⌘K' : 'Ctrl K'}
          </kbd>
        </button>
      )}
      {open && (
        <Suspense>
          <Palette onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
