import { describe, expect, it } from 'vitest';
import { readCredits, toCreditDraft } from './credit-draft.ts';
import { limitError, limitText, newLimit, readLimits, toLimitDrafts, windowOptions } from './limit-draft.ts';

const limit = (name: string, limit: number, windowSeconds: number) => ({ name, limit, windowSeconds });

describe('named limits', () => {
  it('are given back as they were, whatever their window', () => {
    const limits = [limit('daily', 500, 86_400), limit('odd', 1, 77)];
    expect(readLimits(toLimitDrafts(limits))).toEqual(limits);
    expect(windowOptions('77').at(-1)).toEqual({ value: '77', label: 'in any 77 seconds' });
    expect(windowOptions('60')).toHaveLength(6);
  });

  it('are told in words', () => {
    expect(limitText(limit('a', 1, 60))).toBe('1 request in any minute');
    expect(limitText(limit('a', 5_000, 7 * 86_400))).toBe('5,000 requests in any 7 days');
    expect(limitText(limit('a', 2, 7_200))).toBe('2 requests in any 2 hours');
    expect(limitText(limit('a', 2, 90))).toBe('2 requests in any 90 seconds');
  });

  it('are not read while one of them is wrong', () => {
    expect(readLimits([newLimit()])).toBeNull();
    const [one] = toLimitDrafts([limit('daily', 5, 60)]);
    if (!one) throw new Error('one in, none out');
    for (const wrong of [
      { name: 'Daily' },
      { name: '-a' },
      { limit: '0' },
      { limit: '1.5' },
      { limit: '9999999999' },
    ]) {
      const row = { ...one, ...wrong };
      expect(limitError(row, [row])).toBeDefined();
    }
    expect(readLimits([one, { ...one, id: 'other' }])).toBeNull();
  });
});

describe('credits', () => {
  const metered = {
    remaining: 7,
    refill: { amount: 100, every: 'month' as const },
    refillsAt: null,
  };

  it('are none unless somebody wants them, and begin with what is typed', () => {
    const none = toCreditDraft(null);
    expect(readCredits(none)).toEqual({ change: null, errors: {} });
    expect(readCredits({ ...none, action: 'set', amount: '10' }).change).toEqual({
      remaining: 10,
      refill: null,
    });
  });

  it('keep their refill unless it is changed', () => {
    const draft = toCreditDraft(metered);
    expect(readCredits({ ...draft, amount: '5' }).change).toEqual({ add: 5, refill: metered.refill });
    expect(readCredits({ ...draft, action: 'keep', every: '86400' }).change).toEqual({
      refill: { amount: 100, every: 86_400 },
    });
    expect(readCredits({ ...draft, action: 'take' }).change).toEqual({ remaining: null });
  });

  it('are whole numbers', () => {
    const draft = toCreditDraft(metered);
    for (const amount of ['', '0', '1.5', '-3', 'x', '9999999999999']) {
      expect(readCredits({ ...draft, amount })).toMatchObject({
        change: null,
        errors: { amount: expect.anything() },
      });
    }
    expect(readCredits({ ...draft, action: 'set', amount: '0' }).change).toMatchObject({ remaining: 0 });
    expect(readCredits({ ...draft, amount: '1', refillTo: '' }).errors).toHaveProperty('refillTo');
  });
});
