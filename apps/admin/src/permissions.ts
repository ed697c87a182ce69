import type { Permission, Role } from './trpc.ts';

/** What a permission allows, in words; also the order in which they are shown. */
export const PERMISSION_TEXT: Record<Permission, string> = {
  'projects:read': 'See projects',
  'projects:write': 'Create, change and delete projects',
  'keys:read': 'See API keys',
  'keys:write': 'Create, change, rotate and revoke API keys',
  'keys:delegate': 'Make child keys: narrower, short-lived, and gone with the key',
  'keys:verify': 'Check API keys that others present',
  'members:read': 'See members',
  'members:write': 'Invite and change members',
  'usage:read': 'See usage',
  'audit:read': 'Read the audit log',
  'organization:write': 'Change the organization',
};

/** e.g. "see projects; see API keys". */
export const permissionWords = (permissions: readonly Permission[]): string =>
  permissions
    .map((permission) => PERMISSION_TEXT[permission])
    .map((text) => `${text.charAt(0).toLowerCase()}${text.slice(1)}`)
    .join('; ');

export const ROLE_TEXT: Record<Role, { readonly label: string; readonly hint: string }> = {
  admin: { label: 'Admin', hint: "Everything, including members and everyone's API keys" },
  member: { label: 'Member', hint: 'Works on projects, and has API keys of their own' },
  viewer: { label: 'Viewer', hint: 'Reads projects and usage; makes no API keys' },
};

export const ROLE_OPTIONS = (['admin', 'member', 'viewer'] as const).map((value) => ({
  value,
  ...ROLE_TEXT[value],
}));
