import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KaanaError } from './errors.ts';
import type { Permission } from './permissions.ts';
import {
  enforcedIps,
  enforcedScopes,
  RESTRICTION_MODES,
  type Restrictions,
  reportedIps,
  reportedScopes,
  settleRestrictions,
  UNRESTRICTED,
} from './restrictions.ts';

const scopes: Permission[] = ['projects:read'];
const others: Permission[] = ['usage:read'];
const allowedIps = ['203.0.113.0/24'];
const refusal = (run: () => unknown): string | undefined => {
  try {
    run();
  } catch (error) {
    return error instanceof KaanaError ? error.code : String(error);
  }
  return undefined;
};

describe('a mode', () => {
  it('decides what a list does: one thing, or nothing', () => {
    for (const mode of RESTRICTION_MODES) {
      const key: Restrictions = { scopes, scopesMode: mode, allowedIps, allowedIpsMode: mode };
      expect(enforcedScopes(key)).toBe(mode === 'enforce' ? scopes : null);
      expect(reportedScopes(key)).toBe(mode === 'report' ? scopes : null);
      expect(enforcedIps(key)).toBe(mode === 'enforce' ? allowedIps : null);
      expect(reportedIps(key)).toBe(mode === 'report' ? allowedIps : null);
    }
  });
});

describe('a change of restrictions', () => {
  it('enforces a first list, unless it says something else', () => {
    expect(settleRestrictions(UNRESTRICTED, { scopes })).toEqual({ scopes, scopesMode: 'enforce' });
    expect(settleRestrictions(UNRESTRICTED, { allowedIps, allowedIpsMode: 'report' })).toEqual({
      allowedIps,
      allowedIpsMode: 'report',
    });
  });

  it('keeps the mode of a list that it replaces, and writes both', () => {
    const held: Restrictions = { ...UNRESTRICTED, scopes, scopesMode: 'report' };
    expect(settleRestrictions(held, { scopes: others })).toEqual({ scopes: others, scopesMode: 'report' });
    expect(settleRestrictions(held, { scopesMode: 'enforce' })).toEqual({ scopesMode: 'enforce' });
  });

  it('forgets the mode with the list, so that the next list is enforced', () => {
    const held: Restrictions = { ...UNRESTRICTED, scopes, scopesMode: 'off' };
    const settled = settleRestrictions(held, { scopes: null });
    expect(settled).toEqual({ scopes: null, scopesMode: 'enforce' });
    expect(settleRestrictions({ ...held, ...settled }, { scopes })).toMatchObject({ scopesMode: 'enforce' });
  });

  it('has no mode for a list that there is not', () => {
    for (const scopesMode of ['report', 'enforce'] as const) {
      expect(refusal(() => settleRestrictions(UNRESTRICTED, { scopesMode }))).toBe('invalid_input');
      const held: Restrictions = { ...UNRESTRICTED, scopes };
      expect(refusal(() => settleRestrictions(held, { scopes: null, scopesMode }))).toBe('invalid_input');
    }
    expect(settleRestrictions(UNRESTRICTED, { scopesMode: 'off', allowedIpsMode: 'off' })).toEqual({});
  });

  it('changes nothing that it does not name', () => {
    expect(
      settleRestrictions({ scopes, scopesMode: 'off', allowedIps, allowedIpsMode: 'report' }, {}),
    ).toEqual({});
  });

  it('holds as a whole, whatever is written at the same moment: a list that was set is in the mode of its setter', () => {
    const list = fc.constantFrom(null, scopes, others);
    const mode = fc.constantFrom(...RESTRICTION_MODES);
    const change = fc.record({ scopes: list, scopesMode: mode }, { requiredKeys: [] });
    fc.assert(
      fc.property(list, mode, change, change, (held, heldMode, first, second) => {
        const before: Restrictions = {
          ...UNRESTRICTED,
          scopes: held,
          scopesMode: held ? heldMode : 'enforce',
        };
        if (
          refusal(() => settleRestrictions(before, first)) ||
          refusal(() => settleRestrictions(before, second))
        )
          return;
        // Both have read the same, and both write.
        const one = settleRestrictions(before, first);
        const two = settleRestrictions(before, second);
        const after = { ...before, ...one, ...two };
        if (two.scopes !== undefined) expect(after).toMatchObject(two);
        if (two.scopes === undefined && two.scopesMode === undefined) expect(after).toMatchObject(one);
        // To enforce never widens what the other one has set.
        if (two.scopesMode === 'enforce') expect(enforcedScopes(after)).toEqual(after.scopes);
      }),
    );
  });
});
