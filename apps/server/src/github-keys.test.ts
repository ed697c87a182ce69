import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createGithubKeys } from './github-keys.ts';

const pem = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).publicKey.export({ type: 'spki', format: 'pem' }).toString();

type Published = { key_identifier: string; key: string; is_current?: boolean }[];

const open = (published: Published | null) => {
  const state = { published, now: 0, reads: 0 };
  const keys = createGithubKeys('https://github.test/keys', {
    now: () => state.now,
    read: async () => {
      state.reads++;
      if (!state.published) throw new Error('no answer');
      return JSON.stringify({ public_keys: state.published });
    },
  });
  return { state, keys };
};
const one = (id: string) => ({ key_identifier: id, key: pem('prime256v1'), is_current: true });

describe("GitHub's public keys", () => {
  it('are read once, and again for an id that is not among them, once a minute at most', async () => {
    const { state, keys } = open([one('a')]);
    const found = await Promise.all(['a', 'a', 'a'].map((id) => keys.find(id)));
    expect(found.every((key) => key !== null)).toBe(true);
    expect(state.reads).toBe(1);
    for (let count = 0; count < 100; count++) expect(await keys.find(`unknown-${count}`)).toBeNull();
    expect(state.reads).toBe(1);
    state.published = [one('a'), one('b')];
    expect(await keys.find('b')).toBeNull();
    state.now += 60_001;
    expect(await keys.find('b')).not.toBeNull();
    expect(state.reads).toBe(2);
  });

  it('are believed for a day', async () => {
    const { state, keys } = open([one('a')]);
    await keys.find('a');
    state.published = [one('b')];
    state.now += 23 * 3600_000;
    expect(await keys.find('a')).not.toBeNull();
    state.now += 2 * 3600_000;
    expect(await keys.find('a')).toBeNull();
  });

  it('that cannot be had are no verdict', async () => {
    const { state, keys } = open(null);
    for (let count = 0; count < 3; count++) {
      await expect(keys.find('a')).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 60 });
    }
    expect(state.reads).toBe(1);
    state.published = [one('a')];
    state.now += 60_001;
    expect(await keys.find('a')).not.toBeNull();
    // What is known stays usable while they cannot be had.
    state.published = null;
    state.now += 60_001;
    await expect(keys.find('b')).rejects.toMatchObject({ code: 'overloaded' });
    expect(await keys.find('a')).not.toBeNull();
  });

  it('of another kind are none', async () => {
    const { keys } = open([{ key_identifier: 'a', key: pem('secp384r1') }]);
    expect(await keys.find('a')).toBeNull();
  });
});
