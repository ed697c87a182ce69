import { describe, expect, it } from 'vitest';
import type { Policies } from '../../trpc.ts';
import { changedPolicies, readDraft, toDraft } from './policy-draft.ts';
import { impactLines, policyChanges, standingRevocations } from './policy-text.ts';

const NONE: Policies = {
  maxLifetimeDays: null,
  expiryRequired: false,
  idleDays: null,
  idleAction: 'flag',
  allowedScopes: null,
  unscopedAllowed: true,
  onLeak: 'notify',
};

describe('the form', () => {
  it('gives back the policies that it was filled with', () => {
    for (const policies of [NONE, { ...NONE, idleDays: 30, allowedScopes: ['projects:read' as const] }]) {
      expect(readDraft(toDraft(policies))).toEqual({ policies, errors: null });
    }
  });

  it.each(['0', '3651', '1.5', '-1', 'many', '1e2'])('takes %s for no number of days', (typed) => {
    const { errors } = readDraft({ ...toDraft(NONE), idleDays: typed, maxLifetimeDays: typed });
    expect(Object.keys(errors ?? {}).toSorted()).toEqual(['idleDays', 'maxLifetimeDays']);
  });

  it('asks for a permission where only chosen ones are allowed', () => {
    expect(readDraft({ ...toDraft(NONE), reach: 'chosen' }).errors).toHaveProperty('allowedScopes');
  });

  it('sends only what was changed', () => {
    const two = { ...NONE, allowedScopes: ['projects:read' as const, 'keys:read' as const] };
    expect(changedPolicies(two, { ...two, allowedScopes: two.allowedScopes.toReversed() })).toEqual({});
    expect(changedPolicies(two, { ...two, idleDays: 3, allowedScopes: null })).toEqual({
      idleDays: 3,
      allowedScopes: null,
    });
  });
});

describe('what is told before saving', () => {
  it('names each change once, in words', () => {
    expect(policyChanges(NONE, NONE)).toEqual([]);
    expect(policyChanges(NONE, { ...NONE, idleDays: 1, idleAction: 'disable' })).toEqual([
      {
        term: 'Unused keys',
        from: 'Nothing happens to them',
        to: 'Revoked, for good, after 1 day without use',
      },
    ]);
  });

  it('warns of what will revoke keys by itself, where that is new or comes sooner', () => {
    const disabling = { ...NONE, idleDays: 30, idleAction: 'disable' as const };
    expect(standingRevocations(NONE, disabling)).toHaveLength(1);
    expect(standingRevocations(disabling, { ...disabling, idleDays: 20 })).toHaveLength(1);
    expect(standingRevocations(disabling, { ...disabling, idleDays: 40 })).toEqual([]);
    expect(standingRevocations(disabling, { ...disabling, expiryRequired: true })).toEqual([]);
    expect(standingRevocations(NONE, { ...NONE, onLeak: 'revoke' })).toHaveLength(1);
    // Without a number of days nothing is idle.
    expect(standingRevocations(NONE, { ...NONE, idleAction: 'disable' })).toEqual([]);
  });

  it('counts the keys that are there, and says nothing of what happens to none', () => {
    const none = {
      checkedKeys: 9,
      complete: true,
      revoked: 0,
      narrowed: 0,
      violating: 0,
      idle: 0,
      examples: [],
    };
    expect(impactLines(none)).toEqual([]);
    expect(
      impactLines({ ...none, revoked: 1, violating: 2 }).map((line) => line.split(' ').slice(0, 3).join(' ')),
    ).toEqual(['1 key is', '2 keys do']);
  });
});
