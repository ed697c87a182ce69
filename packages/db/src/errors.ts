import { KaanaError } from '@kaana/core';
import mongoose from 'mongoose';

const { MongoError, MongoServerError, MongoBulkWriteError } = mongoose.mongo;

const DUPLICATE_KEY = 11000;

export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY;

/** Of an unordered bulk of inserts: which failed, where all that went wrong is that a unique index had them already. */
export const duplicatesOf = (error: unknown): number[] | null => {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError()) return null;
  const failures = [error.writeErrors].flat();
  if (failures.length === 0 || failures.some(({ code }) => code !== DUPLICATE_KEY)) return null;
  return failures.map(({ index }) => index);
};

/**
 * Errors by which a server says "not now" (MongoDB's error codes): unreachable hosts, shutting down, no longer or not
 * yet primary, out of time, out of space, write conflict, and write concern that could not be met in time.
 */
const TRANSIENT = new Set([
  6, 7, 50, 64, 89, 91, 112, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436, 14031,
]);

export const isUnavailable = (error: unknown): boolean => {
  if (error instanceof MongoBulkWriteError)
    return typeof error.code === 'number' && TRANSIENT.has(error.code);
  if (error instanceof MongoServerError) return TRANSIENT.has(Number(error.code));
  // Whatever the driver raises of its own: selection and network time-outs, closed pools, lost connections.
  return (
    error instanceof MongoError || (error instanceof Error && error.name === 'MongooseServerSelectionError')
  );
};

export const storeUnavailable = (cause: unknown): KaanaError =>
  new KaanaError('store_unavailable', 'The database cannot be reached just now. Try again in a moment.', {
    retryAfterSeconds: 1,
    cause,
  });

type AsyncMethods = Record<string, (...args: never[]) => Promise<unknown>>;

/** The same methods, with the driver's "not now" told as `store_unavailable`. Anything else is a fault of ours. */
export const translateErrors = <Store extends object>(store: Store): Store => {
  const translated: AsyncMethods = {};
  for (const [name, method] of Object.entries(store as AsyncMethods)) {
    translated[name] = async (...args) => {
      try {
        return await method(...args);
      } catch (error) {
        throw isUnavailable(error) ? storeUnavailable(error) : error;
      }
    };
  }
  return translated as Store;
};
