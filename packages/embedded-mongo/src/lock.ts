import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

export interface Lock {
  release(): void;
}

/** `open(2)` takes an exclusive lock along with the file, on macOS and the BSDs. */
const O_EXLOCK = 0x20;

/**
 * Takes the one lock of a data folder; undefined if another process has it.
 *
 * The lock is a thing that the kernel gives to one process and takes back when that process ends, however it
 * ends. So there is no stale lock to recognize, no race between two that do, and a pid that is used again does
 * no harm: all of which a file with a pid in it suffers from. Node has no call for file locks, hence:
 * Linux: a listening socket in the abstract namespace, named after the folder's device and inode.
 * Windows: a named pipe, likewise. macOS, BSD: a file opened with `O_EXLOCK`.
 *
 * Limit: on Linux it is per network namespace, so two containers that share a volume do not see each other's.
 */
export async function acquireLock(dataDir: string): Promise<Lock | undefined> {
  const { dev, ino } = statSync(dataDir, { bigint: true });
  const name = `kaana-embedded-mongo-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32)}`;
  if (process.platform === 'linux') return listen(`\0${name}`);
  if (process.platform === 'win32') return listen(`\\\\.\\pipe\\${name}`);
  try {
    const fd = openSync(
      join(dataDir, 'engine.lock'),
      constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK,
      0o600,
    );
    return { release: () => closeSync(fd) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

function listen(path: string): Promise<Lock | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => {
      server.unref();
      resolve({ release: () => server.close() });
    });
  });
}
