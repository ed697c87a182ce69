import { randomUUID } from 'node:crypto';
import {
  type CreditBalance,
  NO_QUOTA_USED,
  type Quota,
  type QuotaRecord,
  type QuotaStore,
} from '@kaana/core';
import mongoose from 'mongoose';
import { isDuplicateKey } from '../errors.ts';
import type { Models, StoredQuota } from '../schemas.ts';

const { Binary } = mongoose.mongo;

const RELAXED = { w: 1, journal: false } as const;
const DURABLE = { w: 'majority', journal: true } as const;

const BASE_BYTES = 8;
const PAIR_BYTES = 8;
/** Whole milliseconds since the base in 32 bits: 49 days, more than any window. */
const MAX_OFFSET = 2 ** 32 - 1;

/** Times are whole milliseconds, as they are counted under. */
export const encodeQuotaLog = (log: readonly number[]): Buffer => {
  if (log.length === 0) return Buffer.alloc(0);
  const base = log[0] as number;
  const bytes = Buffer.allocUnsafe(BASE_BYTES + (log.length / 2) * PAIR_BYTES);
  bytes.writeDoubleLE(base);
  for (let index = 0; index < log.length; index += 2) {
    const at = BASE_BYTES + (index / 2) * PAIR_BYTES;
    bytes.writeUInt32LE(Math.min(MAX_OFFSET, (log[index] as number) - base), at);
    bytes.writeUInt32LE(log[index + 1] as number, at + 4);
  }
  return bytes;
};

export const decodeQuotaLog = (bytes: Buffer): number[] => {
  const log: number[] = [];
  if (bytes.length === 0) return log;
  const base = bytes.readDoubleLE();
  for (let at = BASE_BYTES; at < bytes.length; at += PAIR_BYTES) {
    log.push(base + bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4));
  }
  return log;
};

const idOf = ({ scope, id }: Pick<Quota, 'scope' | 'id'>) => `${scope}:${id}`;

const toRecord = ({ logs, credits, reservations }: StoredQuota): QuotaRecord => ({
  logs: logs.map(({ log, ...rest }) => ({ ...rest, log: decodeQuotaLog(Buffer.from(log.buffer)) })),
  credits,
  reservations,
});

/** Twice the longest window: by then all that the record says has left it, whatever the clocks. */
const keepMs = ({ logs }: QuotaRecord): number =>
  2 * Math.max(60_000, ...logs.map(({ windowMs }) => windowMs));

export const createQuotaStore = ({ quotas }: Models): QuotaStore => {
  const collection = quotas.collection;
  return {
    read: async (quota) => {
      const found = (await collection.findOne({ _id: idOf(quota) as never })) as StoredQuota | null;
      return found
        ? { revision: found.revision, record: toRecord(found) }
        : { revision: null, record: NO_QUOTA_USED };
    },
    write: async (quota, expected, record, now) => {
      const revision = randomUUID();
      const fields = {
        revision,
        logs: record.logs.map(({ log, ...rest }) => ({ ...rest, log: new Binary(encodeQuotaLog(log)) })),
        credits: record.credits,
        reservations: [...record.reservations],
        expiresAt: record.credits ? null : new Date(now.latest + keepMs(record)),
      };
      const writeConcern = record.credits ? DURABLE : RELAXED;
      if (expected === null) {
        try {
          await collection.insertOne({ _id: idOf(quota) as never, ...fields }, { writeConcern });
          return revision;
        } catch (error) {
          if (isDuplicateKey(error)) return null;
          throw error;
        }
      }
      const { matchedCount } = await collection.updateOne(
        { _id: idOf(quota) as never, revision: expected },
        { $set: fields },
        { writeConcern },
      );
      return matchedCount === 1 ? revision : null;
    },
    balances: async (keyIds) => {
      const ids = keyIds.map((id) => idOf({ scope: 'key', id }));
      const found = (await collection
        .find({ _id: { $in: ids as never[] } }, { projection: { credits: 1 } })
        .toArray()) as unknown as { _id: string; credits: CreditBalance | null }[];
      return new Map(
        found.flatMap(({ _id, credits }): [string, CreditBalance][] =>
          credits ? [[_id.slice('key:'.length), credits]] : [],
        ),
      );
    },
  };
};
