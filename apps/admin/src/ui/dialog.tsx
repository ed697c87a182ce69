import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { cn } from './cn.ts';
import { useReturnFocus } from './opener.ts';

export const overlayClass = 'fixed inset-0 z-40 bg-overlay animate-appear';
export const panelClass =
  'fixed z-50 flex flex-col overflow-hidden bg-surface text-ink shadow-float animate-rise outline-none ' +
  'max-sm:inset-x-0 max-sm:bottom-0 max-sm:max-h-[92dvh] max-sm:rounded-t-2xl ' +
  'sm:inset-x-0 sm:top-[max(2rem,8vh)] sm:mx-auto sm:max-h-[calc(100dvh-max(2rem,8vh)-2rem)] sm:rounded-2xl';

type DialogProps = {
  onClose: () => void;
  title: string;
  description?: ReactNode;
  size?: 'medium' | 'large';
  /** False: only a button inside closes it; no click outside, no Escape, no cross. */
  dismissable?: boolean;
  /** False: a click outside keeps it open, for forms whose content would be lost. */
  closeOnOutsideClick?: boolean;
  children: ReactNode;
};

/** Open for as long as it is mounted, so that nothing typed or shown in it outlives it. */
export function Dialog({
  onClose,
  title,
  description,
  size = 'medium',
  dismissable = true,
  closeOnOutsideClick = false,
  children,
}: DialogProps) {
  const returnFocus = useReturnFocus();
  return (
    <Radix.Root open onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={overlayClass} />
        <Radix.Content
          className={cn(panelClass, size === 'large' ? 'sm:max-w-2xl' : 'sm:max-w-lg')}
          {...(description ? {} : { 'aria-describedby': undefined })}
          onCloseAutoFocus={returnFocus}
          onEscapeKeyDown={(event) => !dismissable && event.preventDefault()}
          onInteractOutside={(event) => !(dismissable && closeOnOutsideClick) && event.preventDefault()}
        >
          <div className="flex items-start justify-between gap-4 px-5 pt-5 pb-1 sm:px-6">
            <div className="min-w-0">
              <Radix.Title className="text-base font-semibold tracking-tight wrap-anywhere">
                {title}
              </Radix.Title>
              {description && (
                <Radix.Description className="mt-1 text-[0.8125rem] text-ink-muted wrap-anywhere">
                  {description}
                </Radix.Description>
              )}
            </div>
            {dismissable && (
              <Radix.Close asChild>
                <Button variant="ghost" size="icon" aria-label="Close">
                  <X aria-hidden className="size-4" />
                </Button>
              </Radix.Close>
            )}
          </div>
          <div className="min-h-0 overflow-y-auto px-5 pt-4 pb-5 sm:px-6 sm:pb-6">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

type CurtainProps = { title: string; description: string; children: ReactNode };

/** In front of everything, other dialogs too, none of which can be seen or reached until it is gone. */
export function Curtain({ title, description, children }: CurtainProps) {
  const returnFocus = useReturnFocus();
  return (
    <Radix.Root open>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-70 bg-canvas" />
        <Radix.Content
          className="fixed inset-x-4 top-[max(2rem,14vh)] z-71 mx-auto max-h-[80dvh] max-w-[25rem] overflow-y-auto rounded-2xl border border-line bg-surface p-6 text-ink shadow-raised outline-none sm:p-8"
          onCloseAutoFocus={returnFocus}
          onEscapeKeyDown={(event) => event.preventDefault()}
          onInteractOutside={(event) => event.preventDefault()}
        >
          <Radix.Title className="text-xl font-semibold tracking-tight">{title}</Radix.Title>
          <Radix.Description className="mt-1 mb-6 text-sm text-ink-muted">{description}</Radix.Description>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** The row of buttons that ends a dialog or a form. */
export function Actions({ children }: { children: ReactNode }) {
  return (
    <div className="flex flex-col-reverse gap-2 pt-1 max-sm:[&>*]:w-full sm:flex-row sm:justify-end">
      {children}
    </div>
  );
}
