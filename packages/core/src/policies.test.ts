import { describe, expect, it } from 'vitest';
import { KaanaError } from './errors.ts';
import {
  DAY_MS,
  expiryViolation,
  NO_POLICIES,
  requireKept,
  scopesViolation,
  violationsOf,
  withinPolicies,
} from './policies.ts';

const born = new Date(1_000 * DAY_MS);
const after = (days: number, ms = 0) => new Date(born.getTime() + days * DAY_MS + ms);

describe('a policy on expiry', () => {
  it('demands nothing where there is none', () => {
    expect(expiryViolation(NO_POLICIES, null, born)).toBeNull();
    expect(expiryViolation(NO_POLICIES, after(100_000), born)).toBeNull();
  });

  it('demands an expiry, of whatever length', () => {
    const policies = { ...NO_POLICIES, expiryRequired: true };
    expect(expiryViolation(policies, null, born)?.policy).toBe('expiryRequired');
    expect(expiryViolation(policies, after(100_000), born)).toBeNull();
  });

  it('limits the lifetime, which no expiry at all goes beyond, but for what clocks differ by', () => {
    const policies = { ...NO_POLICIES, maxLifetimeDays: 90 };
    expect(expiryViolation(policies, null, born)?.policy).toBe('maxLifetimeDays');
    expect(expiryViolation(policies, after(90, 3600_000), born)).toBeNull();
    expect(expiryViolation(policies, after(90, 3600_001), born)).toMatchObject({
      policy: 'maxLifetimeDays',
      message: expect.stringContaining(after(90).toISOString()),
    });
  });
});

describe('a policy on scopes', () => {
  it('refuses scopes beyond those allowed, and lets unscoped keys be where nothing is said about them', () => {
    const policies = { ...NO_POLICIES, allowedScopes: ['projects:read', 'usage:read'] as const };
    expect(scopesViolation(policies, ['projects:read'])).toBeNull();
    expect(scopesViolation(policies, null)).toBeNull();
    expect(scopesViolation(policies, ['projects:read', 'keys:write'])).toMatchObject({
      policy: 'allowedScopes',
      message: expect.stringContaining('keys:write'),
    });
  });

  it('refuses keys without scopes where it says so', () => {
    const policies = { ...NO_POLICIES, unscopedAllowed: false };
    expect(scopesViolation(policies, null)?.policy).toBe('unscopedAllowed');
    expect(scopesViolation(policies, ['keys:write'])).toBeNull();
  });

  it('cuts what keys may do', () => {
    const cut = { policies: { ...NO_POLICIES, allowedScopes: ['projects:read' as const] } };
    expect(withinPolicies(cut, ['projects:read', 'keys:write'])).toEqual(['projects:read']);
    expect(withinPolicies({ policies: NO_POLICIES }, ['keys:write'])).toEqual(['keys:write']);
  });
});

it('a refusal names every policy, and the field that breaks it', () => {
  const policies = { ...NO_POLICIES, expiryRequired: true, unscopedAllowed: false };
  const violations = violationsOf(policies, { expiresAt: null, scopes: null }, born);
  let refusal: unknown;
  try {
    requireKept([null, ...violations]);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(KaanaError);
  expect(refusal).toMatchObject({
    code: 'policy_violation',
    errors: [{ path: 'expiresAt' }, { path: 'scopes' }],
  });
  expect((refusal as KaanaError).message).toContain('expiryRequired and unscopedAllowed');
  expect(() => requireKept([null, null])).not.toThrow();
});
