import { cloneElement, lazy, type ReactElement, Suspense, useState } from 'react';
import type { MenuProps } from './menu-parts.tsx';

/** What opens on demand is loaded on demand; pointing at a button or reaching it by keyboard is reason enough. */
const load = () => import('./menu-parts.tsx');
const OpenMenu = lazy(() => load().then((m) => ({ default: m.OpenMenu })));
export const MenuItem = lazy(() => load().then((m) => ({ default: m.MenuItem })));
export const MenuSeparator = lazy(() => load().then((m) => ({ default: m.MenuSeparator })));
export const MenuLabel = lazy(() => load().then((m) => ({ default: m.MenuLabel })));

type Trigger = ReactElement<{
  onClick?: () => void;
  onPointerEnter?: () => void;
  onFocus?: () => void;
  'aria-haspopup'?: 'menu';
  'aria-expanded'?: boolean;
}>;

/** A button that opens a list of things to do. */
export function Menu({ trigger, ...props }: Omit<MenuProps, 'trigger'> & { trigger: Trigger }) {
  const [wanted, setWanted] = useState(false);
  const closed = cloneElement(trigger, {
    onClick: () => setWanted(true),
    onPointerEnter: () => void load(),
    onFocus: () => void load(),
    'aria-haspopup': 'menu',
    'aria-expanded': false,
  });
  if (!wanted) return closed;
  return (
    <Suspense fallback={closed}>
      <OpenMenu {...props} trigger={trigger} />
    </Suspense>
  );
}
