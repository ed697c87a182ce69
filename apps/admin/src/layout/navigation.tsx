import {
  BookOpen,
  Building2,
  ChartColumn,
  CircleUser,
  FolderClosed,
  KeyRound,
  type LucideIcon,
  ScrollText,
  Settings,
  Users,
  Webhook,
} from 'lucide-react';
import { Link, NavLink } from 'react-router';
import { cn } from '../ui/cn.ts';

type Item = { readonly to: string; readonly label: string; readonly icon: LucideIcon };

const MAIN: readonly Item[] = [
  { to: '/projects', label: 'Projects', icon: FolderClosed },
  { to: '/members', label: 'Members', icon: Users },
  { to: '/usage', label: 'Usage', icon: ChartColumn },
  { to: '/audit-log', label: 'Audit log', icon: ScrollText },
];
const HELP: readonly Item[] = [{ to: '/reference', label: 'API reference', icon: BookOpen }];
const SETTINGS: readonly Item[] = [
  { to: '/settings/api-keys', label: 'API Keys', icon: KeyRound },
  { to: '/settings/organization', label: 'Organization', icon: Building2 },
  { to: '/settings/webhooks', label: 'Webhooks', icon: Webhook },
  { to: '/settings/account', label: 'Account', icon: CircleUser },
];

const linkClass = 'flex items-center gap-2.5 rounded-lg px-2.5 py-1.5 text-sm font-medium transition-colors';
const quietClass = 'text-ink-muted hover:bg-hover hover:text-ink';

function Items({ items }: { items: readonly Item[] }) {
  return (
    <ul className="flex flex-col gap-0.5">
      {items.map(({ to, label, icon: Icon }) => (
        <li key={to}>
          <NavLink
            to={to}
            className={({ isActive }) =>
              cn(linkClass, isActive ? 'bg-accent-soft text-accent-ink' : quietClass)
            }
          >
            <Icon aria-hidden className="size-4 shrink-0" />
            {label}
          </NavLink>
        </li>
      ))}
    </ul>
  );
}

export function Navigation() {
  return (
    <nav aria-label="Main" className="flex flex-1 flex-col gap-6 overflow-y-auto px-3 py-2">
      <Items items={MAIN} />
      <div>
        <Link to="/settings" className={cn(linkClass, quietClass, 'mb-0.5')}>
          <Settings aria-hidden className="size-4 shrink-0" />
          Settings
        </Link>
        <div className="ml-4.5 border-l border-line pl-2">
          <Items items={SETTINGS} />
        </div>
      </div>
      <div className="mt-auto">
        <Items items={HELP} />
      </div>
    </nav>
  );
}
