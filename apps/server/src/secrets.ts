import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { generatePepper } from '@kaana/api-key/digest';

/**
 * The pepper of a data folder, generated on first use. It is on disk before any key is made with it, and two processes
 * that start at once agree on one: the name is taken by a link, which only one can make.
 */
export const loadPepper = async (dataDir: string): Promise<string> => {
  const path = join(dataDir, 'pepper');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const existing = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (existing !== null) return existing.trim();
  // Random, not the process's number: containers that share a folder all have number 1.
  const draft = `${path}.${randomUUID()}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${generatePepper('p1')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await unlink(draft);
  const folder = await open(dataDir, 'r');
  await folder.sync().finally(() => folder.close());
  return (await readFile(path, 'utf8')).trim();
};
