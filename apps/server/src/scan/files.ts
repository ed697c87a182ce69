import { createReadStream } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { findTokens } from '@kaana/api-key';
import { TokenScanner } from './token-scanner.ts';

/** `line`: 0 where the token stands in the name itself. */
export type Finding = {
  readonly source: 'file' | 'history';
  readonly commit: string | null;
  readonly path: string;
  readonly line: number;
  readonly token: string;
};

const CHUNK_BYTES = 1024 * 1024;

export type FileScan = {
  readonly root: string;
  /** Relative to the root; what is below is left out too. */
  readonly exclude: readonly string[];
  readonly found: (finding: Finding) => void;
  /** Told of every file that cannot be read: what was not looked at must not pass for clean. */
  readonly failed: (path: string, error: unknown) => void;
};

const scanFile = async (path: string, { found }: FileScan): Promise<void> => {
  const scanner = new TokenScanner();
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    for (const { token, line } of scanner.push(chunk as Buffer)) {
      found({ source: 'file', commit: null, path, line, token });
    }
  }
};

/**
 * Every regular file below the root, however large and whatever is in it. Links are not followed: what they lead to is
 * scanned where it is, or does not belong here; pipes and devices are left alone. Git's own folder is read as history.
 * Returns the number of files.
 */
export const scanFiles = async (scan: FileScan): Promise<number> => {
  const { root, found, failed } = scan;
  const excluded = new Set(
    scan.exclude.map((path) =>
      path
        .split('/')
        .join(sep)
        .replace(/[/\\]+$/, ''),
    ),
  );
  let files = 0;
  const visit = async (path: string): Promise<void> => {
    try {
      const status = await lstat(path);
      if (status.isDirectory()) {
        for await (const { name } of await opendir(path)) {
          const below = join(path, name);
          if (name === '.git' || excluded.has(relative(root, below))) continue;
          for (const { token } of findTokens(name)) {
            found({ source: 'file', commit: null, path: below, line: 0, token });
          }
          await visit(below);
        }
      } else if (status.isFile()) {
        files++;
        await scanFile(path, scan);
      }
    } catch (error) {
      failed(path, error);
    }
  };
  await visit(root);
  return files;
};
