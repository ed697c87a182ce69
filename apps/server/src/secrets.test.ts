import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePeppers } from '@kaana/api-key/digest';
import { describe, expect, it } from 'vitest';
import { loadPepper } from './secrets.ts';

const createFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'kaana-secrets-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

describe('the generated pepper', () => {
  it('is made once, and for its owner alone', async () => {
    await using folder = await createFolder();
    const dataDir = join(folder.path, 'a', 'new', 'one');
    const pepper = await loadPepper(dataDir);
    expect(parsePeppers(pepper).ids).toEqual(['p1']);
    expect(await loadPepper(dataDir)).toBe(pepper);
    expect((await stat(join(dataDir, 'pepper'))).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect(await readdir(dataDir)).toEqual(['pepper']);
  });

  it('is the same for all that ask at once', async () => {
    for (let round = 0; round < 20; round++) {
      await using folder = await createFolder();
      const peppers = await Promise.all(Array.from({ length: 8 }, () => loadPepper(folder.path)));
      expect(new Set(peppers).size).toBe(1);
      expect(await loadPepper(folder.path)).toBe(peppers[0]);
      expect(await readdir(folder.path)).toEqual(['pepper']);
    }
  });

  it('is left as it is where there is one, with a rotated one in it', async () => {
    await using folder = await createFolder();
    const own = `p2:${Buffer.alloc(32, 2).toString('base64')},p1:${Buffer.alloc(32, 1).toString('base64')}`;
    await writeFile(join(folder.path, 'pepper'), `${own}\n`);
    expect(await loadPepper(folder.path)).toBe(own);
    expect(await readFile(join(folder.path, 'pepper'), 'utf8')).toBe(`${own}\n`);
  });

  it('is not made anew where it cannot be read: that would orphan every key', async () => {
    await using folder = await createFolder();
    await loadPepper(join(folder.path, 'pepper'));
    await expect(loadPepper(folder.path)).rejects.toMatchObject({ code: 'EISDIR' });
  });
});
