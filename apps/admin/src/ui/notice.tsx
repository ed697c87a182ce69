import { cva, type VariantProps } from 'class-variance-authority';
import { CircleAlert, Info, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Problem } from '../problem.ts';

const notice = cva('flex gap-3 rounded-lg px-3.5 py-3 text-[0.8125rem]', {
  variants: {
    tone: {
      info: 'bg-accent-soft text-accent-ink',
      warning: 'bg-warn-soft text-warn-ink',
      danger: 'bg-danger-soft text-danger-ink',
    },
  },
  defaultVariants: { tone: 'info' },
});

const ICONS = { info: Info, warning: TriangleAlert, danger: CircleAlert };

type NoticeProps = VariantProps<typeof notice> & {
  title?: string;
  role?: 'alert' | 'status';
  children?: ReactNode;
};

export function Notice({ tone, title, role, children }: NoticeProps) {
  const Icon = ICONS[tone ?? 'info'];
  return (
    <div role={role} className={notice({ tone })}>
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 wrap-anywhere">
        {title && <p className="font-semibold">{title}</p>}
        {children}
      </div>
    </div>
  );
}

/** What the server said. A conflict's title says nothing that its detail does not say better. */
export function ProblemNotice({ problem }: { problem: Problem }) {
  return (
    <Notice tone="danger" role="alert" {...(problem.status === 409 ? {} : { title: problem.title })}>
      <p>{problem.detail}</p>
      {problem.requestId && problem.status >= 500 && (
        <p className="mt-1">
          Request id: <code className="font-mono">{problem.requestId}</code>
        </p>
      )}
    </Notice>
  );
}
