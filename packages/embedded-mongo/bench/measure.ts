import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from './client.ts';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Requests per second that the connections get answered together, in a row each, for about so long. */
export async function throughput(
  clients: readonly Client[],
  message: () => Buffer,
  milliseconds: number,
): Promise<number> {
  const start = performance.now();
  const end = start + milliseconds;
  let answered = 0;
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < end) {
        const body = await client.send(message());
        // An error would make a server look fast, so now and then an answer is looked into.
        if (answered++ % 100 === 0) Client.check(body);
      }
    }),
  );
  return (answered / (performance.now() - start)) * 1000;
}

/** How many times a second a file's new bytes can be brought to this disk, one after the other. */
export function syncsPerSecond(folder: string, milliseconds: number): number {
  const path = join(folder, 'sync-probe');
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4096, 1);
  const start = performance.now();
  let times = 0;
  while (performance.now() - start < milliseconds) {
    writeSync(file, page);
    fdatasyncSync(file);
    times++;
  }
  const rate = (times / (performance.now() - start)) * 1000;
  closeSync(file);
  rmSync(path);
  return rate;
}
