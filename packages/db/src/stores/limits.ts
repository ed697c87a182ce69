import { randomUUID } from 'node:crypto';
import { Coalescer, type HeldLimit, type LimitStore, NO_ADMISSIONS } from '@kaana/core';
import mongoose from 'mongoose';
import { duplicatesOf } from '../errors.ts';
import type { Models, StoredLimit } from '../schemas.ts';
import { ServerClock } from '../server-clock.ts';

const { Binary } = mongoose.mongo;

const RELAXED = { w: 1, journal: false } as const;

const BASE_BYTES = 8;
const PAIR_BYTES = 8;

/** Of a millisecond. 32 bits of it are 71 minutes, far more than any window. */
const PARTS = 1_000;

/** A log as it is stored: the first time as a double, then per pair the microseconds since it and the count, 32 bits each. */
export const encodeLog = (log: readonly number[]): Buffer => {
  if (log.length === 0) return Buffer.alloc(0);
  const base = log[0] as number;
  const bytes = Buffer.allocUnsafe(BASE_BYTES + (log.length / 2) * PAIR_BYTES);
  bytes.writeDoubleLE(base);
  for (let index = 0; index < log.length; index += 2) {
    const at = BASE_BYTES + (index / 2) * PAIR_BYTES;
    // Up, as everything here: an admission is never taken for earlier than it was.
    bytes.writeUInt32LE(Math.ceil(((log[index] as number) - base) * PARTS), at);
    bytes.writeUInt32LE(log[index + 1] as number, at + 4);
  }
  return bytes;
};

export const decodeLog = (bytes: Buffer): number[] => {
  const log: number[] = [];
  if (bytes.length === 0) return log;
  const base = bytes.readDoubleLE();
  for (let at = BASE_BYTES; at < bytes.length; at += PAIR_BYTES) {
    log.push(base + bytes.readUInt32LE(at) / PARTS, bytes.readUInt32LE(at + 4));
  }
  return log;
};

const toHeld = ({ revision, log, leases }: StoredLimit): HeldLimit => ({
  revision,
  record: { log: decodeLog(Buffer.from(log.buffer)), leases },
});

const NOTHING_HELD: HeldLimit = { revision: null, record: NO_ADMISSIONS };

/** One write: to the document as it was read, or, where `expected` is `null`, of the first document. */
type Write = {
  readonly id: string;
  readonly expected: string | null;
  readonly fields: Omit<StoredLimit, '_id' | 'recent'>;
};

/** More than other processes write to one limit between a command and the question what became of it. */
const KEPT_REVISIONS = 8;

const guarded = (id: string, expected: string) => ({ _id: id as never, revision: expected });

/**
 * What many accounts ask at once goes together: a command costs more than what it carries, and accounts whose requests
 * arrive in the same moment are the rule where there are many.
 */
export const createLimitStore = ({ limits }: Models): LimitStore => {
  const collection = limits.collection;
  const clock = new ServerClock(async () => {
    const { localTime } = await limits.db.getClient().db(limits.db.name).command({ hello: 1 });
    return (localTime as Date).getTime();
  });

  const insert = async (writes: readonly Write[]): Promise<readonly Write[]> => {
    if (writes.length === 0) return [];
    const documents = writes.map(({ id, fields }) => ({ _id: id as never, ...fields }));
    try {
      await collection.insertMany(documents, { ordered: false, writeConcern: RELAXED });
      return writes;
    } catch (error) {
      const duplicates = duplicatesOf(error);
      if (!duplicates) throw error;
      return writes.filter((_, index) => !duplicates.includes(index));
    }
  };

  const updateOne = async (write: Write, expected: string): Promise<readonly Write[]> => {
    const { matchedCount } = await collection.updateOne(
      guarded(write.id, expected),
      { $set: write.fields },
      { writeConcern: RELAXED },
    );
    return matchedCount === 1 ? [write] : [];
  };

  /** A bulk tells how many of its updates found their document, not which: where some did not, the documents tell. */
  const updateMany = async (writes: readonly Write[]): Promise<readonly Write[]> => {
    const updates = writes.map(({ id, expected, fields }) => ({
      updateOne: {
        filter: guarded(id, expected as string),
        update: {
          $set: fields,
          $push: { recent: { $each: [fields.revision], $slice: -KEPT_REVISIONS } } as never,
        },
      },
    }));
    const { matchedCount } = await collection.bulkWrite(updates, { ordered: false, writeConcern: RELAXED });
    if (matchedCount === writes.length) return writes;
    const stored = (await collection
      .find({ _id: { $in: writes.map(({ id }) => id) as never } }, { projection: { recent: 1 } })
      .toArray()) as unknown as Pick<StoredLimit, '_id' | 'recent'>[];
    const made = new Set(stored.flatMap(({ recent }) => recent ?? []));
    return writes.filter(({ fields }) => made.has(fields.revision));
  };

  const update = async (writes: readonly Write[]): Promise<readonly Write[]> => {
    const [only] = writes;
    if (!only) return [];
    return writes.length === 1 ? updateOne(only, only.expected as string) : updateMany(writes);
  };

  const reads = new Coalescer<string, HeldLimit>(async (ids) => {
    const found = (await collection
      .find({ _id: { $in: ids as never } }, { projection: { recent: 0 }, batchSize: ids.length + 1 })
      .toArray()) as unknown as StoredLimit[];
    return new Map(found.map((stored) => [stored._id, toHeld(stored)]));
  });

  const writes = new Coalescer<Write, true>(async (asked) => {
    const made = await Promise.all([
      insert(asked.filter(({ expected }) => expected === null)),
      update(asked.filter(({ expected }) => expected !== null)),
    ]);
    return new Map(made.flat().map((write) => [write, true]));
  });

  return {
    now: () => clock.now(),
    read: async (id) => (await reads.get(id)) ?? NOTHING_HELD,
    write: async (id, expected, record, keepMs) => {
      const revision = randomUUID();
      const fields = {
        revision,
        log: new Binary(encodeLog(record.log)),
        leases: [...record.leases],
        expiresAt: new Date(Date.now() + keepMs),
      };
      return (await writes.get({ id, expected, fields })) ? revision : null;
    },
  };
};
