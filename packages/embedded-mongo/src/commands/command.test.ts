import { describe, expect, test } from 'vitest';
import { Double, Int32 } from '../values/types.ts';
import { checkNamespace, countField, docField, flagField, refuseUnknown } from './command.ts';

describe('names of collections', () => {
  test.each(['', '.x', 'a\0b', 'a$b'])('%j is refused, every time', (name) => {
    expect(() => checkNamespace('test', name)).toThrow(/Invalid/);
    expect(() => checkNamespace('test', name)).toThrow(/Invalid/);
  });

  test('others are taken, with their database', () => {
    expect(checkNamespace('test', 'a.b')).toBe('test.a.b');
    expect(checkNamespace('other', 'a.b')).toBe('other.a.b');
    expect(checkNamespace('test', 'a.b')).toBe('test.a.b');
    expect(() => checkNamespace('test', 'x'.repeat(255))).toThrow(/too long/);
  });
});

describe('fields of a command', () => {
  test('flags are booleans or numbers', () => {
    expect([true, false, new Int32(1), new Double(0), null].map((x) => flagField({ x }, 'x'))).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
    expect(() => flagField({ x: 'yes' }, 'x')).toThrow(/is the wrong type 'string'/);
  });

  test('counts are not negative, and documents are documents', () => {
    expect(countField({ x: new Double(3.7) }, 'x')).toBe(3);
    expect(() => countField({ x: new Int32(-1) }, 'x')).toThrow(/must be >= 0/);
    expect(() => docField({ x: [] }, 'x')).toThrow(/expected type 'object'/);
  });

  test('one that nobody knows is refused', () => {
    expect(() => refuseUnknown({ a: 1, b: 2 }, 'find', ['a'])).toThrow("'find.b' is an unknown field");
    expect(() => refuseUnknown({ a: 1 }, 'find', new Set(['a']))).not.toThrow();
  });
});
