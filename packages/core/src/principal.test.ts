import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesOf } from './principal.ts';

type Entity = {
  name: string;
  scopes: readonly string[] | null;
  expiresAt: Date | null;
  limit?: number | undefined;
};
const current: Entity = { name: 'old', scopes: ['a', 'b'], expiresAt: new Date(0) };

describe('the changes of an entity', () => {
  it('are the fields that differ, before and after, dates as ISO 8601', () => {
    expect(changesOf(current, { name: 'new', expiresAt: new Date(1000) })).toEqual({
      name: { from: 'old', to: 'new' },
      expiresAt: { from: '1970-01-01T00:00:00.000Z', to: '1970-01-01T00:00:01.000Z' },
    });
  });

  it('are none where nothing differs, or nothing is named', () => {
    expect(changesOf(current, { name: 'old', scopes: ['a', 'b'], expiresAt: new Date(0) })).toBeNull();
    expect(changesOf(current, {})).toBeNull();
    expect(changesOf(current, { limit: undefined })).toBeNull();
    expect(changesOf({ ...current, scopes: null }, { scopes: null })).toBeNull();
  });

  it('tell clearing from setting', () => {
    expect(changesOf(current, { scopes: null })).toEqual({ scopes: { from: ['a', 'b'], to: null } });
    expect(changesOf(current, { limit: 0 })).toEqual({ limit: { from: null, to: 0 } });
  });

  it('lead from before to after when they are applied', () => {
    const entity = fc.record({
      name: fc.string(),
      scopes: fc.option(fc.array(fc.constantFrom('a', 'b', 'c'))),
      expiresAt: fc.option(fc.date({ noInvalidDate: true })),
    });
    fc.assert(
      fc.property(entity, entity, (before, after) => {
        const changes = changesOf<typeof before>(before, after) ?? {};
        const plain = (value: object) => JSON.parse(JSON.stringify(value)) as object;
        const applied = Object.fromEntries(Object.entries(changes).map(([field, { to }]) => [field, to]));
        expect({ ...plain(before), ...plain(applied) }).toEqual(plain(after));
      }),
    );
  });
});
