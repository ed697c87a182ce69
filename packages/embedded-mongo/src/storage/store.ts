import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RangeOptions, type RootDatabase } from 'lmdb';
import { ServerError } from '../errors.ts';
import { afterPrefix } from '../indexes/key.ts';
import type { Task } from '../task.ts';
import { DamagedDataError, DataFile } from './data-file.ts';
import { commitFailure } from './failure.ts';
import { KEY_CODEC, VALUE_CODEC } from './key-codec.ts';
import { Overlay } from './overlay.ts';

/** One entry of a range; the key is a latin1 string, one character a byte. */
export interface Entry {
  key: string;
  value: Buffer;
}

/** A piece of a range. `next` is where to go on, undefined when the range is exhausted. */
export interface Chunk {
  entries: Entry[];
  next: string | undefined;
}

const NO_VALUE = Buffer.alloc(0);

const DATA_FILE = 'data.mdb';
/** A data file that is not larger is looked at page by page before it is opened; any other, while it is used. */
const SMALL_BYTES = 16 * 1024 * 1024;
/** Tells, as LMDB would begin anew, an empty data file from one whose contents are gone. */
const MARK = 'format';

/** Whether the folder is new. Throws a `DamagedDataError` if the data in it cannot be what was written. */
function inspect(path: string): boolean {
  const data = join(path, DATA_FILE);
  const empty = !existsSync(data) || statSync(data).size === 0;
  if (empty) {
    if (existsSync(join(path, MARK)))
      throw new DamagedDataError(
        `${data} is ${existsSync(data) ? 'empty' : 'missing'}, but it had been written to`,
      );
    return true;
  }
  const file = new DataFile(data);
  try {
    if (statSync(data).size > SMALL_BYTES) file.checkBranches();
    else for (const _pause of file.checkPages());
  } finally {
    file.close();
  }
  return !existsSync(join(path, MARK));
}

/** How long a write that nobody waits for may stay in memory only. */
const LAZY_COMMIT_MS = 50;

/**
 * An ordered map on LMDB whose writes are seen at once and reach the disk in groups.
 *
 * A write goes into an in-memory overlay, synchronously, so a command can read, check and write without another
 * command in between. The overlay is committed as one LMDB transaction on lmdb's own thread, synced to disk;
 * what is written meanwhile gathers in the next overlay. So the more writers wait, the more share one sync, the
 * JavaScript thread never waits for the disk, and a crash loses a whole overlay or nothing: since all writes of
 * one document happen within one turn, its index entries are never torn from it, and because overlays are
 * committed in order, whatever is on disk includes everything that was written before it.
 *
 * LMDB's `overlappingSync` is off: with it a commit is visible, and its promise resolves, before it is durable.
 */
export class Store {
  readonly #db: RootDatabase<Buffer, string>;
  readonly #onFailure: (error: Error) => void;
  readonly #path: string;
  #active = new Overlay();
  #flushing: Overlay | undefined;
  #timer: NodeJS.Timeout | undefined;
  #scheduled = false;
  #closing = false;
  #checks = 0;
  /**
   * Set by a commit that failed: what is in memory is then more than what is on disk, and nobody may see it. Also
   * set when the store closes, for work that still goes on.
   */
  failure: ServerError | undefined;

  /** `onFailure` is told of a commit that failed; nothing that was written since may be believed any more. */
  constructor(path: string, onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
    this.#path = path;
    const isNew = inspect(path);
    this.#db = open<Buffer, string>({
      path,
      noSubdir: false,
      encoding: 'binary',
      keyEncoder: KEY_CODEC,
      encoder: VALUE_CODEC,
      overlappingSync: false,
      maxDbs: 1,
    });
    if (isNew) writeFileSync(join(path, MARK), 'kaana-embedded-mongo 1\n');
  }

  get(key: string): Buffer | undefined {
    const pending = this.#pending(key);
    if (pending !== undefined) return pending ?? undefined;
    return this.#db.get(key);
  }

  /** A value that is a short byte string, as one. */
  getText(key: string): string | undefined {
    const pending = this.#pending(key);
    if (pending !== undefined) return pending?.toString('latin1');
    // Read at once, as the buffer is used again by the next read.
    const bytes = this.#db.getBinaryFast(key);
    return bytes?.toString('latin1', 0, bytes.length);
  }

  #pending(key: string): Buffer | null | undefined {
    if (this.failure) throw this.failure;
    const found = this.#active.get(key);
    return found === undefined && this.#flushing ? this.#flushing.get(key) : found;
  }

  put(key: string, value: Buffer): void {
    this.#active.set(key, value);
  }

  remove(key: string): void {
    this.#active.set(key, null);
  }

  /**
   * Up to about `limit` entries with low <= key < high, in order, or in reverse order. To go on, ask again with
   * `next` as the new low (or, in reverse, as the new high). There may be a `next` where nothing follows. Without
   * `values` they may be left empty.
   */
  range(low: string, high: string, reverse: boolean, limit: number, values = true): Chunk {
    if (this.failure) throw this.failure;
    if (low >= high) return { entries: [], next: undefined };
    const stored: Entry[] = [];
    let seen = 0;
    const options = reverse
      ? { start: high, end: low, inclusiveEnd: true, reverse: true, limit: limit + 1 }
      : { start: low, end: high, limit };
    const found = values ? this.#db.getRange(options) : this.#keys(options);
    for (const entry of found) {
      seen++;
      // In reverse the range includes its start, which is `high`.
      if (entry.key >= low && entry.key < high && stored.length < limit) stored.push(entry);
    }
    const last = seen >= limit ? stored[stored.length - 1]?.key : undefined;
    if (this.#active.size === 0 && !this.#flushing) return { entries: stored, next: after(last, reverse) };
    return this.#merge(stored, last, low, high, reverse, limit);
  }

  /** Entries without their values, where only the keys matter. */
  *#keys(options: RangeOptions): Generator<Entry> {
    for (const key of this.#db.getKeys(options)) yield { key: key as string, value: NO_VALUE };
  }

  /** What is stored, with what the overlays say about the same stretch; `last`: where the stored part stops. */
  #merge(
    stored: Entry[],
    last: string | undefined,
    low: string,
    high: string,
    reverse: boolean,
    limit: number,
  ): Chunk {
    const flushing = this.#flushing?.keys(low, high, reverse, limit) ?? [];
    const active = this.#active.keys(low, high, reverse, limit);
    if (flushing.length + active.length === 0) return { entries: stored, next: after(last, reverse) };
    // Each source was read up to the limit; beyond the nearest of their ends not all of them have been seen.
    const ends = [last, flushing[limit - 1], active[limit - 1]].filter((end) => end !== undefined);
    const end = ends.length === 0 ? undefined : ends.reduce((a, b) => (a < b !== reverse ? a : b));
    const within = (key: string): boolean => end === undefined || (reverse ? key >= end : key <= end);
    const changed = new Set<string>();
    const entries: Entry[] = [];
    for (const key of [...flushing, ...active]) {
      if (!within(key) || changed.has(key)) continue;
      changed.add(key);
      const value = this.#pending(key);
      if (value) entries.push({ key, value });
    }
    for (const entry of stored) if (within(entry.key) && !changed.has(entry.key)) entries.push(entry);
    entries.sort((a, b) => (a.key < b.key ? -1 : 1));
    return { entries: reverse ? entries.reverse() : entries, next: after(end, reverse) };
  }

  /** Whether any key starts with the prefix. */
  hasPrefix(prefix: string): boolean {
    let low: string | undefined = prefix;
    const high = afterPrefix(prefix);
    while (low !== undefined) {
      const chunk = this.range(low, high, false, 2);
      if (chunk.entries.length > 0) return true;
      low = chunk.next;
    }
    return false;
  }

  /** Bytes that wait in memory; writers of much pause when it is large. */
  get pendingBytes(): number {
    return this.#active.bytes + (this.#flushing?.bytes ?? 0);
  }

  /** Resolves when everything written so far is on disk. */
  durable(): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    if (this.#active.size === 0) return this.#flushing ? this.#flushing.done : Promise.resolve();
    this.#active.wanted = true;
    this.#schedule();
    return this.#active.done;
  }

  /** Sees to it that what was written gets to disk soon, without anybody waiting for it. */
  lazily(): void {
    if (this.#active.size === 0 || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#active.wanted = true;
      this.#schedule();
    }, LAZY_COMMIT_MS);
  }

  /** Starts a commit after this turn, so that requests that have already arrived share it. */
  #schedule(): void {
    if (this.#flushing || this.#scheduled || this.failure) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#flushing && !this.failure) this.#flush();
    });
  }

  #flush(): void {
    if (this.#active.size === 0) return;
    const overlay = this.#active;
    this.#flushing = overlay;
    this.#active = new Overlay();
    const committed = this.#db.batch(() => {
      for (const [key, value] of overlay.entries()) {
        // Inside `batch` the promises of single operations are the batch's own.
        if (value) void this.#db.put(key, value);
        else void this.#db.remove(key);
      }
    });
    committed.then(
      () => {
        // lmdb keeps a read snapshot for a while; without this a read could fall back to before the commit.
        this.#db.resetReadTxn();
        this.#flushing = undefined;
        overlay.finish();
        if (this.#active.wanted) this.#schedule();
        else this.lazily();
      },
      (error: unknown) => {
        // The cause comes as a promise of its own, which is rejected a moment later.
        const { commitError } = error as { commitError?: Promise<never> };
        if (commitError) commitError.catch((cause: unknown) => this.#fail(overlay, cause));
        else this.#fail(overlay, error);
      },
    );
  }

  #fail(overlay: Overlay, cause: unknown): void {
    this.failure = commitFailure(this.#path, cause);
    overlay.fail(this.failure);
    this.#active.fail(this.failure);
    this.#onFailure(this.failure);
  }

  /** Looks at every page of the data file; tells what is wrong with it. */
  *checkPages(): Task<string | undefined> {
    if (this.#closing) return undefined;
    // As long as somebody reads a state, LMDB does not use its pages again.
    const pinned = this.#db.useReadTransaction();
    this.#checks++;
    try {
      const file = new DataFile(join(this.#path, DATA_FILE));
      try {
        for (const _pause of file.checkPages()) {
          if (this.#closing) break;
          yield;
        }
        return undefined;
      } finally {
        file.close();
      }
    } catch (error) {
      if (error instanceof DamagedDataError) return error.message;
      throw error;
    } finally {
      pinned.done();
      this.#checks--;
    }
  }

  /** Whether the data file was too large to be looked at page by page when it was opened. */
  get unchecked(): boolean {
    return statSync(join(this.#path, DATA_FILE)).size > SMALL_BYTES;
  }

  async close(): Promise<void> {
    this.#closing = true;
    // A check holds a transaction, without which LMDB must not be closed.
    while (this.#checks > 0) await new Promise((resolve) => setImmediate(resolve));
    if (!this.failure) await this.durable();
    this.failure ??= new ServerError('InterruptedAtShutdown', 'the engine is stopping');
    clearTimeout(this.#timer);
    await this.#db.close();
  }
}

function after(last: string | undefined, reverse: boolean): string | undefined {
  return last === undefined || reverse ? last : `${last}\0`;
}
