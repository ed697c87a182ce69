import { randomUUID } from 'node:crypto';
import { type HeldLimit, type LimitRecord, type LimitStore, NO_ADMISSIONS } from '@kaana/core';
import mongoose from 'mongoose';
import { isDuplicateKey } from '../errors.ts';
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

const toRecord = ({ log, leases }: StoredLimit): LimitRecord => ({
  log: decodeLog(Buffer.from(log.buffer)),
  leases,
});

export const createLimitStore = ({ limits }: Models): LimitStore => {
  const collection = limits.collection;
  const clock = new ServerClock(async () => {
    const { localTime } = await limits.db.getClient().db(limits.db.name).command({ hello: 1 });
    return (localTime as Date).getTime();
  });

  return {
    now: () => clock.now(),
    read: async (id): Promise<HeldLimit> => {
      const found = (await collection.findOne({ _id: id as never })) as StoredLimit | null;
      return found
        ? { revision: found.revision, record: toRecord(found) }
        : { revision: null, record: NO_ADMISSIONS };
    },
    write: async (id, expected, record, keepMs) => {
      const revision = randomUUID();
      const fields = {
        revision,
        log: new Binary(encodeLog(record.log)),
        leases: [...record.leases],
        expiresAt: new Date(Date.now() + keepMs),
      };
      if (expected === null) {
        try {
          await collection.insertOne({ _id: id as never, ...fields }, { writeConcern: RELAXED });
          return revision;
        } catch (error) {
          if (isDuplicateKey(error)) return null;
          throw error;
        }
      }
      const { matchedCount } = await collection.updateOne(
        { _id: id as never, revision: expected },
        { $set: fields },
        { writeConcern: RELAXED },
      );
      return matchedCount === 1 ? revision : null;
    },
  };
};
