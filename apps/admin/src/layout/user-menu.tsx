import { useMutation } from '@tanstack/react-query';
import { ChevronsUpDown, CircleUser, LogOut } from 'lucide-react';
import { Link, useNavigate } from 'react-router';
import { ROLE_TEXT } from '../permissions.ts';
import { problemOf } from '../problem.ts';
import { endSession, useUser } from '../session.tsx';
import { trpc } from '../trpc.ts';
import { Menu, MenuItem, MenuLabel, MenuSeparator } from '../ui/menu.tsx';
import { toast } from '../ui/toast.tsx';

const initials = (name: string) =>
  name
    .split(/\s+/)
    .map((word) => word.charAt(0))
    .slice(0, 2)
    .join('')
    .toUpperCase();

export function UserMenu() {
  const user = useUser();
  const navigate = useNavigate();
  const signOut = useMutation(
    trpc.session.signOut.mutationOptions({
      onSuccess: async () => {
        await navigate('/sign-in', { replace: true });
        endSession();
      },
      onError: (error) => toast.error(problemOf(error).detail),
    }),
  );

  return (
    <Menu
      side="top"
      align="start"
      trigger={
        <button
          type="button"
          className="flex w-full items-center gap-2.5 rounded-lg px-2 py-2 text-left transition-colors hover:bg-hover"
        >
          <span
            aria-hidden
            className="grid size-8 shrink-0 place-items-center rounded-full bg-accent-soft text-xs font-semibold text-accent-ink"
          >
            {initials(user.name)}
          </span>
          <span className="min-w-0 flex-1">
            <span className="block truncate text-[0.8125rem] font-medium">{user.name}</span>
            <span className="block truncate text-xs text-ink-muted">
              {user.organization.name} · {ROLE_TEXT[user.role].label}
            </span>
          </span>
          <span className="sr-only">Account menu</span>
          <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-ink-muted" />
        </button>
      }
    >
      <MenuLabel>
        <span className="block font-medium">{user.name}</span>
        <span className="block text-xs text-ink-muted">{user.email}</span>
        <span className="block text-xs text-ink-muted">
          {ROLE_TEXT[user.role].label} of {user.organization.name}
        </span>
      </MenuLabel>
      <MenuSeparator />
      <MenuItem asChild>
        <Link to="/settings/account">
          <CircleUser aria-hidden />
          Account
        </Link>
      </MenuItem>
      <MenuItem icon={<LogOut aria-hidden />} onSelect={() => !signOut.isPending && signOut.mutate()}>
        Sign out
      </MenuItem>
    </Menu>
  );
}
