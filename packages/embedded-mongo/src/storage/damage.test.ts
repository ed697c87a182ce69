import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../task.ts';
import { encode } from '../values/codec.ts';
import { Int32 } from '../values/types.ts';
import { Catalog } from './catalog.ts';
import { DamagedDataError, DataFile } from './data-file.ts';
import { Store } from './store.ts';

const DOCUMENTS = 2000;
const PAGE = 4096;
let folder: string;
let path: string;

function open(): Store {
  return new Store(folder, (error) => {
    throw error;
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-damage-'));
  path = join(folder, 'data.mdb');
  const store = open();
  const collection = new Catalog(store).create('test.items');
  for (let n = 0; n < DOCUMENTS; n++) {
    const doc = { _id: new Int32(n), text: `text-${n}-`.repeat(20), long: n === 7 ? 'x'.repeat(20_000) : '' };
    collection.insert(doc, encode(doc));
  }
  await store.close();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function damage(change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  change(bytes);
  writeFileSync(path, bytes);
}

function pageOf(text: string): number {
  return Math.floor(readFileSync(path).indexOf(text) / PAGE);
}

/** What a check says of data that is damaged while it is open, if it is damaged at all. */
async function problems(change?: (bytes: Buffer) => void): Promise<string[]> {
  const store = open();
  try {
    const collection = new Catalog(store).find('test.items');
    if (change) damage(change);
    return collection ? (await run(collection.validate())).problems : ['the collection is gone'];
  } finally {
    await store.close();
  }
}

function checked(): void {
  const file = new DataFile(path);
  try {
    for (const _pause of file.checkPages());
  } finally {
    file.close();
  }
}

describe('a data file', () => {
  test('that nothing happened to has nothing to be said of', async () => {
    expect(checked).not.toThrow();
    expect(await problems()).toEqual([]);
  });

  test.each([
    ['whose first head is overwritten', (bytes: Buffer) => bytes.fill(0xff, 0, PAGE)],
    ['whose second head is overwritten', (bytes: Buffer) => bytes.fill(0, PAGE, 2 * PAGE)],
    ['that is something else', (bytes: Buffer) => bytes.fill('something else ')],
  ])('%s is refused', (_name, change) => {
    damage(change);
    expect(open).toThrow(DamagedDataError);
    expect(open).toThrow(/head 1|head 2/);
  });

  test.each([0.5, 0.1, 0])('that is cut to %f of its length is refused', (part) => {
    truncateSync(path, Math.floor(statSync(path).size * part));
    expect(open).toThrow(DamagedDataError);
  });

  test('that is missing where there was one is refused, not begun anew', () => {
    rmSync(path);
    expect(open).toThrow(/is missing/);
  });

  test('with an overwritten page is refused', () => {
    const page = pageOf('text-1000-');
    damage((bytes) => bytes.fill(0, page * PAGE, page * PAGE + PAGE));
    expect(checked).toThrow(`page ${page} is overwritten`);
    expect(open).toThrow(`page ${page} is overwritten`);
  });

  test('whose page is overwritten later is found by a check, which goes no further', async () => {
    const page = pageOf('text-1000-');
    expect(await problems((bytes) => bytes.fill(0, page * PAGE, page * PAGE + PAGE))).toEqual([
      expect.stringContaining(`page ${page} is overwritten`),
    ]);
  });

  test('with an overwritten long value is found by a check', () => {
    const page = pageOf('x'.repeat(5000));
    damage((bytes) => bytes.fill(0, page * PAGE, page * PAGE + PAGE));
    expect(checked).toThrow(`page ${page} is overwritten`);
  });

  test('with documents that are none any more is found by a check', async () => {
    damage((bytes) => {
      for (let at = bytes.indexOf('text-1000-'); at >= 0; at = bytes.indexOf('text-1000-')) bytes[at] = 0xff;
    });
    expect(await problems()).toEqual(expect.arrayContaining([expect.stringContaining('cannot be read')]));
  });
});
