import { type ReactNode, useEffect } from 'react';
import { cn } from './cn.ts';

export const useDocumentTitle = (title: string): void => {
  useEffect(() => {
    document.title = `${title} · Kaana`;
  }, [title]);
};

type PageHeaderProps = { title: string; description?: ReactNode; actions?: ReactNode };

/** The heading of a page, which also names the browser's tab. */
export function PageHeader({ title, description, actions }: PageHeaderProps) {
  useDocumentTitle(title);
  return (
    <header className="mb-6 flex flex-wrap items-start justify-between gap-x-6 gap-y-4">
      <div className="min-w-0 max-w-2xl">
        <h1 className="text-2xl font-semibold tracking-[-0.02em]">{title}</h1>
        {description && <p className="mt-1.5 text-sm text-ink-muted">{description}</p>}
      </div>
      {actions && <div className="flex gap-2">{actions}</div>}
    </header>
  );
}

type StackProps = { gap?: 'small' | 'large'; children: ReactNode };

export function Stack({ gap = 'large', children }: StackProps) {
  return <div className={cn('flex min-w-0 flex-col', gap === 'large' ? 'gap-6' : 'gap-3')}>{children}</div>;
}

/** Loads the page of a list that comes after what is shown. */
export function Centered({ children }: { children: ReactNode }) {
  return <div className="mt-4 flex justify-center">{children}</div>;
}
