import { createHash } from 'node:crypto';
import { type Collection, type Db, MongoServerError } from 'mongodb';
import { type Attempt, Ledger, type Stored } from './ledger.ts';

export type Item = Stored & { _id: string; rev: number };

const DOCUMENTS_EACH = 25;
const BULK = 5;
const NAMES = 40;

/** Acknowledged changes by their kind. */
export type Tally = Record<string, number>;

/** A document that tells by itself whether it is whole. */
function item(writer: number, n: number, rev: number): Item {
  const _id = `${writer}-${n}`;
  const text = createHash('sha256')
    .update(`${_id}:${rev}`)
    .digest('hex')
    .repeat(1 + (rev % 20));
  return { _id, writer, n, rev, unique: `${_id}:${rev}`, tags: [`r${rev % 7}`, `w${writer}`, _id], text };
}

function pick(count: number): number {
  return Math.floor(Math.random() * count);
}

/** Writes to its own documents, one request at a time, until the server is gone, and remembers what it was told. */
export class Writer {
  readonly items = new Ledger();
  readonly claims = new Ledger();
  readonly #number: number;
  #revision = 0;
  /** What was sent to the counter without waiting for the disk, and what must be there in any case. */
  counter = { before: 0, sent: 0, answered: 0, certain: 0 };

  constructor(number: number) {
    this.#number = number;
  }

  /** The server is back, and its counter says so much. */
  restart(counter: number): void {
    this.counter = { before: counter, sent: counter, answered: counter, certain: counter };
  }

  /** Ends when a request gets no answer. Throws for an answer that is wrong. */
  async run(database: Db, tally: Tally): Promise<void> {
    const items = database.collection<Item>('items');
    for (;;) {
      const [kind, attempts, ledger, work] = this.#next(items, database);
      const relaxed = this.counter.answered;
      ledger.begin(attempts);
      let done = true;
      try {
        await work();
      } catch (error) {
        if (error instanceof WrongAnswer) throw error;
        if (!isRefusal(error)) return;
        if (error.code !== 11000) throw error;
        done = false;
      }
      ledger.settle(attempts, done);
      if (done) tally[kind] = (tally[kind] ?? 0) + 1;
      // What is on disk includes all that was written before it.
      this.counter.certain = Math.max(this.counter.certain, relaxed);
      if (pick(3) === 0 && !(await this.#count(database))) return;
    }
  }

  async #count(database: Db): Promise<boolean> {
    this.counter.sent++;
    try {
      await database
        .collection<{ _id: number; n: number }>('counters')
        .updateOne(
          { _id: this.#number },
          { $inc: { n: 1 } },
          { upsert: true, writeConcern: { w: 1, journal: false } },
        );
    } catch {
      return false;
    }
    this.counter.answered++;
    return true;
  }

  #next(
    items: Collection<Item>,
    database: Db,
  ): [kind: string, attempts: Attempt[], ledger: Ledger, work: () => Promise<unknown>] {
    const choice = pick(12);
    if (choice === 0) return this.#claim(database);
    if (choice === 1) return this.#bulk(items);
    const n = pick(DOCUMENTS_EACH);
    const before = this.items.get(`${this.#number}-${n}`) as Item | null;
    const after = item(this.#number, n, ++this.#revision);
    const { _id } = after;
    const change: Attempt[] = [{ key: _id, after }];
    if (!before)
      return choice < 6
        ? ['insert', change, this.items, () => items.insertOne(after)]
        : ['upsert', change, this.items, () => items.replaceOne({ _id }, after, { upsert: true })];
    const filter = { _id, rev: before.rev };
    const { _id: _own, ...fields } = after;
    if (choice < 6)
      return [
        'update',
        change,
        this.items,
        async () => must(await items.updateOne(filter, { $set: fields })),
      ];
    if (choice < 8)
      return [
        'replace',
        change,
        this.items,
        async () => must(await items.replaceOne(filter, fields as Item)),
      ];
    if (choice < 10)
      return [
        'findAndModify',
        change,
        this.items,
        async () => {
          const found = await items.findOneAndUpdate(
            filter,
            { $set: fields },
            { returnDocument: 'after', includeResultMetadata: false },
          );
          if (found?.rev !== after.rev)
            throw new WrongAnswer(`findAndModify returned ${JSON.stringify(found)}`);
        },
      ];
    return ['delete', [{ key: _id, after: null }], this.items, () => items.deleteOne({ _id })];
  }

  /** Several changes in one ordered request. */
  #bulk(items: Collection<Item>): [string, Attempt[], Ledger, () => Promise<unknown>] {
    const numbers = [...new Set(Array.from({ length: BULK }, () => pick(DOCUMENTS_EACH)))];
    const documents = numbers.map((n) => item(this.#number, n, ++this.#revision));
    const attempts = documents.map((after): Attempt => ({ key: after._id, after }));
    const operations = documents.map((replacement) => ({
      replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true },
    }));
    return ['bulk', attempts, this.items, () => items.bulkWrite(operations, { ordered: true })];
  }

  /** Takes one of a few names that only one document may have, or gives it back. */
  #claim(database: Db): [string, Attempt[], Ledger, () => Promise<unknown>] {
    const claims = database.collection<Stored & { _id: string }>('claims');
    const _id = `${this.#number}-${pick(10)}`;
    if (this.claims.get(_id))
      return ['release', [{ key: _id, after: null }], this.claims, () => claims.deleteOne({ _id })];
    const after = { _id, name: `name-${pick(NAMES)}` };
    return ['claim', [{ key: _id, after }], this.claims, () => claims.insertOne(after)];
  }
}

/** Whether the server said no. The driver calls a bulk write that nobody answered a server's error, too. */
export function isRefusal(error: unknown): error is MongoServerError {
  return error instanceof MongoServerError && typeof error.code === 'number';
}

/** The server answered, but not what it must. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

function must(result: { modifiedCount: number } | object): void {
  if (!('modifiedCount' in result) || result.modifiedCount !== 1)
    throw new WrongAnswer(`a document that is there was not changed: ${JSON.stringify(result)}`);
}
