import { CircleAlert, CircleCheck, X } from 'lucide-react';
import { Toast as Radix } from 'radix-ui';
import { Button } from './button.tsx';
import { cn } from './cn.ts';
import { dismissToast, type ToastMessage, useToasts } from './toast.tsx';

const SHOWN_MS = 6_000;
/** Longer where there is something to decide. */
const WITH_ACTION_MS = 12_000;

/** Announced to screen readers; F8 moves the focus here; hovering and focusing stop the clock. */
export function Toaster() {
  const messages = useToasts();
  return (
    <Radix.Provider swipeDirection="right" label="Notification">
      {messages.map((message) => (
        <Toast key={message.id} message={message} />
      ))}
      <Radix.Viewport className="pointer-events-none fixed right-0 bottom-0 z-80 flex w-full max-w-md flex-col gap-2 p-4 outline-none" />
    </Radix.Provider>
  );
}

function Toast({ message: { id, kind, text, action } }: { message: ToastMessage }) {
  const Icon = kind === 'error' ? CircleAlert : CircleCheck;
  return (
    <Radix.Root
      type={kind === 'error' ? 'foreground' : 'background'}
      duration={action ? WITH_ACTION_MS : SHOWN_MS}
      onOpenChange={(open) => !open && dismissToast(id)}
      className="pointer-events-auto flex animate-rise items-center gap-3 rounded-xl bg-surface py-2.5 pr-2 pl-3.5 text-sm text-ink shadow-float data-[swipe=move]:translate-x-(--radix-toast-swipe-move-x)"
    >
      <Icon
        aria-hidden
        className={cn('size-4 shrink-0', kind === 'error' ? 'text-danger-ink' : 'text-good-ink')}
      />
      <Radix.Title className="min-w-0 flex-1 wrap-anywhere">{text}</Radix.Title>
      {action && (
        <Radix.Action asChild altText={action.label} onClick={action.run}>
          <Button size="small">{action.label}</Button>
        </Radix.Action>
      )}
      <Radix.Close asChild>
        <Button variant="ghost" size="icon" aria-label="Dismiss">
          <X aria-hidden className="size-4" />
        </Button>
      </Radix.Close>
    </Radix.Root>
  );
}
