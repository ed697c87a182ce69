import { Suspense, useEffect, useRef } from 'react';
import { Outlet, useLocation } from 'react-router';
import { useUser } from '../session.tsx';
import { LoadingPage } from '../ui/full-page.tsx';
import { Logo } from '../ui/logo.tsx';
import { CommandButton } from './command-button.tsx';
import { MobileNavigation } from './mobile-navigation.tsx';
import { Navigation } from './navigation.tsx';
import { PageBoundary } from './page-boundary.tsx';
import { UserMenu } from './user-menu.tsx';

/** After a change of page, keyboard and screen reader start at its content, as after a full load. */
const useFocusOnNavigation = () => {
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const previous = useRef(pathname);
  useEffect(() => {
    if (previous.current === pathname) return;
    previous.current = pathname;
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [pathname]);
  return { main, pathname };
};

export function AppLayout() {
  const user = useUser();
  const { main, pathname } = useFocusOnNavigation();
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[15.5rem_minmax(0,1fr)]">
      <a
        href="#content"
        className="fixed top-2 left-2 z-60 -translate-y-20 rounded-lg bg-accent px-4 py-2 text-sm font-medium text-on-accent focus:translate-y-0"
      >
        Skip to content
      </a>
      <aside className="sticky top-0 hidden h-dvh flex-col border-r border-line bg-surface lg:flex">
        <div className="flex items-center gap-3 px-5 pt-5 pb-4">
          <Logo />
          <div className="min-w-0">
            <p className="text-[0.9375rem] leading-tight font-semibold tracking-tight">Kaana</p>
            <p className="truncate text-xs text-ink-muted">{user.organization.name}</p>
          </div>
        </div>
        <div className="px-3 pb-3">
          <CommandButton />
        </div>
        <Navigation />
        <div className="border-t border-line p-3">
          <UserMenu />
        </div>
      </aside>
      <div className="min-w-0">
        <MobileNavigation />
        <main
          ref={main}
          id="content"
          tabIndex={-1}
          className="mx-auto w-full max-w-7xl px-4 py-8 sm:px-8 lg:py-10"
        >
          <PageBoundary key={pathname}>
            <Suspense fallback={<LoadingPage />}>
              <Outlet />
            </Suspense>
          </PageBoundary>
        </main>
      </div>
    </div>
  );
}
