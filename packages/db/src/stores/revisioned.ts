import { randomUUID } from 'node:crypto';
import type { Held } from '@kaana/core';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../errors.ts';

export type Revisioned = { _id: string; revision: string };

/** What is only observed: a crash may lose the last moments of it, so that nothing waits for the disk. */
const RELAXED = { w: 1, journal: false } as const;

export const newRevision = (): string => randomUUID();

export const readRevisioned = async <Document extends Revisioned, Value>(
  model: Model<Document>,
  ids: readonly string[],
  toValue: (document: Document) => Value,
): Promise<ReadonlyMap<string, Held<Value>>> => {
  const found = (await model.collection
    .find({ _id: { $in: ids as never[] } }, { projection: { outbox: 0 } })
    .toArray()) as unknown as Document[];
  return new Map(
    found.map((document) => [document._id, { revision: document.revision, value: toValue(document) }]),
  );
};

/** The new revision; `null` where it has another one than `expected` by now, or, where none was expected, is there. */
export const writeRevisioned = async <Document extends Revisioned>(
  model: Model<Document>,
  id: string,
  expected: string | null,
  fields: Omit<Document, '_id' | 'revision'>,
): Promise<string | null> => {
  const revision = newRevision();
  if (expected !== null) {
    const { matchedCount } = await model.collection.updateOne(
      { _id: id as never, revision: expected },
      { $set: { ...fields, revision } },
      { writeConcern: RELAXED },
    );
    return matchedCount === 1 ? revision : null;
  }
  try {
    await model.collection.insertOne({ _id: id, ...fields, revision } as never, { writeConcern: RELAXED });
    return revision;
  } catch (error) {
    if (isDuplicateKey(error)) return null;
    throw error;
  }
};
