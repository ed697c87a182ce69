import { describe, expect, it } from 'vitest';
import type { SuggestedScopes } from '../../trpc.ts';
import { narrowing, usageText } from './scope-proposal.ts';

const suggested: SuggestedScopes['suggested'] = ['projects:read'];

describe('the way to a key that may do what it uses', () => {
  it('begins with a report, and ends with enforcement', () => {
    const first = narrowing({ scopes: null, scopesMode: 'off' }, { suggested });
    expect(first?.proposal).toEqual({ scopes: suggested, scopesMode: 'report' });
    const second = narrowing({ scopes: ['projects:read'], scopesMode: 'report' }, { suggested });
    expect(second?.proposal).toEqual({ scopes: suggested, scopesMode: 'enforce' });
    expect(narrowing({ scopes: ['projects:read'], scopesMode: 'enforce' }, { suggested })).toBeNull();
  });

  it('begins anew where the use has changed since the trial began', () => {
    const step = narrowing({ scopes: ['projects:read', 'keys:read'], scopesMode: 'report' }, { suggested });
    expect(step?.proposal.scopesMode).toBe('report');
  });

  it('never lets a key do more meanwhile than it may now', () => {
    const held = narrowing({ scopes: ['projects:read', 'keys:read'], scopesMode: 'enforce' }, { suggested });
    expect(held?.proposal).toEqual({ scopes: suggested, scopesMode: 'enforce' });
    // Seen before the key was narrowed.
    expect(
      narrowing(
        { scopes: ['projects:read'], scopesMode: 'enforce' },
        { suggested: ['projects:read', 'usage:read'] },
      ),
    ).toBeNull();
  });

  it('needs some use', () => {
    expect(narrowing({ scopes: null, scopesMode: 'off' }, { suggested: null })).toBeNull();
  });
});

it('is told in one sentence', () => {
  const answer = (used: number, all: number, requests: number): SuggestedScopes => ({
    keyId: 'key',
    suggested: null,
    enough: true,
    cautions: [],
    observedSince: null,
    observedDays: 30,
    requests,
    scopes: null,
    scopesMode: 'off',
    permissions: Array.from({ length: all }, (_, index) => ({
      permission: 'projects:read',
      lastUsedAt: index < used ? '2026-01-01T00:00:00.000Z' : null,
    })),
  });
  expect(usageText(answer(2, 5, 1), 'today')).toBe('Uses 2 of its 5 permissions since today, in 1 request.');
  expect(usageText(answer(5, 5, 2), 'today')).toBe(
    'Uses all 5 of its permissions since today, in 2 requests.',
  );
});
