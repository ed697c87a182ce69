import bcrypt from 'bcrypt';
import { describe, expect, it, vi } from 'vitest';
import { createPasswords, generatePassword, PASSWORD_COST } from './passwords.ts';

const COST = 4;

describe('a password', () => {
  it('matches itself alone', async () => {
    const passwords = createPasswords(COST);
    const hash = await passwords.hash('correct horse battery');
    expect(await passwords.verify('correct horse battery', hash)).toBe(true);
    for (const wrong of ['', 'correct horse batterz', 'Correct horse battery', 'correct horse battery '])
      expect(await passwords.verify(wrong, hash), wrong).toBe(false);
  });

  it('is not cut at 72 bytes: what is longer matches nothing', async () => {
    const passwords = createPasswords(COST);
    const longest = 'x'.repeat(72);
    const hash = await passwords.hash(longest);
    expect(await passwords.verify(longest, hash)).toBe(true);
    expect(await passwords.verify(`${longest}y`, hash)).toBe(false);
    const umlauts = await passwords.hash('ü'.repeat(36));
    expect(await passwords.verify('ü'.repeat(36), umlauts)).toBe(true);
    expect(await passwords.verify('ü'.repeat(37), umlauts)).toBe(false);
  });

  it('is not cut at a NUL', async () => {
    const passwords = createPasswords(COST);
    const hash = await passwords.hash('before\0after');
    expect(await passwords.verify('before\0other', hash)).toBe(false);
    expect(await passwords.verify('before', hash)).toBe(false);
  });

  it('costs the same work where the account does not exist, and is wrong', async () => {
    const passwords = createPasswords(COST);
    const compare = vi.spyOn(bcrypt, 'compare');
    try {
      expect(await passwords.verify('anything', null)).toBe(false);
      expect(compare).toHaveBeenCalledTimes(1);
      const against = String(compare.mock.calls[0]?.[1]);
      expect(bcrypt.getRounds(against)).toBe(COST);
      expect(against).toHaveLength((await passwords.hash('anything')).length);
    } finally {
      compare.mockRestore();
    }
  });

  it('is hashed at the full cost, unless a test says otherwise', () => {
    expect(PASSWORD_COST).toBeGreaterThanOrEqual(12);
  });
});

describe('the gate before bcrypt', () => {
  it('takes two at a time, lets 100 wait, refuses more with `overloaded`, and works again afterwards', async () => {
    const passwords = createPasswords(COST);
    const hash = await passwords.hash('password');
    const compare = bcrypt.compare;
    let running = 0;
    let most = 0;
    const spy = vi.spyOn(bcrypt, 'compare').mockImplementation((async (data: string, encrypted: string) => {
      most = Math.max(most, ++running);
      try {
        return await compare(data, encrypted);
      } finally {
        running--;
      }
    }) as typeof bcrypt.compare);
    try {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 110 }, () => passwords.verify('password', hash)),
      );
      expect(most).toBe(2);
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value)).toHaveLength(102);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'overloaded' });
      expect(await passwords.verify('password', hash)).toBe(true);
    } finally {
      spy.mockRestore();
    }
  });

  it('is not left closed by work that fails', async () => {
    const passwords = createPasswords(COST);
    const failures = await Promise.allSettled(
      Array.from({ length: 5 }, () => passwords.verify('x', undefined as unknown as string)),
    );
    expect(failures).toHaveLength(5);
    expect(await passwords.verify('password', await passwords.hash('password'))).toBe(true);
  });
});

describe('a generated password', () => {
  it('is 20 characters of 32 that cannot be mistaken for each other, in groups', () => {
    for (let count = 0; count < 200; count++) {
      expect(generatePassword()).toMatch(/^[a-km-z2-9A-C]{5}(-[a-km-z2-9A-C]{5}){3}$/);
      expect(generatePassword()).not.toMatch(/[il01o]/);
    }
  });

  it('draws from all 32, and never the same twice', () => {
    const many = Array.from({ length: 500 }, generatePassword);
    expect(new Set(many).size).toBe(500);
    expect(new Set(many.join('').replaceAll('-', '')).size).toBe(32);
  });
});
