import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freeSlot, statusOf } from './keys.ts';

describe('a free slot', () => {
  it('is the lowest below the limit that nobody has, and there is none when all are taken', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(12)), fc.nat(8), (taken, limit) => {
        const slot = freeSlot(taken, limit);
        const free = Array.from({ length: limit }, (_, index) => index).filter(
          (index) => !taken.includes(index),
        );
        expect(slot).toBe(free[0] ?? null);
      }),
    );
  });

  it('does not mistake a slot beyond the limit for one that counts', () => {
    expect(freeSlot([1_000_000, 7], 5)).toBe(0);
    expect(freeSlot([0, 1, 2, 3, 4], 5)).toBeNull();
  });
});

describe('the status of a key', () => {
  const at = new Date(1_000);

  it('is expired from the very millisecond on', () => {
    expect(statusOf({ status: 'active', expiresAt: at }, 999)).toBe('active');
    expect(statusOf({ status: 'active', expiresAt: at }, 1_000)).toBe('expired');
  });

  it('is revoked for good, whether it expires or not', () => {
    expect(statusOf({ status: 'revoked', expiresAt: at }, 999)).toBe('revoked');
    expect(statusOf({ status: 'revoked', expiresAt: at }, 1_001)).toBe('revoked');
  });

  it('is active for ever where there is no expiry', () => {
    expect(statusOf({ status: 'active', expiresAt: null }, Number.MAX_SAFE_INTEGER)).toBe('active');
  });
});
