import mongoose, { type mongo } from 'mongoose';

const { MongoBulkWriteError } = mongoose.mongo;

const DUPLICATE_KEY = 11000;
/** Whoever loses the race for a new document finds it there the next time. */
const ATTEMPTS = 5;

/** Which operations failed, where all that went wrong is that another process inserted the same documents just then. */
const lostRaces = (error: unknown): number[] | null => {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError()) return null;
  const failures = [error.writeErrors].flat();
  if (failures.length === 0 || failures.some(({ code }) => code !== DUPLICATE_KEY)) return null;
  return failures.map(({ index }) => index);
};

/**
 * Upserts by `_id`, of which several processes may make the same one at the same time. Only those that lost are sent
 * again, since the others have been applied: an `$inc` must not happen twice.
 */
export const bulkUpsert = async <Document extends mongo.Document>(
  collection: mongo.Collection<Document>,
  operations: readonly mongo.AnyBulkWriteOperation<Document>[],
  writeConcern?: mongo.WriteConcernSettings,
): Promise<void> => {
  let left = [...operations];
  for (let attempt = 1; left.length > 0; attempt++) {
    try {
      await collection.bulkWrite(left, { ordered: false, ...(writeConcern ? { writeConcern } : {}) });
      return;
    } catch (error) {
      const again = attempt < ATTEMPTS ? lostRaces(error) : null;
      if (!again) throw error;
      left = left.filter((_operation, index) => again.includes(index));
    }
  }
};
