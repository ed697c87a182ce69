import { Long } from 'bson';
import type { Batch, Source } from '../cursors.ts';
import { ServerError } from '../errors.ts';
import { encodeComponent } from '../indexes/key.ts';
import { findDocuments, matches, type PreparedFind, prepareFind } from '../query/execute.ts';
import { valuesAt } from '../query/path.ts';
import type { Collection } from '../storage/collection.ts';
import { run, type Task } from '../task.ts';
import { decode } from '../values/codec.ts';
import { compareValues } from '../values/compare.ts';
import { type Doc, Int32, numericValue, toNumber } from '../values/types.ts';
import { isCapped, tail } from './capped.ts';
import {
  type Command,
  countField,
  docField,
  flagField,
  namespaceOf,
  numberField,
  queryContext,
  RawDocument,
  type Reply,
} from './command.ts';

export function cursorReply(batch: Batch, namespace: string, name: 'firstBatch' | 'nextBatch'): Reply {
  return {
    cursor: { [name]: new RawDocument(batch.documents), id: Long.fromBigInt(batch.id), ns: namespace },
  };
}

export function* nothing(): Source {}

const FIND_OPTIONS = [
  'filter',
  'sort',
  'projection',
  'hint',
  'skip',
  'limit',
  'batchSize',
  'singleBatch',
  'let',
  'collation',
  'noCursorTimeout',
  'allowDiskUse',
  'allowPartialResults',
  'oplogReplay',
  'returnKey',
  'showRecordId',
  'min',
  'max',
  'tailable',
  'awaitData',
];

/** What a tailable cursor reads; undefined for any other. */
function followed(
  body: Doc,
  collection: Collection | undefined,
  find: PreparedFind,
): (() => Source | undefined) | undefined {
  if (!flagField(body, 'tailable')) {
    if (flagField(body, 'awaitData'))
      throw new ServerError('FailedToParse', "Cannot set 'awaitData' without also setting 'tailable'");
    return undefined;
  }
  if (!collection) return undefined;
  if (find.sort.length > 0)
    throw new ServerError('BadValue', 'cannot use tailable option with a sort other than {$natural: 1}');
  if (!isCapped(collection))
    throw new ServerError(
      'BadValue',
      'error processing query: tailable cursor requested on non capped collection',
    );
  // On nothing, a cursor has nothing to come after.
  return collection.scanAll(false).next().done ? undefined : tail(collection, find);
}

export const find: Command = {
  fields: FIND_OPTIONS,
  *run(request): Task<Reply> {
    const { body, engine } = request;
    const namespace = namespaceOf(request);
    for (const name of ['returnKey', 'showRecordId']) {
      if (flagField(body, name))
        throw new ServerError('BadValue', `find option '${name}' is not supported by the embedded engine`);
    }
    for (const name of ['min', 'max']) {
      if (Object.keys(docField(body, name) ?? {}).length > 0)
        throw new ServerError('BadValue', `find option '${name}' is not supported by the embedded engine`);
    }
    const collection = engine.catalog.find(namespace);
    const prepared = prepareFind(collection, {
      filter: docField(body, 'filter') ?? {},
      sort: body.sort,
      projection: docField(body, 'projection'),
      hint: body.hint,
      skip: countField(body, 'skip'),
      limit: Math.abs(countField(body, 'limit') ?? 0),
      context: queryContext(request),
    });
    const follow = followed(body, collection, prepared);
    const source = follow?.() ?? (collection ? findDocuments(collection, prepared) : nothing());
    const batch = yield* engine.cursors.first(
      namespace,
      source,
      countField(body, 'batchSize'),
      flagField(body, 'singleBatch'),
      follow && { follow, awaits: flagField(body, 'awaitData') },
    );
    return cursorReply(batch, namespace, 'firstBatch');
  },
};

export const getMore: Command = {
  fields: ['collection', 'batchSize'],
  run(request) {
    const { body, database, engine } = request;
    const id = body.getMore;
    if (!Long.isLong(id))
      throw new ServerError(
        'TypeMismatch',
        "BSON field 'getMore.getMore' is the wrong type, expected type 'long'",
      );
    const namespace = `${database}.${String(body.collection)}`;
    if (typeof body.collection !== 'string')
      throw new ServerError(40414, "BSON field 'getMore.collection' is missing but a required field");
    const size = countField(body, 'batchSize');
    const more = function* (): Task<Reply> {
      return cursorReply(yield* engine.cursors.more(id.toBigInt(), namespace, size), namespace, 'nextBatch');
    };
    const awaits = engine.cursors.awaits(id.toBigInt());
    if (
      !awaits &&
      body.maxTimeMS !== undefined &&
      toNumber(body.maxTimeMS) !== 0 &&
      engine.cursors.has(id.toBigInt())
    )
      throw new ServerError('BadValue', 'cannot set maxTimeMS on getMore command for a non-awaitData cursor');
    return awaits ? waiting(more, toNumber(body.maxTimeMS) ?? AWAIT_MS) : more();
  },
};

/** How long a `getMore` waits for something to come, if it does not say; and how often it looks. */
const AWAIT_MS = 1000;
const LOOK_MS = 10;

async function waiting(more: () => Task<Reply>, patience: number): Promise<Reply> {
  const deadline = performance.now() + patience;
  for (;;) {
    const reply = await run(more());
    const { cursor } = reply as { cursor: { id: Long; nextBatch: RawDocument } };
    const came = Array.isArray(cursor.nextBatch.bytes) && cursor.nextBatch.bytes.length > 0;
    if (came || cursor.id.isZero() || performance.now() >= deadline) return reply;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

export const killCursors: Command = {
  fields: ['cursors'],
  run({ body, engine }) {
    const ids = body.cursors;
    if (!Array.isArray(ids))
      throw new ServerError(
        'TypeMismatch',
        "BSON field 'killCursors.cursors' is missing or of the wrong type",
      );
    const killed: unknown[] = [];
    const unknown: unknown[] = [];
    for (const id of ids) (engine.cursors.kill(BigInt(numericValue(id))) ? killed : unknown).push(id);
    return { cursorsKilled: killed, cursorsNotFound: unknown, cursorsAlive: [], cursorsUnknown: [] };
  },
};

export const count: Command = {
  fields: ['query', 'limit', 'skip', 'hint', 'collation', 'fields'],
  *run(request): Task<Reply> {
    const { body, engine } = request;
    const collection = engine.catalog.find(namespaceOf(request));
    const filter = docField(body, 'query') ?? {};
    const skip = countField(body, 'skip') ?? 0;
    const limit = Math.abs(numberField(body, 'limit') ?? 0) || Number.POSITIVE_INFINITY;
    const prepared = prepareFind(collection, { filter, hint: body.hint, context: queryContext(request) });
    if (!collection) return { n: new Int32(0) };
    let total = 0;
    if (Object.keys(filter).length === 0) total = yield* collection.count();
    else {
      for (const match of matches(collection, prepared)) {
        if (!match) yield;
        else if (++total >= skip + limit) break;
      }
    }
    return { n: new Int32(Math.min(Math.max(0, total - skip), limit)) };
  },
};

export const distinct: Command = {
  fields: ['key', 'query', 'collation', 'hint'],
  unstable: true,
  *run(request): Task<Reply> {
    const { body, engine } = request;
    const key = body.key;
    if (typeof key !== 'string')
      throw new ServerError(
        'TypeMismatch',
        "BSON field 'distinct.key' is the wrong type, expected type 'string'",
      );
    const collection = engine.catalog.find(namespaceOf(request));
    const context = queryContext(request);
    const prepared = prepareFind(collection, {
      filter: docField(body, 'query') ?? {},
      hint: body.hint,
      context,
    });
    if (!collection) return { values: [] };
    const values = new Map<string, unknown>();
    const parts = key.split('.');
    for (const match of matches(collection, prepared)) {
      if (!match) {
        yield;
        continue;
      }
      for (const value of valuesAt(match.doc ?? decode(match.row.bytes), parts)) {
        if (value === undefined) continue;
        const at = encodeComponent(value);
        if (!values.has(at)) values.set(at, value);
      }
    }
    const sorted = [...values.values()].sort((a, b) => compareValues(a, b, context.strings));
    const { strings } = context;
    return {
      values: strings
        ? sorted.filter((value, i) => i === 0 || compareValues(value, sorted[i - 1], strings) !== 0)
        : sorted,
    };
  },
};
