import { ServerError } from '../errors.ts';
import { matches, type PreparedFind, prepareFind } from '../query/execute.ts';
import type { Collection } from '../storage/collection.ts';
import type { Task } from '../task.ts';
import { decode } from '../values/codec.ts';
import { type Doc, Int32, isDoc } from '../values/types.ts';
import { batch, room, statement, statements } from './batch.ts';
import {
  type Command,
  docField,
  flagField,
  namespaceOf,
  numberField,
  queryContext,
  type Reply,
  type Request,
  refuseUnknown,
} from './command.ts';

/** What is wrong with a statement's form is told before any statement runs. */
function parseStatement(item: unknown): Doc {
  if (!isDoc(item))
    throw new ServerError(
      'TypeMismatch',
      "BSON field 'delete.deletes' is the wrong type, expected type 'object'",
    );
  refuseUnknown(item, 'delete.deletes', ['q', 'limit', 'hint', 'collation']);
  for (const field of ['q', 'limit'])
    if (item[field] === undefined)
      throw new ServerError(40414, `BSON field 'delete.deletes.${field}' is missing but a required field`);
  docField(item, 'q');
  const limit = numberField(item, 'limit');
  if (limit !== 0 && limit !== 1)
    throw new ServerError('FailedToParse', `The limit field in delete objects must be 0 or 1. Got ${limit}`);
  return item;
}

export const remove: Command = {
  fields: ['deletes', 'ordered', 'let'],
  writes: true,
  *run(request): Task<Reply> {
    const namespace = namespaceOf(request);
    let deleted = 0;
    const items = statements(request, 'deletes').map((given) => parseStatement(statement(given)));
    const errors = yield* batch(request, items, function* (item): Task<void> {
      const one = flagField(item, 'limit');
      deleted += yield* applyDelete(request, namespace, item, docField(item, 'q') ?? {}, one);
    });
    return { n: new Int32(deleted), ...(errors.length > 0 ? { writeErrors: errors } : {}) };
  },
};

export function removeOne(collection: Collection, find: PreparedFind, id: string): Doc | undefined {
  const bytes = collection.read(id);
  if (!bytes) return undefined;
  const doc = decode(bytes);
  if (!find.matcher(doc)) return undefined;
  collection.remove({ id, bytes }, doc);
  return doc;
}

/** Deletes the documents, or the first one, that a filter finds; returns how many. */
export function* applyDelete(
  request: Request,
  namespace: string,
  source: Doc,
  filter: Doc,
  one: boolean,
): Task<number> {
  const collection = request.engine.catalog.find(namespace);
  const context = queryContext(request, source);
  const find = prepareFind(collection, { filter, hint: source.hint, context });
  let deleted = 0;
  if (!collection) return deleted;
  for (const match of matches(collection, find)) {
    if (!match) {
      yield;
      continue;
    }
    if (!removeOne(collection, find, match.row.id)) continue;
    deleted++;
    if (one) break;
    yield room(request);
  }
  return deleted;
}
