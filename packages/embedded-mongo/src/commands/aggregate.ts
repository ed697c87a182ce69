import {
  OUTPUT_STAGES,
  parsePipeline,
  parseUnion,
  prepareHead,
  runPipeline,
  takeHead,
} from '../aggregation/pipeline.ts';
import type { PipelineContext, StageSpec } from '../aggregation/stage.ts';
import type { Source } from '../cursors.ts';
import { ServerError } from '../errors.ts';
import { findDocuments, matches } from '../query/execute.ts';
import type { Collection } from '../storage/collection.ts';
import type { Task } from '../task.ts';
import { integer } from '../values/arithmetic.ts';
import { encode } from '../values/codec.ts';
import { type Doc, isDoc, toNumber } from '../values/types.ts';
import {
  type Command,
  checkNamespace,
  countField,
  docField,
  queryContext,
  type Reply,
  type Request,
  refuseUnknown,
} from './command.ts';
import { prepareOutput } from './output.ts';
import { cursorReply, nothing } from './read.ts';

export function pipelineContext(request: Request): PipelineContext {
  const { engine, database } = request;
  return {
    ...queryContext(request),
    collection: (name) => engine.catalog.find(checkNamespace(database, name)),
    sessions: () => engine.sessions.list(),
  };
}

/** `{$group: {_id: <constant>, name: {$sum: 1}}}`, which is what `countDocuments` sends. */
function countsOnly(stage: StageSpec | undefined): { id: unknown; name: string } | undefined {
  if (stage?.name !== '$group' || !isDoc(stage.argument)) return undefined;
  const [id, name, ...more] = Object.keys(stage.argument);
  if (id !== '_id' || name === undefined || more.length > 0) return undefined;
  const value = stage.argument._id;
  const sum = stage.argument[name];
  if (value !== null && toNumber(value) === undefined) return undefined;
  return isDoc(sum) && Object.keys(sum).length === 1 && toNumber(sum.$sum) === 1
    ? { id: value, name }
    : undefined;
}

/** Encoded results; where a `find` or a count can do the whole pipeline, no document is decoded for nothing. */
function resultsOf(
  collection: Collection | undefined,
  stages: StageSpec[],
  context: PipelineContext,
  hint?: unknown,
): Source {
  const head = takeHead(stages);
  const find = prepareHead(collection, head, context, hint);
  const [first, ...others] = head.rest;
  if (!first) return collection ? findDocuments(collection, find) : nothing();
  if (head.rest.every(({ name }) => name === '$unionWith')) {
    const unions = head.rest.map(({ argument }) => parseUnion(argument));
    if (unions.every(({ name }) => name !== undefined)) {
      const sources = unions.map(({ name = '', pipeline }) =>
        resultsOf(context.collection(name), pipeline, context),
      );
      return (function* (): Source {
        if (collection) yield* findDocuments(collection, find);
        for (const source of sources) yield* source;
      })();
    }
  }
  const shape = others.length === 0 && !head.sort ? countsOnly(first) : undefined;
  if (collection && shape) {
    return (function* (): Source {
      let total = 0;
      if (Object.keys(head.filter).length === 0) total = yield* collection.count();
      else {
        for (const match of matches(collection, find)) {
          if (match) total++;
          else yield undefined;
        }
      }
      total = Math.min(Math.max(0, total - (head.skip ?? 0)), head.limit ?? Number.POSITIVE_INFINITY);
      if (total > 0) yield encode({ _id: shape.id, [shape.name]: integer(BigInt(total), false) });
    })();
  }
  const documents = runPipeline(collection, stages, context, hint);
  return (function* (): Source {
    for (const doc of documents) yield doc && encode(doc);
  })();
}

function writesOutput(body: Doc): boolean {
  const last: unknown = Array.isArray(body.pipeline) ? body.pipeline.at(-1) : undefined;
  return isDoc(last) && OUTPUT_STAGES.has(Object.keys(last)[0] ?? '');
}

/** Pipelines that begin with one of these are run on a database, not on a collection. */
const COLLECTIONLESS = new Set(['$documents', '$listLocalSessions']);

/** Stages that the Stable API does not have. */
const UNSTABLE = new Set(['$listLocalSessions']);

function refuseUnstable(stages: readonly StageSpec[]): void {
  const stage = stages.find(({ name }) => UNSTABLE.has(name));
  if (stage)
    throw new ServerError(
      'APIStrictError',
      `stage ${stage.name} is not allowed with 'apiStrict: true' in API Version 1`,
    );
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
  writes: writesOutput,
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
    const first = stages[0]?.name ?? '';
    if (named === COLLECTIONLESS.has(first)) {
      throw new ServerError(
        'InvalidNamespace',
        named
          ? `${first} must be run against the database with {aggregate: 1}`
          : `{aggregate: 1} is not valid for '${first}'; a collection is required.`,
      );
    }
    const cursor = docField(body, 'cursor');
    if (!cursor)
      throw new ServerError(
        'FailedToParse',
        "The 'cursor' option is required, except for aggregate with the explain argument",
      );
    refuseUnknown(cursor, 'aggregate.cursor', ['batchSize']);
    if (body.apiStrict === true) refuseUnstable(stages);
    const context = pipelineContext(request);
    const collection = named ? engine.catalog.find(namespace) : undefined;
    const batchSize = countField(cursor, 'batchSize');
    const last = stages.at(-1);
    if (last && OUTPUT_STAGES.has(last.name)) {
      const write = prepareOutput(request, last, context);
      yield* write(runPipeline(collection, stages.slice(0, -1), context, body.hint));
      const batch = yield* engine.cursors.first(namespace, nothing(), batchSize, false);
      return cursorReply(batch, namespace, 'firstBatch');
    }
    const source = resultsOf(collection, stages, context, body.hint);
    const batch = yield* engine.cursors.first(namespace, source, batchSize, false);
    return cursorReply(batch, namespace, 'firstBatch');
  },
};

/** The filter, sort and hint by which a pipeline's documents are found, and the stages after that; for `explain`. */
export function explainable(body: Doc): { filter: Doc; sort: unknown; limit: unknown; rest: StageSpec[] } {
  const head = takeHead(parsePipeline(body.pipeline));
  return { filter: head.filter, sort: head.sort, limit: head.limit, rest: head.rest };
}
