import { open, type RootDatabase } from 'lmdb';
import { afterPrefix } from '../indexes/key.ts';
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
  readonly #db: RootDatabase<Buffer, Uint8Array>;
  readonly #onFailure: (error: Error) => void;
  #active = new Overlay();
  #flushing: Overlay | undefined;
  #timer: NodeJS.Timeout | undefined;
  #scheduled = false;
  #failed = false;

  /** `onFailure` is told of a commit that failed; nothing that was written since may be believed any more. */
  constructor(path: string, onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
    this.#db = open<Buffer, Uint8Array>({
      path,
      noSubdir: false,
      keyEncoding: 'binary',
      encoding: 'binary',
      overlappingSync: false,
      maxDbs: 1,
    });
  }

  get(key: string): Buffer | undefined {
    let found = this.#active.get(key);
    if (found === undefined && this.#flushing) found = this.#flushing.get(key);
    if (found !== undefined) return found ?? undefined;
    return this.#db.get(Buffer.from(key, 'latin1'));
  }

  put(key: string, value: Buffer): void {
    this.#active.set(key, value);
  }

  remove(key: string): void {
    this.#active.set(key, null);
  }

  /**
   * Up to about `limit` entries with low <= key < high, in order, or in reverse order. To go on, ask again with
   * `next` as the new low (or, in reverse, as the new high).
   */
  range(low: string, high: string, reverse: boolean, limit: number): Chunk {
    if (low >= high) return { entries: [], next: undefined };
    const stored: Entry[] = [];
    const lowBytes = Buffer.from(low, 'latin1');
    const highBytes = Buffer.from(high, 'latin1');
    const options = reverse
      ? { start: highBytes, end: lowBytes, inclusiveEnd: true, reverse: true, limit: limit + 1 }
      : { start: lowBytes, end: highBytes, limit };
    let seen = 0;
    for (const { key, value } of this.#db.getRange(options)) {
      seen++;
      const text = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
      if (text >= low && text < high && stored.length < limit) stored.push({ key: text, value });
    }
    const full = seen >= limit && stored.length > 0;
    const last = full ? (stored[stored.length - 1] as Entry).key : undefined;
    const next = last === undefined ? undefined : reverse ? last : `${last}\0`;
    if (this.#active.size === 0 && !this.#flushing) return { entries: stored, next };
    const from = reverse && next !== undefined ? next : low;
    const to = !reverse && next !== undefined ? next : high;
    return { entries: this.#merge(stored, from, to, reverse), next };
  }

  #merge(stored: Entry[], low: string, high: string, reverse: boolean): Entry[] {
    const changes = new Map<string, Buffer | null>();
    for (const overlay of [this.#flushing, this.#active]) {
      overlay?.collect(low, high, changes);
    }
    if (changes.size === 0) return stored;
    const kept = stored.filter((entry) => !changes.has(entry.key));
    for (const [key, value] of changes) if (value) kept.push({ key, value });
    kept.sort((a, b) => (a.key < b.key ? -1 : 1));
    return reverse ? kept.reverse() : kept;
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
    if (this.#flushing || this.#scheduled || this.#failed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#flushing) this.#flush();
    });
  }

  #flush(): void {
    if (this.#active.size === 0) return;
    const overlay = this.#active;
    this.#flushing = overlay;
    this.#active = new Overlay();
    const committed = this.#db.batch(() => {
      for (const [key, value] of overlay.entries()) {
        const bytes = Buffer.from(key, 'latin1');
        // Inside `batch` the promises of single operations are the batch's own.
        if (value) void this.#db.put(bytes, value);
        else void this.#db.remove(bytes);
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
        this.#failed = true;
        this.#onFailure(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  async close(): Promise<void> {
    await this.durable();
    clearTimeout(this.#timer);
    await this.#db.close();
  }
}
