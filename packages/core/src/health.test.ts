import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noGhosts } from './ghost-use.ts';
import { assessHealth, type FindingCode, type HealthFacts, quietDaysOf } from './health.ts';
import type { ApiKey, KeyActivity } from './model.ts';
import { DAY_MS, NO_POLICIES } from './policies.ts';

const now = 1_000 * DAY_MS;
const ago = (days: number) => new Date(now - days * DAY_MS);

const keyOf = (change: Partial<ApiKey> = {}): ApiKey => ({
  id: 'key_1',
  organizationId: 'org_1',
  accountId: 'acc_1',
  name: 'k',
  secrets: [],
  status: 'active',
  slot: 0,
  scopes: ['projects:read'],
  scopesMode: 'enforce',
  scopesChangedAt: null,
  allowedIps: null,
  allowedIpsMode: 'enforce',
  allowedIpsChangedAt: null,
  limits: null,
  credits: null,
  createdAt: ago(200),
  expiresAt: ago(-100),
  revokedAt: null,
  revokedReason: null,
  ...change,
});
const activityOf = (days: number, change: Partial<KeyActivity> = {}): KeyActivity => ({
  lastUsedAt: ago(days),
  ip: '192.0.2.1',
  userAgent: 'curl',
  secrets: {},
  permissions: { 'projects:read': ago(days) },
  permissionsSince: ago(100),
  ...change,
});
const ghostsOf = (days: number) => ({
  keyId: 'key_1',
  counts: { ...noGhosts(), rotatedOut: 3 },
  firstAt: ago(days + 1),
  lastAt: ago(days),
  sources: [],
});
const healthOf = (change: Partial<HealthFacts> = {}) =>
  assessHealth({
    key: keyOf(),
    owner: { role: 'member', status: 'active' },
    policies: NO_POLICIES,
    activity: activityOf(1),
    countedAt: null,
    ghosts: null,
    now,
    ...change,
  });
const codesOf = (change: Partial<HealthFacts>) => healthOf(change).findings.map(({ code }) => code);

describe('the health of a key', () => {
  it('is full where nothing speaks against it', () => {
    expect(healthOf()).toEqual({ score: 100, findings: [], safeToRemove: null });
  });

  const FOUND: readonly [FindingCode, Partial<HealthFacts>, Partial<HealthFacts>][] = [
    ['leaked', { key: keyOf({ leakedAt: ago(1) }) }, {}],
    [
      'owner_deactivated',
      { owner: { role: 'member', status: 'deactivated' } },
      { owner: { role: 'member', status: 'active' } },
    ],
    ['ghost_use', { ghosts: ghostsOf(29) }, { ghosts: ghostsOf(30) }],
    [
      'beyond_policy',
      { policies: { ...NO_POLICIES, maxLifetimeDays: 299 } },
      { policies: { ...NO_POLICIES, maxLifetimeDays: 300 } },
    ],
    [
      'unscoped_admin',
      { owner: { role: 'admin', status: 'active' }, key: keyOf({ scopesMode: 'report' }) },
      { owner: { role: 'admin', status: 'active' } },
    ],
    ['idle', { activity: activityOf(90) }, { activity: activityOf(89) }],
    [
      'idle',
      { activity: activityOf(5), policies: { ...NO_POLICIES, idleDays: 5 } },
      { activity: activityOf(4), policies: { ...NO_POLICIES, idleDays: 5 } },
    ],
    [
      'never_used',
      { activity: undefined, key: keyOf({ createdAt: ago(7) }) },
      { activity: undefined, key: keyOf({ createdAt: ago(6) }) },
    ],
    ['expires_soon', { key: keyOf({ expiresAt: ago(-14) }) }, { key: keyOf({ expiresAt: ago(-15) }) }],
    [
      'scope_never_used',
      { activity: activityOf(1, { permissions: {}, permissionsSince: ago(30) }) },
      { activity: activityOf(1, { permissions: {}, permissionsSince: ago(29) }) },
    ],
    ['no_expiry', { key: keyOf({ expiresAt: null }) }, {}],
  ];
  it.each(FOUND)('tells of %s, from where it begins', (code, found, notYet) => {
    const { findings, score } = healthOf(found);
    expect(findings.map((finding) => finding.code)).toEqual([code]);
    expect(findings[0]?.message).toMatch(/^It|^A token/);
    expect(score).toBe(100 - { high: 50, medium: 20, low: 5 }[findings[0]?.severity ?? 'low']);
    expect(codesOf(notYet)).toEqual([]);
  });

  it('does not ask for scopes that were added a while ago only, or that the owner lost', () => {
    const activity = activityOf(1, { permissions: {} });
    expect(codesOf({ activity, key: keyOf({ scopesChangedAt: ago(3) }) })).toEqual([]);
    expect(codesOf({ activity, key: keyOf({ scopes: ['members:write'] }) })).toEqual([]);
  });

  it('believes counts where a last use got lost', () => {
    expect(codesOf({ activity: activityOf(95), countedAt: ago(2) })).toEqual([]);
    expect(codesOf({ activity: undefined, countedAt: ago(2) })).toEqual([]);
  });

  it('of what has ended says only that it is still tried', () => {
    const revoked = keyOf({ status: 'revoked', revokedAt: ago(5), expiresAt: null, leakedAt: ago(6) });
    expect(codesOf({ key: revoked })).toEqual([]);
    expect(codesOf({ key: revoked, ghosts: ghostsOf(1) })).toEqual(['ghost_use']);
    expect(codesOf({ key: keyOf({ expiresAt: ago(1) }), owner: null })).toEqual([]);
  });

  it('never falls below 0, and names the worst first', () => {
    const { score, findings } = healthOf({
      key: keyOf({ leakedAt: ago(1), expiresAt: null }),
      owner: null,
      ghosts: ghostsOf(1),
      activity: undefined,
    });
    expect(score).toBe(0);
    expect(findings[0]?.code).toBe('leaked');
  });
});

describe('safe to remove', () => {
  const reasonOf = (change: Partial<HealthFacts>) => healthOf(change).safeToRemove?.reason ?? null;

  it('names why', () => {
    const expired = keyOf({ expiresAt: ago(30) });
    expect(reasonOf({ key: expired, activity: activityOf(95) })).toBe('expired');
    expect(reasonOf({ owner: null, activity: activityOf(95) })).toBe('owner_deactivated');
    expect(reasonOf({ activity: activityOf(90) })).toBe('idle');
    expect(reasonOf({ activity: undefined, key: keyOf({ createdAt: ago(30) }) })).toBe('never_used');
  });

  it('is nothing that is young, was just rotated, was used or tried, has children, or waits for its callers', () => {
    const secret = { id: 's', digest: 'd', pepperId: 'p', start: '', createdAt: ago(3), expiresAt: null };
    const imported = { externalId: null, fingerprint: '', format: 'sha256', at: ago(200) } as const;
    for (const change of [
      { key: keyOf({ expiresAt: ago(29) }), activity: activityOf(95) },
      { activity: undefined, key: keyOf({ createdAt: ago(29) }) },
      { activity: activityOf(95), key: keyOf({ secrets: [secret] }) },
      { activity: activityOf(95), ghosts: ghostsOf(80) },
      { owner: null, activity: activityOf(80) },
      { key: keyOf({ status: 'revoked' }), activity: undefined },
      { activity: undefined, key: keyOf({ imported: { ...imported, migratedAt: null } }) },
      { activity: activityOf(95), key: keyOf({ delegates: true }) },
      {
        owner: null,
        activity: undefined,
        key: keyOf({ imported: { ...imported, at: ago(3), migratedAt: null } }),
      },
      { activity: undefined, key: keyOf({ imported: { ...imported, at: ago(3), migratedAt: ago(1) } }) },
      // A short policy is no reason to overlook what runs once a month.
      { activity: activityOf(20), policies: { ...NO_POLICIES, idleDays: 5 } },
    ])
      expect(reasonOf(change)).toBeNull();
  });

  it('is never a key that was used or tried within the idle days, whatever else is the case', () => {
    const days = fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined });
    const facts = fc.record({
      used: days,
      counted: days,
      tried: days,
      created: fc.integer({ min: 0, max: 400 }),
      expires: fc.option(fc.integer({ min: -400, max: 400 })),
      owner: fc.constantFrom(null, 'active' as const, 'deactivated' as const),
      idleDays: fc.option(fc.integer({ min: 1, max: 400 })),
      status: fc.constantFrom('active' as const, 'revoked' as const),
    });
    fc.assert(
      fc.property(facts, ({ used, counted, tried, created, expires, owner, idleDays, status }) => {
        const policies = { ...NO_POLICIES, idleDays };
        const { score, safeToRemove } = healthOf({
          key: keyOf({ status, createdAt: ago(created), expiresAt: expires === null ? null : ago(expires) }),
          owner: owner && { role: 'admin', status: owner },
          policies,
          activity: used === undefined ? undefined : activityOf(used),
          countedAt: counted === undefined ? null : ago(counted),
          ghosts: tried === undefined ? null : ghostsOf(tried),
        });
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(100);
        if (!safeToRemove) return;
        const quiet = quietDaysOf(policies);
        for (const seen of [used, counted, tried]) expect(seen ?? quiet).toBeGreaterThanOrEqual(quiet);
        expect(quiet).toBeGreaterThanOrEqual(idleDays ?? 90);
        if (safeToRemove.reason !== 'expired') expect(created).toBeGreaterThanOrEqual(30);
        expect(status).toBe('active');
      }),
      { numRuns: 1_000 },
    );
  });
});
