import { ServerError } from './errors.ts';
import type { Task } from './task.ts';

/** A source of encoded documents; undefined where it may pause. */
export type Source = Generator<Buffer | undefined, void, undefined>;

interface Cursor {
  namespace: string;
  source: Source;
  /** A document that was read ahead but did not go into the last batch. */
  ahead: Buffer | undefined;
  lastUsed: number;
  /** Of a tailable cursor: what comes when the source has ended; undefined at the end of all. */
  follow: (() => Source | undefined) | undefined;
  /** A `getMore` waits for something to come. */
  awaits: boolean;
}

/** Idle cursors go away after this, as in MongoDB. */
const IDLE_MS = 10 * 60 * 1000;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
const FIRST_BATCH = 101;

export interface Batch {
  documents: Buffer[];
  /** 0: there is no more. */
  id: bigint;
}

/** Open cursors, by the random id that clients know them by. */
export class Cursors {
  readonly #cursors = new Map<bigint, Cursor>();

  /** Reads a first batch; opens a cursor if more is left. */
  *first(
    namespace: string,
    source: Source,
    batchSize: number | undefined,
    single: boolean,
    tailing?: { follow: () => Source | undefined; awaits: boolean },
  ): Task<Batch> {
    const cursor: Cursor = {
      namespace,
      source,
      ahead: undefined,
      lastUsed: Date.now(),
      follow: tailing?.follow,
      awaits: tailing?.awaits ?? false,
    };
    const batch = yield* this.#fill(cursor, batchSize ?? FIRST_BATCH);
    if (batch.done || single) {
      source.return();
      return { documents: batch.documents, id: 0n };
    }
    const id = this.#newId();
    this.#cursors.set(id, cursor);
    return { documents: batch.documents, id };
  }

  *more(id: bigint, namespace: string, batchSize: number | undefined): Task<Batch> {
    const cursor = this.#cursors.get(id);
    if (!cursor) throw new ServerError('CursorNotFound', `cursor id ${id} not found`);
    if (cursor.namespace !== namespace) {
      throw new ServerError(
        'Unauthorized',
        `Requested getMore on namespace '${namespace}', but cursor belongs to a different namespace ${cursor.namespace}`,
      );
    }
    // Two getMores on one cursor at a time would share its generator.
    this.#cursors.delete(id);
    const batch = yield* this.#fill(cursor, batchSize || Number.POSITIVE_INFINITY);
    if (batch.done) return { documents: batch.documents, id: 0n };
    cursor.lastUsed = Date.now();
    this.#cursors.set(id, cursor);
    return { documents: batch.documents, id };
  }

  *#fill(cursor: Cursor, size: number): Task<{ documents: Buffer[]; done: boolean }> {
    const documents: Buffer[] = [];
    let bytes = 0;
    for (;;) {
      let document = cursor.ahead;
      cursor.ahead = undefined;
      if (!document) {
        const step = cursor.source.next();
        if (step.done) {
          const next = cursor.follow?.();
          if (!next) return { documents, done: true };
          cursor.source = next;
          // A pause for as long as nothing has come: whoever asks again gets what has.
          return { documents, done: false };
        }
        document = step.value;
        if (!document) {
          yield;
          continue;
        }
      }
      // One document is read ahead, so that a client need not ask once more just to learn that it was the last.
      if (documents.length >= size || (documents.length > 0 && bytes + document.length > MAX_BATCH_BYTES)) {
        cursor.ahead = document;
        return { documents, done: false };
      }
      documents.push(document);
      bytes += document.length;
    }
  }

  has(id: bigint): boolean {
    return this.#cursors.has(id);
  }

  /** Whether a cursor's `getMore` waits for documents to come. */
  awaits(id: bigint): boolean {
    return this.#cursors.get(id)?.awaits ?? false;
  }

  kill(id: bigint): boolean {
    this.#cursors.get(id)?.source.return();
    return this.#cursors.delete(id);
  }

  dropIdle(now: number): void {
    for (const [id, cursor] of this.#cursors) if (now - cursor.lastUsed > IDLE_MS) this.kill(id);
  }

  #newId(): bigint {
    for (;;) {
      const bytes = new BigUint64Array(1);
      crypto.getRandomValues(bytes);
      const id = BigInt.asUintN(63, bytes[0] as bigint);
      if (id !== 0n && !this.#cursors.has(id)) return id;
    }
  }
}
