import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintToken } from '@kaana/api-key';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Finding, scanFiles } from './files.ts';
import { repositoryOf, scanHistory } from './history.ts';
import { TokenScanner } from './token-scanner.ts';

const createFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'kaana-scan-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};
const broken = (token: string) => token.slice(0, -1) + (token.endsWith('a') ? 'b' : 'a');

describe('a scanner', () => {
  it('finds every token at its line, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.constant('\n'),
            fc.string({ unit: 'binary-ascii', maxLength: 30 }).map((text) => text.replaceAll('\0', '')),
            fc.constant(null),
          ),
          { maxLength: 30 },
        ),
        fc.array(fc.nat(800)),
        (pieces, cuts) => {
          let line = 1;
          const expected: { token: string; line: number }[] = [];
          const text = pieces
            .map((piece) => {
              if (piece !== null) {
                line += piece.split('\n').length - 1;
                return piece;
              }
              const token = mintToken();
              expected.push({ token, line });
              return token;
            })
            .join('');
          const bytes = Buffer.from(text, 'latin1');
          const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].toSorted(
            (a, b) => a - b,
          );
          const scanner = new TokenScanner();
          const found = places
            .slice(1)
            .flatMap((end, index) => scanner.push(bytes.subarray(places[index], end)));
          expect(found).toEqual(expected);
        },
      ),
    );
  });

  it('finds them in binary data and in UTF-16, and none with a wrong checksum', () => {
    const token = mintToken();
    const scan = (bytes: Buffer) => new TokenScanner().push(bytes);
    expect(scan(Buffer.concat([Buffer.from([0xff, 0, 0x80]), Buffer.from(token)]))).toEqual([
      { token, line: 1 },
    ]);
    expect(scan(Buffer.from(`\n"${token}"\n`, 'utf16le'))).toEqual([{ token, line: 2 }]);
    expect(scan(Buffer.from(broken(token)))).toEqual([]);
  });
});

describe('files', () => {
  it('are all looked at: large, binary, in folders; links are not followed, and git keeps its own', async () => {
    await using folder = await createFolder();
    await using elsewhere = await createFolder();
    const at = (path: string) => join(folder.path, path);
    const [large, binary, named, linked, hidden, left] = Array.from({ length: 6 }, mintToken);
    await mkdir(at('a/b'), { recursive: true });
    await mkdir(at('.git'));
    await mkdir(at('a/left'));
    // A token across the border of two pieces.
    await writeFile(at('large'), `${'\n'.repeat(1024 * 1024 - 20)}${large}\n${'x'.repeat(100_000)}`);
    await writeFile(at('a/b/binary'), Buffer.concat([Buffer.alloc(1000, 0x80), Buffer.from(binary ?? '')]));
    await writeFile(at(`a/${named}.txt`), '');
    await writeFile(at('.env'), `KEY=${hidden}`);
    await writeFile(at('.git/config'), mintToken());
    await writeFile(at('a/left/out'), `${left}`);
    await writeFile(join(elsewhere.path, 'target'), `${linked}`);
    await symlink(join(elsewhere.path, 'target'), at('link'));
    await symlink(folder.path, at('a/loop'));
    await symlink(at('nowhere'), at('dangling'));
    const findings: Finding[] = [];
    const failures: string[] = [];
    const count = await scanFiles({
      root: folder.path,
      exclude: ['a/left/'],
      found: (finding) => findings.push(finding),
      failed: (path) => failures.push(path),
    });
    expect(failures).toEqual([]);
    expect(count).toBe(4);
    expect(findings.map(({ token }) => token).toSorted()).toEqual([large, binary, named, hidden].toSorted());
    expect(findings.find(({ token }) => token === large)).toMatchObject({ line: 1024 * 1024 - 19 });
    expect(findings.find(({ token }) => token === named)).toMatchObject({ line: 0 });
  });

  it('that cannot be read are told', async () => {
    const failures: string[] = [];
    const root = '/nonexistent/folder';
    await scanFiles({ root, exclude: [], found: () => undefined, failed: (path) => failures.push(path) });
    expect(failures).toEqual([root]);
  });
});

describe('the git history', () => {
  const createRepository = async () => {
    const folder = await createFolder();
    const git = (...args: string[]) =>
      execFileSync(
        'git',
        ['-c', 'user.name=t', '-c', 'user.email=t@t.test', '-c', 'commit.gpgsign=false', ...args],
        {
          cwd: folder.path,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      ).trim();
    git('init', '-q', '-b', 'main');
    const commit = async (path: string, content: string | Buffer | null, message = 'change') => {
      if (content === null) git('rm', '-q', path);
      else {
        await mkdir(join(folder.path, path, '..'), { recursive: true });
        await writeFile(join(folder.path, path), content);
        git('add', '-f', path);
      }
      git('commit', '-q', '-m', message);
      return git('rev-parse', 'HEAD');
    };
    const scan = async (path = folder.path) => {
      const findings: Finding[] = [];
      const objects = await scanHistory({
        folder: path,
        found: (finding) => findings.push(finding),
        failed: (object, error) => {
          throw new Error(`${object}: ${String(error)}`);
        },
      });
      return { findings, objects };
    };
    return { ...folder, git, commit, scan };
  };

  it('keeps a token that a later commit has deleted, with the commit that brought it in', async () => {
    await using repository = await createRepository();
    const [deleted, binary, message, branch] = Array.from({ length: 4 }, mintToken);
    await repository.commit('readme', 'nothing');
    const first = await repository.commit('src/a b/config.ts', `one\ntwo ${deleted}\n`);
    await repository.commit('src/a b/config.ts', 'one\n');
    const second = await repository.commit(
      'image',
      Buffer.concat([Buffer.alloc(300_000, 1), Buffer.from(binary ?? '')]),
    );
    await repository.commit('image', null);
    const third = await repository.commit('x', 'x', `Use\n\n${message}`);
    repository.git('checkout', '-q', '-b', 'other');
    const fourth = await repository.commit('y', `${branch}`);
    repository.git('checkout', '-q', 'main');
    const { findings, objects } = await repository.scan();
    expect(objects).toBeGreaterThan(10);
    const told = findings.map(({ commit, path, line, token }) => [commit, path, line, token]);
    expect(told).toHaveLength(4);
    expect(told).toContainEqual([first, 'src/a b/config.ts', 2, deleted]);
    expect(told).toContainEqual([second, 'image', 1, binary]);
    expect(told).toContainEqual([fourth, 'y', 1, branch]);
    expect(told.find(([, path]) => path === '(message)')).toEqual([
      third,
      '(message)',
      expect.any(Number),
      message,
    ]);
  });

  it('of a folder in a repository is what concerns that folder', async () => {
    await using repository = await createRepository();
    const [inside, outside] = [mintToken(), mintToken()];
    await repository.commit('a/x', inside);
    await repository.commit('b/x', outside);
    const { findings } = await repository.scan(join(repository.path, 'a'));
    expect(findings.map(({ token }) => token)).toEqual([inside]);
  });

  it('is told apart from no history, and from a part of it', async () => {
    await using repository = await createRepository();
    await using plain = await createFolder();
    await using clone = await createFolder();
    await repository.commit('a', '1');
    await repository.commit('a', '2');
    expect(await repositoryOf(plain.path)).toBeNull();
    expect(await repositoryOf(repository.path)).toEqual({ shallow: false });
    execFileSync('git', ['clone', '-q', '--depth', '1', `file://${repository.path}`, join(clone.path, 'c')], {
      stdio: 'ignore',
    });
    expect(await repositoryOf(join(clone.path, 'c'))).toEqual({ shallow: true });
  });

  it('that is empty has nothing', async () => {
    await using repository = await createRepository();
    expect(await repository.scan()).toEqual({ findings: [], objects: 0 });
  });
});
