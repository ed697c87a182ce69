import { Slot } from 'radix-ui';
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
        <h1 className="text-2xl font-semibold tracking-[-0.02em] wrap-anywhere">{title}</h1>
        {description && <div className="mt-1.5 text-sm text-ink-muted">{description}</div>}
      </div>
      {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
    </header>
  );
}

/** A link inside a text. */
export function TextLink({ children }: { asChild: true; children: ReactNode }) {
  return (
    <Slot.Root className="rounded-sm text-accent-ink underline decoration-line-strong underline-offset-3 hover:decoration-current">
      {children}
    </Slot.Root>
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
