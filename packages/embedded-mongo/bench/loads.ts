import type { Doc } from '../src/values/types.ts';
import { Client } from './client.ts';

export const DOCUMENTS = 10_000;
const BATCH = 1000;

/** About 300 bytes of BSON. */
export function document(n: number): Doc {
  return {
    _id: `item-${String(n).padStart(10, '0')}`,
    n,
    owner: `owner-${n % 1000}`,
    createdAt: new Date(1_700_000_000_000 + n),
    rev: 0,
    text: 'x'.repeat(170),
  };
}

export async function fill(client: Client, database: string, name: string, count: number): Promise<void> {
  await client.run(
    { createIndexes: name, indexes: [{ key: { n: 1 }, name: 'n_1', unique: true }] },
    database,
  );
  for (let from = 0; from < count; from += BATCH) {
    const documents = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => document(from + i));
    await client.run({ insert: name, documents, ordered: true }, database);
  }
}

/** A kind of request, and over how many connections it comes. */
export interface Load {
  name: string;
  connections: number;
  /** A request. */
  message(database: string): Buffer;
  /** Requests cannot be sent twice. */
  unique?: boolean;
  /** What has to be true of the ratio of the two servers' speeds. */
  target: number;
  note: string;
}

let inserted = 0;

function any(): number {
  return Math.floor(Math.random() * DOCUMENTS);
}

const RELAXED = { w: 1, j: false };

function updateOne(database: string, writeConcern: Doc | undefined): Buffer {
  const updates = [{ q: { n: any() }, u: { $set: { changedAt: new Date() }, $inc: { rev: 1 } } }];
  return Client.message({ update: 'items', updates, ...(writeConcern ? { writeConcern } : {}) }, database);
}

export const LOADS: Load[] = [
  {
    name: 'findOne by index, 1 connection',
    connections: 1,
    message: (database) =>
      Client.message({ find: 'items', filter: { n: any() }, limit: 1, singleBatch: true }, database),
    target: 1,
    note: '',
  },
  {
    name: 'updateOne by index, 1 connection, j: false',
    connections: 1,
    message: (database) => updateOne(database, RELAXED),
    target: 1,
    note: 'neither waits for the disk',
  },
  {
    name: 'updateOne by index, 1 connection',
    connections: 1,
    message: (database) => updateOne(database, undefined),
    target: 0,
    note: 'ours waits for the disk; see the row of the disk itself',
  },
  {
    name: 'findOne by index, 100 connections',
    connections: 100,
    message: (database) =>
      Client.message({ find: 'items', filter: { n: any() }, limit: 1, singleBatch: true }, database),
    target: 2,
    note: '',
  },
  {
    name: 'find by $in of 50, 10 connections',
    connections: 10,
    message: (database) =>
      Client.message({ find: 'items', filter: { n: { $in: Array.from({ length: 50 }, any) } } }, database),
    target: 1,
    note: '',
  },
  {
    name: 'durable inserts, 100 connections',
    connections: 100,
    message: (database) =>
      Client.message(
        { insert: 'items', documents: [document(DOCUMENTS + inserted++)], writeConcern: { w: 1, j: true } },
        database,
      ),
    unique: true,
    target: 1,
    note: 'ours waits for the disk, many writers share one sync',
  },
];
