import type { LucideIcon } from 'lucide-react';
import { CircleAlert, CloudOff } from 'lucide-react';
import type { ReactNode } from 'react';
import { isUnavailable, problemOf } from '../problem.ts';
import { Button } from './button.tsx';

type EmptyStateProps = { icon: LucideIcon; title: string; action?: ReactNode; children?: ReactNode };

/** Nothing here, and why, and what to do about it. */
export function EmptyState({ icon: Icon, title, action, children }: EmptyStateProps) {
  return (
    <div className="flex flex-col items-center rounded-xl border border-dashed border-line bg-surface px-6 py-14 text-center">
      <div className="mb-4 grid size-11 place-items-center rounded-xl bg-accent-soft text-accent-ink">
        <Icon aria-hidden className="size-5" />
      </div>
      <p className="text-[0.9375rem] font-semibold tracking-tight">{title}</p>
      <div className="mt-1 max-w-md text-sm text-ink-muted">{children}</div>
      {action && <div className="mt-5">{action}</div>}
    </div>
  );
}

type ErrorStateProps = { error: unknown; onRetry?: () => void };

export function ErrorState({ error, onRetry }: ErrorStateProps) {
  const problem = problemOf(error);
  const Icon = isUnavailable(problem) ? CloudOff : CircleAlert;
  return (
    <div
      role="alert"
      className="flex flex-col items-center rounded-xl border border-line bg-surface px-6 py-12 text-center shadow-raised"
    >
      <div className="mb-4 grid size-11 place-items-center rounded-xl bg-danger-soft text-danger-ink">
        <Icon aria-hidden className="size-5" />
      </div>
      <p className="text-[0.9375rem] font-semibold tracking-tight">{problem.title}</p>
      <p className="mt-1 max-w-md text-sm text-ink-muted">{problem.detail}</p>
      {problem.requestId && (
        <p className="mt-3 text-xs text-ink-muted">
          Request id: <code className="font-mono wrap-anywhere">{problem.requestId}</code>
        </p>
      )}
      {onRetry && (
        <div className="mt-5">
          <Button onClick={onRetry}>Try again</Button>
        </div>
      )}
    </div>
  );
}
