import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effectivePermissions, missingPermissions, PERMISSIONS, ROLE_TABLE, ROLES } from './permissions.ts';
import { PLAN_TABLE, PLANS, requestsPerMinute } from './plans.ts';

const role = fc.constantFrom(...ROLES);
const permissions = fc.subarray([...PERMISSIONS]);

describe('effective permissions', () => {
  it('are the role’s where there are no scopes', () => {
    for (const name of ROLES) expect(effectivePermissions(name, null)).toEqual(ROLE_TABLE[name].permissions);
  });

  it('are those that both the role and the scopes have', () => {
    fc.assert(
      fc.property(role, permissions, (name, scopes) => {
        const held = effectivePermissions(name, scopes);
        for (const permission of PERMISSIONS) {
          const both = ROLE_TABLE[name].permissions.includes(permission) && scopes.includes(permission);
          expect(held.includes(permission)).toBe(both);
        }
      }),
    );
  });

  it('are none for scopes that the role no longer has', () => {
    expect(effectivePermissions('viewer', ['keys:write', 'members:write'])).toEqual([]);
  });
});

describe('roles', () => {
  it('give an admin everything, and a viewer nothing that changes something', () => {
    expect(ROLE_TABLE.admin).toEqual({ reach: 'organization', permissions: PERMISSIONS });
    expect(ROLE_TABLE.viewer.permissions.filter((permission) => !permission.endsWith(':read'))).toEqual([]);
  });

  it('let members and viewers reach their own keys alone', () => {
    expect(ROLE_TABLE.member.reach).toBe('account');
    expect(ROLE_TABLE.viewer.reach).toBe('account');
  });
});

describe('missing permissions', () => {
  it('are those wanted and not held; none means: may be granted', () => {
    fc.assert(
      fc.property(permissions, permissions, (held, wanted) => {
        const missing = missingPermissions(held, wanted);
        expect([...missing, ...wanted.filter((one) => held.includes(one))].toSorted()).toEqual(
          wanted.toSorted(),
        );
        expect(missing.some((one) => held.includes(one))).toBe(false);
      }),
    );
  });
});

describe('plans', () => {
  it('are the ones of the user guide', () => {
    expect(PLAN_TABLE).toEqual({
      standard: { activeKeys: 5, requestsPerMinute: 100 },
      enterprise: { activeKeys: null, requestsPerMinute: 6000 },
    });
    expect(PLANS).toEqual(Object.keys(PLAN_TABLE));
  });

  it('yield to the organization’s own limit, lower or higher', () => {
    expect(requestsPerMinute({ plan: 'standard', requestsPerMinute: null })).toBe(100);
    expect(requestsPerMinute({ plan: 'standard', requestsPerMinute: 7 })).toBe(7);
    expect(requestsPerMinute({ plan: 'enterprise', requestsPerMinute: 50_000 })).toBe(50_000);
  });
});
