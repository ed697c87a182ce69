import { describe, expect, it } from 'vitest';
import { type Permission, ROLE_TABLE } from './permissions.ts';
import { type Observation, suggestScopes } from './scope-suggestion.ts';

const DAY_MS = 24 * 3600_000;
const now = 100 * DAY_MS;
const at = (day: number) => new Date(day * DAY_MS);
const owner = ROLE_TABLE.member.permissions;
const suggest = (change: Partial<Observation>) =>
  suggestScopes({
    key: { scopes: null, scopesMode: 'enforce' },
    owner,
    activity: { permissionsSince: at(60), permissions: { 'usage:read': at(99), 'projects:read': at(61) } },
    requests: 1_000,
    now,
    ...change,
  });

describe('a suggestion of scopes', () => {
  it('is what was used, no more, with its evidence', () => {
    expect(suggest({})).toEqual({
      observedSince: at(60),
      observedDays: 40,
      requests: 1_000,
      suggested: ['projects:read', 'usage:read'],
      enough: true,
      cautions: [],
      evidence: [
        { permission: 'projects:read', lastUsedAt: at(61) },
        { permission: 'projects:write', lastUsedAt: null },
        { permission: 'keys:read', lastUsedAt: null },
        { permission: 'keys:write', lastUsedAt: null },
        { permission: 'keys:delegate', lastUsedAt: null },
        { permission: 'usage:read', lastUsedAt: at(99) },
      ],
    });
  });

  it('is none where nothing was observed, or only what needs no permission', () => {
    expect(suggest({ activity: undefined, requests: 0 })).toMatchObject({
      observedSince: null,
      suggested: null,
      enough: false,
      cautions: ['No use of this key has been observed yet.'],
    });
    const idle = suggest({ activity: { permissionsSince: at(60), permissions: {} } });
    expect(idle).toMatchObject({ suggested: null, enough: false });
  });

  it('says where too little was observed', () => {
    const activity = { permissionsSince: at(99), permissions: { 'projects:read': at(99) } };
    const { enough, cautions, suggested } = suggest({ activity, requests: 1 });
    expect(enough).toBe(false);
    expect(suggested).toEqual(['projects:read']);
    expect(cautions[0]).toContain('Observed for 1 day:');
    expect(cautions[1]).toContain('Only 1 request since');
  });

  it('suggests nothing that the owner may no longer do, and says that enforced scopes hide', () => {
    const scopes: Permission[] = ['projects:read', 'members:read'];
    const { suggested, enough, cautions, evidence } = suggest({
      key: { scopes, scopesMode: 'enforce' },
      activity: {
        permissionsSince: at(10),
        permissions: { 'members:read': at(20), 'projects:read': at(90) },
      },
    });
    expect(suggested).toEqual(['projects:read']);
    expect(enough).toBe(true);
    expect(cautions).toHaveLength(1);
    expect(evidence.map(({ permission }) => permission)).toEqual(['projects:read', 'members:read']);
    const reported = suggest({ key: { scopes, scopesMode: 'report' } });
    expect(reported.cautions).toEqual([]);
    expect(reported.evidence).toHaveLength(owner.length);
  });

  it('is not thrown off by a clock that is behind', () => {
    const activity = { permissionsSince: at(101), permissions: { 'projects:read': at(101) } };
    expect(suggest({ activity })).toMatchObject({ observedDays: 0, enough: false });
  });
});
