import { type ReactNode, useLayoutEffect, useRef, useState } from 'react';
import type { Problem } from '../problem.ts';
import { cn } from './cn.ts';
import { ProblemNotice } from './notice.tsx';

type FormProps = {
  onSubmit: () => void;
  /** While true, a second submit is ignored. */
  busy: boolean;
  problem: Problem | null;
  /** On a page, where the lines would become too long; a dialog is narrow by itself. */
  narrow?: boolean;
  children: ReactNode;
};

/**
 * A form that submits on Enter, once; what is wrong with fields of it, by its own look or by the answer, moves the focus
 * to the first of them, and any other error stands above the fields.
 */
export function Form({ onSubmit, busy, problem, narrow = false, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [marked, setMarked] = useState(false);
  const [attempts, setAttempts] = useState(0);
  useLayoutEffect(() => {
    if (!problem && attempts === 0) return;
    const first = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    first?.closest('details')?.setAttribute('open', '');
    first?.focus();
    setMarked(Boolean(first));
  }, [problem, attempts]);

  return (
    <form
      ref={form}
      noValidate
      className={cn('flex min-w-0 flex-col gap-5', narrow && 'max-w-md')}
      onSubmit={(event) => {
        event.preventDefault();
        // A dialog's form may sit, in React's tree, inside another form.
        event.stopPropagation();
        if (busy) return;
        onSubmit();
        setAttempts((before) => before + 1);
      }}
    >
      {problem && !marked && <ProblemNotice problem={problem} />}
      {children}
    </form>
  );
}
