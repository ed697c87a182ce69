import type { Source } from '../cursors.ts';
import { ServerError } from '../errors.ts';
import { findDocuments, matches, prepareFind } from '../query/execute.ts';
import { prepareExpression, runStages } from '../query/expression.ts';
import { compileFilter, type QueryContext } from '../query/filter.ts';
import { parseSort, sortBy } from '../query/sort.ts';
import type { Task } from '../task.ts';
import { decode, encode, fromPlain, toPlain } from '../values/codec.ts';
import { type Doc, Int32, isDoc, toNumber } from '../values/types.ts';
import {
  type Command,
  checkNamespace,
  countField,
  docField,
  queryContext,
  type Reply,
  type Request,
} from './command.ts';
import { cursorReply } from './read.ts';

/** Stages that mingo evaluates. `$out` and `$merge` are refused: they would write under a read's name. */
const MINGO_STAGES = new Set([
  '$addFields',
  '$set',
  '$bucket',
  '$bucketAuto',
  '$densify',
  '$facet',
  '$fill',
  '$graphLookup',
  '$group',
  '$lookup',
  '$project',
  '$redact',
  '$replaceRoot',
  '$replaceWith',
  '$sample',
  '$setWindowFields',
  '$sortByCount',
  '$unionWith',
  '$unset',
  '$unwind',
  '$documents',
]);
const OWN_STAGES = new Set(['$match', '$sort', '$skip', '$limit', '$count']);
const REFUSED_STAGES = new Set([
  '$out',
  '$merge',
  '$geoNear',
  '$search',
  '$vectorSearch',
  '$changeStream',
  '$collStats',
  '$indexStats',
  '$currentOp',
  '$listSessions',
  '$listLocalSessions',
  '$planCacheStats',
]);

interface Stage {
  name: string;
  argument: unknown;
}

export function parsePipeline(pipeline: unknown): Stage[] {
  if (!Array.isArray(pipeline))
    throw new ServerError(
      'TypeMismatch',
      "BSON field 'aggregate.pipeline' is the wrong type, expected type 'array'",
    );
  return pipeline.map((stage): Stage => {
    if (!isDoc(stage))
      throw new ServerError('TypeMismatch', "Each element of the 'pipeline' array must be an object");
    const [name, ...more] = Object.keys(stage);
    if (name === undefined || more.length > 0)
      throw new ServerError(40323, 'A pipeline stage specification object must contain exactly one field.');
    if (REFUSED_STAGES.has(name))
      throw new ServerError('CommandNotSupported', `${name} is not supported by the embedded engine`);
    if (!MINGO_STAGES.has(name) && !OWN_STAGES.has(name))
      throw new ServerError(40324, `Unrecognized pipeline stage name: '${name}'`);
    return { name, argument: stage[name] };
  });
}

function wholeNumber(stage: Stage, least: number): number {
  const value = toNumber(stage.argument);
  if (value === undefined || !Number.isInteger(value) || value < least) {
    throw new ServerError(
      stage.name === '$limit' ? 15958 : 15956,
      `invalid argument to ${stage.name} stage: ${least === 1 ? 'the limit must be positive' : 'Expected a non-negative number'}`,
    );
  }
  return value;
}

/** The part of a pipeline that a `find` can do, with its indexes: $match, $sort, $skip, $limit in that order. */
interface Head {
  filter: Doc;
  sort: unknown;
  skip: number | undefined;
  limit: number | undefined;
  rest: Stage[];
}

function takeHead(stages: Stage[]): Head {
  const head: Head = { filter: {}, sort: undefined, skip: undefined, limit: undefined, rest: [...stages] };
  const filters: Doc[] = [];
  while (head.rest[0]?.name === '$match') {
    const { argument } = head.rest.shift() as Stage;
    if (!isDoc(argument)) throw new ServerError(15959, 'the match filter must be an expression in an object');
    filters.push(argument);
  }
  if (filters.length > 0) head.filter = filters.length === 1 ? (filters[0] as Doc) : { $and: filters };
  if (head.rest[0]?.name === '$sort') head.sort = head.rest.shift()?.argument;
  if (head.rest[0]?.name === '$skip') head.skip = wholeNumber(head.rest.shift() as Stage, 0);
  if (head.rest[0]?.name === '$limit') head.limit = wholeNumber(head.rest.shift() as Stage, 1);
  return head;
}

/** Runs stages over typed documents; those that mingo does see plain numbers. */
function runRest(documents: Doc[], stages: Stage[], request: Request, context: QueryContext): Doc[] {
  let current = documents;
  for (let i = 0; i < stages.length; i++) {
    const stage = stages[i] as Stage;
    switch (stage.name) {
      case '$match': {
        if (!isDoc(stage.argument))
          throw new ServerError(15959, 'the match filter must be an expression in an object');
        current = current.filter(compileFilter(stage.argument, context));
        break;
      }
      case '$sort':
        current = sortBy(current, (doc) => doc, parseSort(stage.argument), context.strings);
        break;
      case '$skip':
        current = current.slice(wholeNumber(stage, 0));
        break;
      case '$limit':
        current = current.slice(0, wholeNumber(stage, 1));
        break;
      case '$count': {
        if (typeof stage.argument !== 'string' || stage.argument === '')
          throw new ServerError(40156, 'the count field must be a non-empty string');
        current = current.length === 0 ? [] : [{ [stage.argument]: new Int32(current.length) }];
        break;
      }
      default: {
        const run = [stage];
        while (MINGO_STAGES.has(stages[i + 1]?.name ?? '')) run.push(stages[++i] as Stage);
        current = runMingo(current, run, request, context);
      }
    }
  }
  return current;
}

function runMingo(documents: Doc[], stages: Stage[], request: Request, context: QueryContext): Doc[] {
  const prepared = stages.map((stage) => ({ [stage.name]: prepareStage(stage, context) }));
  const resolver = (name: string) => {
    const collection = request.engine.catalog.find(checkNamespace(request.database, name));
    const found: Doc[] = [];
    if (collection)
      for (const row of collection.scanAll(false)) if (row) found.push(toPlain(decode(row.bytes)) as Doc);
    return found;
  };
  const plain = documents.map((doc) => toPlain(doc) as Doc);
  const results = runStages(plain, prepared, context, { collectionResolver: resolver });
  return results.map((doc) => fromPlain(doc) as Doc);
}

function prepareStage(stage: Stage, context: QueryContext): unknown {
  const { name, argument } = stage;
  const nested = (pipeline: unknown) =>
    parsePipeline(pipeline ?? []).map((inner) => ({ [inner.name]: prepareStage(inner, context) }));
  // A filter is not an expression: its operators are the query's.
  if (name === '$match') return toPlain(argument);
  if (
    name === '$unset' ||
    name === '$unwind' ||
    name === '$sample' ||
    name === '$count' ||
    name === '$sort' ||
    name === '$limit' ||
    name === '$skip'
  )
    return toPlain(argument);
  if ((name === '$lookup' || name === '$unionWith') && isDoc(argument)) {
    const copy: Doc = { ...argument };
    if ('pipeline' in copy) copy.pipeline = nested(copy.pipeline);
    if ('let' in copy) copy.let = prepareExpression(copy.let, context);
    if (name === '$unionWith' && !('pipeline' in copy)) copy.pipeline = [];
    return copy;
  }
  if (name === '$unionWith' && typeof argument === 'string') return { coll: argument, pipeline: [] };
  if (name === '$facet' && isDoc(argument))
    return Object.fromEntries(Object.keys(argument).map((key) => [key, nested(argument[key])]));
  if (name === '$graphLookup' && isDoc(argument)) {
    return { ...(toPlain(argument) as Doc), startWith: prepareExpression(argument.startWith, context) };
  }
  if (name === '$setWindowFields' || name === '$densify' || name === '$fill' || name === '$bucketAuto')
    return toPlain(argument);
  if (name === '$group' && (!isDoc(argument) || !('_id' in argument)))
    throw new ServerError(15955, 'a group specification must include an _id');
  return prepareExpression(argument, context);
}

function* runPipeline(request: Request, stages: Stage[], context: QueryContext): Source {
  const { body, engine } = request;
  const target = body.aggregate;
  const collection =
    typeof target === 'string' ? engine.catalog.find(checkNamespace(request.database, target)) : undefined;
  const head = takeHead(stages);
  const prepared = prepareFind(collection, {
    filter: head.filter,
    sort: head.sort,
    skip: head.skip,
    limit: head.limit,
    hint: body.hint,
    context,
  });
  if (head.rest.length === 0) {
    if (collection) yield* findDocuments(collection, prepared);
    return;
  }
  const [first] = head.rest;
  // What countDocuments sends; no need to decode and group every document.
  if (collection && head.rest.length === 1 && first && head.sort === undefined && countsOnly(first)) {
    yield* countMatches(request, collection, prepared, head, first);
    return;
  }
  const documents: Doc[] = [];
  if (collection) {
    for (const bytes of findDocuments(collection, prepared)) {
      if (bytes) documents.push(decode(bytes));
      else yield undefined;
    }
  }
  for (const doc of runRest(documents, head.rest, request, context)) yield encode(doc);
}

/** `{$group: {_id: <constant>, name: {$sum: 1}}}` */
function countsOnly(stage: Stage): { id: unknown; name: string } | undefined {
  if (stage.name !== '$group' || !isDoc(stage.argument)) return undefined;
  const [id, name, ...more] = Object.keys(stage.argument);
  if (id !== '_id' || name === undefined || more.length > 0) return undefined;
  const value = stage.argument._id;
  const sum = stage.argument[name];
  if (value !== null && toNumber(value) === undefined) return undefined;
  return isDoc(sum) && Object.keys(sum).length === 1 && toNumber(sum.$sum) === 1
    ? { id: value, name }
    : undefined;
}

function* countMatches(
  _request: Request,
  collection: NonNullable<ReturnType<Request['engine']['catalog']['find']>>,
  prepared: ReturnType<typeof prepareFind>,
  head: Head,
  stage: Stage,
): Source {
  const shape = countsOnly(stage);
  let total = 0;
  if (Object.keys(head.filter).length === 0) total = collection.count();
  else {
    for (const match of matches(collection, prepared)) {
      if (match) total++;
      else yield undefined;
    }
  }
  total = Math.min(Math.max(0, total - (head.skip ?? 0)), head.limit ?? Number.POSITIVE_INFINITY);
  if (shape && total > 0) yield encode({ _id: shape.id, [shape.name]: new Int32(total) });
}

export const aggregate: Command = {
  fields: [
    'pipeline',
    'cursor',
    'explain',
    'allowDiskUse',
    'collation',
    'hint',
    'let',
    'bypassDocumentValidation',
    'fromMongos',
    'exchange',
  ],
  *run(request): Task<Reply> {
    const { body, database, engine } = request;
    const target = body.aggregate;
    const named = typeof target === 'string';
    if (!named && toNumber(target) !== 1)
      throw new ServerError(
        'FailedToParse',
        "Invalid command format: the 'aggregate' field must specify a collection name or 1",
      );
    const namespace = named ? checkNamespace(database, target) : `${database}.$cmd.aggregate`;
    const stages = parsePipeline(body.pipeline);
    if (!named && stages[0]?.name !== '$documents') {
      throw new ServerError(
        'InvalidNamespace',
        `{aggregate: 1} is not valid for '${stages[0]?.name ?? 'an empty pipeline'}'; a collection is required.`,
      );
    }
    const cursor = docField(body, 'cursor');
    if (!cursor)
      throw new ServerError(
        'FailedToParse',
        "The 'cursor' option is required, except for aggregate with the explain argument",
      );
    const context = queryContext(request);
    const batch = yield* engine.cursors.first(
      namespace,
      runPipeline(request, stages, context),
      countField(cursor, 'batchSize'),
      false,
    );
    return cursorReply(batch, namespace, 'firstBatch');
  },
};

/** The filter, sort and hint by which a pipeline's documents are found; for `explain`. */
export function explainable(body: Doc): { filter: Doc; sort: unknown } {
  const head = takeHead(parsePipeline(body.pipeline));
  return { filter: head.filter, sort: head.sort };
}
