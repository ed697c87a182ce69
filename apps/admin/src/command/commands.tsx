import {
  BookOpen,
  Building2,
  ChartColumn,
  CircleUser,
  FolderClosed,
  FolderPlus,
  KeyRound,
  type LucideIcon,
  Moon,
  Plus,
  ScrollText,
  Sun,
  SunMoon,
  UserPlus,
  Users,
  Webhook,
} from 'lucide-react';
import { setTheme } from '../theme.ts';
import type { Permission } from '../trpc.ts';

export type Command = {
  readonly id: string;
  readonly group: 'Keys' | 'Do' | 'Go to' | 'Appearance';
  readonly label: string;
  readonly hint?: string;
  /** What else somebody may type for it. */
  readonly words?: string;
  readonly icon: LucideIcon;
  readonly needs?: Permission;
} & ({ readonly to: string } | { readonly run: () => void });

export const COMMANDS: readonly Command[] = [
  {
    id: 'create-key',
    group: 'Do',
    label: 'Create API key',
    words: 'new add token',
    icon: Plus,
    needs: 'keys:write',
    to: '/settings/api-keys?create',
  },
  {
    id: 'create-project',
    group: 'Do',
    label: 'New project',
    words: 'create add',
    icon: FolderPlus,
    needs: 'projects:write',
    to: '/projects?create',
  },
  {
    id: 'invite',
    group: 'Do',
    label: 'Invite member',
    words: 'add user person colleague',
    icon: UserPlus,
    needs: 'members:write',
    to: '/members?invite',
  },
  {
    id: 'keys',
    group: 'Go to',
    label: 'API Keys',
    words: 'tokens secrets',
    icon: KeyRound,
    to: '/settings/api-keys',
  },
  {
    id: 'unused',
    group: 'Go to',
    label: 'Keys unused for longest',
    words: 'idle old stale remove clean',
    icon: KeyRound,
    to: '/settings/api-keys?status=active&sort=lastUsed-asc',
  },
  {
    id: 'expiring',
    group: 'Go to',
    label: 'Keys that expire next',
    words: 'expiry expiration',
    icon: KeyRound,
    to: '/settings/api-keys?status=active&sort=expires-asc',
  },
  { id: 'projects', group: 'Go to', label: 'Projects', icon: FolderClosed, to: '/projects' },
  {
    id: 'usage',
    group: 'Go to',
    label: 'Usage',
    words: 'requests statistics analytics chart',
    icon: ChartColumn,
    to: '/usage',
  },
  {
    id: 'audit',
    group: 'Go to',
    label: 'Audit log',
    words: 'history changes events',
    icon: ScrollText,
    to: '/audit-log',
  },
  {
    id: 'members',
    group: 'Go to',
    label: 'Members',
    words: 'people users team',
    icon: Users,
    to: '/members',
  },
  {
    id: 'organization',
    group: 'Go to',
    label: 'Organization',
    words: 'plan limits settings',
    icon: Building2,
    to: '/settings/organization',
  },
  {
    id: 'webhooks',
    group: 'Go to',
    label: 'Webhooks',
    words: 'events notifications callbacks deliveries',
    icon: Webhook,
    needs: 'organization:write',
    to: '/settings/webhooks',
  },
  {
    id: 'account',
    group: 'Go to',
    label: 'Account',
    words: 'password sessions profile sign out',
    icon: CircleUser,
    to: '/settings/account',
  },
  {
    id: 'reference',
    group: 'Go to',
    label: 'API reference',
    words: 'docs rest openapi',
    icon: BookOpen,
    to: '/reference',
  },
  { id: 'light', group: 'Appearance', label: 'Light theme', icon: Sun, run: () => setTheme('light') },
  { id: 'dark', group: 'Appearance', label: 'Dark theme', icon: Moon, run: () => setTheme('dark') },
  {
    id: 'system',
    group: 'Appearance',
    label: "The device's theme",
    words: 'system',
    icon: SunMoon,
    run: () => setTheme('system'),
  },
];

/** Every word that is typed begins a word of the command. */
export const matches = ({ label, words = '', group }: Command, typed: string): boolean => {
  const known = `${label} ${words} ${group}`.toLowerCase().split(/\s+/);
  return typed
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((part) => known.some((word) => word.startsWith(part)));
};
