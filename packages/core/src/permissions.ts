/** What a principal may do, as `noun:verb`. */
export const PERMISSIONS = [
  'projects:read',
  'projects:write',
  'keys:read',
  'keys:write',
  'keys:delegate',
  'keys:verify',
  'members:read',
  'members:write',
  'usage:read',
  'audit:read',
  'organization:write',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

export const ROLES = ['admin', 'member', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** How far `keys:*` and `usage:read` reach: every key of the organization, or the account's own. */
export type Reach = 'organization' | 'account';

export const ROLE_TABLE: Record<
  Role,
  { readonly reach: Reach; readonly permissions: readonly Permission[] }
> = {
  admin: { reach: 'organization', permissions: PERMISSIONS },
  member: {
    reach: 'account',
    permissions: [
      'projects:read',
      'projects:write',
      'keys:read',
      'keys:write',
      'keys:delegate',
      'usage:read',
    ],
  },
  viewer: { reach: 'account', permissions: ['projects:read', 'keys:read', 'usage:read'] },
};

/** A role's permissions, cut down to the scopes where there are any (`null`: unscoped). */
export const effectivePermissions = (
  role: Role,
  scopes: readonly Permission[] | null,
): readonly Permission[] => {
  const { permissions } = ROLE_TABLE[role];
  return scopes === null ? permissions : permissions.filter((permission) => scopes.includes(permission));
};

/** Those of `wanted` that `held` does not contain. Empty means: may be granted. */
export const missingPermissions = (
  held: readonly Permission[],
  wanted: readonly Permission[],
): readonly Permission[] => wanted.filter((permission) => !held.includes(permission));
