import { AlertDialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import type { Problem } from '../problem.ts';
import { Button } from './button.tsx';
import { cn } from './cn.ts';
import { Actions, overlayClass, panelClass } from './dialog.tsx';
import { ProblemNotice } from './notice.tsx';
import { useReturnFocus } from './opener.ts';

type AlertDialogProps = {
  onClose: () => void;
  title: string;
  /** What happens, in a sentence or two. */
  description: ReactNode;
  confirm: string;
  danger?: boolean;
  busy: boolean;
  problem: Problem | null;
  onConfirm: () => void;
  children?: ReactNode;
};

/** Asks before something that cannot be undone easily. The focus starts on Cancel. */
export function AlertDialog(props: AlertDialogProps) {
  const returnFocus = useReturnFocus();
  return (
    <Radix.Root open onOpenChange={(next) => !next && !props.busy && props.onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={overlayClass} />
        <Radix.Content className={cn(panelClass, 'sm:max-w-md')} onCloseAutoFocus={returnFocus}>
          <form
            className="flex min-h-0 flex-col gap-4 overflow-y-auto p-5 sm:p-6"
            onSubmit={(event) => {
              event.preventDefault();
              if (!props.busy) props.onConfirm();
            }}
          >
            <div>
              <Radix.Title className="text-base font-semibold tracking-tight wrap-anywhere">
                {props.title}
              </Radix.Title>
              <Radix.Description className="mt-1.5 text-sm text-ink-muted wrap-anywhere">
                {props.description}
              </Radix.Description>
            </div>
            {props.children}
            {props.problem && <ProblemNotice problem={props.problem} />}
            <Actions>
              <Radix.Cancel asChild>
                <Button disabled={props.busy}>Cancel</Button>
              </Radix.Cancel>
              <Button type="submit" variant={props.danger === false ? 'primary' : 'danger'} busy={props.busy}>
                {props.confirm}
              </Button>
            </Actions>
          </form>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
