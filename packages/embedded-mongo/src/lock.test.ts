import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DataDirInUseError, startEmbeddedMongo } from './index.ts';
import { acquireLock } from './lock.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-lock-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the lock of a data folder', () => {
  test('goes to one of many who ask at once, and to the next when it is free', async () => {
    const locks = (await Promise.all(Array.from({ length: 50 }, () => acquireLock(folder)))).filter(Boolean);
    expect(locks).toHaveLength(1);
    expect(await acquireLock(folder)).toBeUndefined();
    locks[0]?.release();
    const next = await vi.waitUntil(() => acquireLock(folder));
    next.release();
  });

  test('lets one of several engines in, and the others are told who it is', async () => {
    const starts = await Promise.allSettled(
      Array.from({ length: 3 }, () => startEmbeddedMongo({ dataDir: folder })),
    );
    const winners = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    const losers = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason] : []));
    expect(winners).toHaveLength(1);
    for (const loser of losers) {
      expect(loser).toBeInstanceOf(DataDirInUseError);
      expect(loser.pid).toBe(winners[0]?.pid);
    }
    await winners[0]?.stop();
  });
});
