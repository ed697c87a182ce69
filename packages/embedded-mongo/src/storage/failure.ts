import { statfsSync } from 'node:fs';
import { ServerError } from '../errors.ts';

/** Less than this, and a disk counts as full: a commit needs some pages at once. */
const FULL_BYTES = 1024 * 1024;

function isFull(folder: string, error: unknown): boolean {
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return true;
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < FULL_BYTES;
  } catch {
    return false;
  }
}

/**
 * What is told of a commit that failed. LMDB reports a write that was cut short as an I/O error, so the disk is
 * asked whether there is room. The commit is undone as a whole; what was acknowledged as on disk, is.
 */
export function commitFailure(folder: string, error: unknown): ServerError {
  if (isFull(folder, error))
    return new ServerError(
      'OutOfDiskSpace',
      `the disk of ${folder} is full, so the engine stops; every write that was acknowledged with j: true, or without ` +
        'a j, is on it. Make room and start again',
    );
  const reason = error instanceof Error ? error.message : String(error);
  return new ServerError(
    'InternalError',
    `a write to ${folder} failed (${reason}), so the engine stops; every write that was acknowledged with j: true, or ` +
      'without a j, is there. Look after the disk (space, quota, ulimit -f, hardware) and start again',
  );
}
