import type { mongo } from 'mongoose';
import { duplicatesOf } from './errors.ts';

/** Whoever loses the race for a new document finds it there the next time. */
const ATTEMPTS = 5;

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
      // All that went wrong is that another process inserted the same documents just then.
      const again = attempt < ATTEMPTS ? duplicatesOf(error) : null;
      if (!again) throw error;
      left = left.filter((_operation, index) => again.includes(index));
    }
  }
};
