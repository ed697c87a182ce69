import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { Finding } from './files.ts';
import { type Found, TokenScanner } from './token-scanner.ts';

const run = promisify(execFile);

export class GitError extends Error {}

/** Neither a program that the repository's own configuration names, nor a question to a person. */
const SAFE = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '--no-optional-locks'];
const ENVIRONMENT = { GIT_TERMINAL_PROMPT: '0', GIT_NO_LAZY_FETCH: '1', LC_ALL: 'C' };
const options = (cwd: string) => ({
  cwd,
  env: { ...process.env, ...ENVIRONMENT },
  maxBuffer: 64 * 1024 * 1024,
});

const git = async (cwd: string, ...args: string[]): Promise<string> => {
  try {
    return (await run('git', [...SAFE, ...args], options(cwd))).stdout;
  } catch (error) {
    const { code, stderr, message } = error as { code?: unknown; stderr?: string; message: string };
    if (code === 'ENOENT') throw new GitError('git is not installed, so that the history cannot be read.');
    throw new GitError((stderr || message).trim());
  }
};

/** Whether a folder is in a repository; `shallow`: of which only the latest commits are here. */
export const repositoryOf = async (folder: string): Promise<{ shallow: boolean } | null> => {
  let answer: string;
  try {
    answer = await git(folder, 'rev-parse', '--is-inside-work-tree', '--is-shallow-repository');
  } catch (error) {
    if (error instanceof GitError && error.message.includes('not a git repository')) return null;
    throw error;
  }
  const [inside, shallow] = answer.split('\n');
  return inside === 'true' ? { shallow: shallow === 'true' } : null;
};

type FoundObject = Found & { readonly object: string; readonly type: string; readonly path: string };

/** Reads `git cat-file --batch`: a line that says what follows, so many bytes, and a line break; again and again. */
class ObjectReader {
  readonly #found: (found: FoundObject) => void;
  readonly #missing: (object: string) => void;
  #header: Buffer = Buffer.alloc(0);
  #current: { object: string; type: string; path: string; scanner: TokenScanner } | null = null;
  #left = 0;
  #breakLeft = false;
  objects = 0;

  constructor(found: (found: FoundObject) => void, missing: (object: string) => void) {
    this.#found = found;
    this.#missing = missing;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#current && this.#left > 0) {
        const part = chunk.subarray(at, at + this.#left);
        const { object, type, path, scanner } = this.#current;
        for (const found of scanner.push(part)) this.#found({ ...found, object, type, path });
        this.#left -= part.length;
        at += part.length;
      } else if (this.#breakLeft) {
        this.#breakLeft = false;
        this.#current = null;
        at++;
      } else {
        const end = chunk.indexOf(0x0a, at);
        this.#header = Buffer.concat([this.#header, chunk.subarray(at, end === -1 ? chunk.length : end)]);
        if (end === -1) return;
        at = end + 1;
        this.#begin(this.#header.toString('utf8'));
        this.#header = Buffer.alloc(0);
      }
    }
  }

  #begin(header: string): void {
    const [, object = '', type = '', size = '', path = ''] =
      /^([0-9a-f]+) ([a-z]+) (\d+) ?(.*)$/s.exec(header) ?? [];
    if (object === '') {
      this.#missing(header.split(' ')[0] ?? '');
      return;
    }
    this.objects++;
    this.#current = { object, type, path, scanner: new TokenScanner() };
    this.#left = Number(size);
    this.#breakLeft = true;
  }
}

const exitOf = async (child: ChildProcess): Promise<string | null> => {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (errors.length < 4000) errors += chunk.toString('utf8');
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return code === 0 ? null : errors.trim() || `git ended with ${code ?? signal}`;
};

/** The oldest commit that brought an object in, and where it stood there. */
const originOf = async (folder: string, { object, type, path }: FoundObject) => {
  if (type === 'commit' || type === 'tag') return { commit: object, path: '(message)' };
  const log = await git(
    folder,
    'log',
    '--all',
    '--reverse',
    '-m',
    '-t',
    '--format=%H',
    `--find-object=${object}`,
  );
  return { commit: log.split('\n')[0] || null, path };
};

export type HistoryScan = {
  readonly folder: string;
  readonly found: (finding: Finding) => void;
  readonly failed: (object: string, error: unknown) => void;
};

/**
 * Every object that any branch, tag or stash leads to, each once: contents, names of files, messages. Where the folder
 * is a part of a repository, what concerns that part. Returns the number of objects.
 */
export const scanHistory = async ({ folder, found, failed }: HistoryScan): Promise<number> => {
  const isRoot = (await git(folder, 'rev-parse', '--show-prefix')).trim() === '';
  const list = ['rev-list', '--objects', '--all', ...(isRoot ? [] : ['--', '.'])];
  const objects = spawn('git', [...SAFE, ...list], { ...options(folder), stdio: ['ignore', 'pipe', 'pipe'] });
  const contents = spawn(
    'git',
    [...SAFE, 'cat-file', '--buffer', '--batch=%(objectname) %(objecttype) %(objectsize) %(rest)'],
    { ...options(folder), stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const outcomes = Promise.all([exitOf(objects), exitOf(contents)]);
  // A reader that has ended is told by its exit status.
  contents.stdin.on('error', () => undefined);
  objects.stdout.pipe(contents.stdin);
  const hits: FoundObject[] = [];
  const reader = new ObjectReader(
    (hit) => hits.push(hit),
    (object) => failed(object, new Error('the object is not here')),
  );
  for await (const chunk of contents.stdout) reader.push(chunk as Buffer);
  for (const failure of await outcomes) if (failure !== null) throw new GitError(failure);
  const origins = new Map<string, { commit: string | null; path: string }>();
  for (const hit of hits) {
    const origin = origins.get(hit.object) ?? (await originOf(folder, hit));
    origins.set(hit.object, origin);
    // A folder as git stores it has no lines: the token is in a name.
    const line = hit.type === 'tree' ? 0 : hit.line;
    found({ source: 'history', ...origin, line, token: hit.token });
  }
  return reader.objects;
};
