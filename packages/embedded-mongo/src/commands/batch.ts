import { ServerError, toServerError } from '../errors.ts';
import type { Collection } from '../storage/collection.ts';
import type { Task } from '../task.ts';
import { decode } from '../values/codec.ts';
import { type Doc, Int32 } from '../values/types.ts';
import { flagField, type Request } from './command.ts';

/** More than this waiting for the disk, and a batch pauses until it is less. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
const MAX_BATCH = 100_000;

export function statements(request: Request, field: string): unknown[] {
  const items = request.body[field];
  if (!Array.isArray(items))
    throw new ServerError(40414, `BSON field '${request.name}.${field}' is missing but a required field`);
  if (items.length === 0 || items.length > MAX_BATCH) {
    throw new ServerError(
      'InvalidLength',
      `Write batch sizes must be between 1 and ${MAX_BATCH}. Got ${items.length} operations.`,
    );
  }
  return items;
}

/** A statement, which came encoded if it came in a sequence of its own. */
export function statement(item: unknown): unknown {
  return item instanceof Uint8Array ? decode(item) : item;
}

/** Runs each statement; an error ends an ordered batch, and is one of many in an unordered one. */
export function* batch<T>(
  request: Request,
  items: readonly T[],
  one: (item: T, index: number) => undefined | Task<void>,
): Task<Doc[]> {
  const ordered = request.body.ordered === undefined || flagField(request.body, 'ordered');
  const errors: Doc[] = [];
  for (let index = 0; index < items.length; index++) {
    try {
      const work = one(items[index] as T, index);
      if (work) yield* work;
    } catch (thrown) {
      const error = toServerError(thrown);
      errors.push({
        index: new Int32(index),
        code: new Int32(error.code),
        ...error.extra,
        errmsg: error.message,
      });
      if (ordered) break;
    }
    yield room(request);
  }
  return errors;
}

/** Something to wait for, if too much waits for the disk already. */
export function room({ engine }: Request): Promise<void> | undefined {
  return engine.store.pendingBytes > MAX_PENDING_BYTES ? engine.store.durable() : undefined;
}

export function target(request: Request, namespace: string): Collection {
  return request.engine.catalog.find(namespace) ?? request.engine.catalog.create(namespace);
}
