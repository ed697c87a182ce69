import { ServerError } from '../errors.ts';
import { compileExpression } from '../expression/compile.ts';
import { findDocuments, type PreparedFind, prepareFind } from '../query/execute.ts';
import { compileFilter } from '../query/filter.ts';
import { parseSort, sortBy } from '../query/sort.ts';
import type { Collection } from '../storage/collection.ts';
import { decode } from '../values/codec.ts';
import { type Doc, isDoc, toNumber, typeName } from '../values/types.ts';
import { bucketAuto } from './bucket-auto.ts';
import { densify } from './densify.ts';
import { fill } from './fill.ts';
import { GROUPING } from './grouping.ts';
import { JOINING } from './joining.ts';
import { SHAPING } from './shaping.ts';
import {
  gathering,
  type PipelineContext,
  type Stage,
  type StageCompiler,
  type StageSpec,
  type Stream,
  streamOf,
} from './stage.ts';
import { setWindowFields } from './windows.ts';

// The stages that join run pipelines themselves, so that they can only be loaded through this module.
export { parseUnion } from './joining.ts';

export const OUTPUT_STAGES = new Set(['$out', '$merge']);

/** Stages of MongoDB that are not there; each is a feature of its own, named in the README. */
const REFUSED_STAGES = new Set([
  '$geoNear',
  '$search',
  '$searchMeta',
  '$vectorSearch',
  '$changeStream',
  '$collStats',
  '$indexStats',
  '$currentOp',
  '$listSessions',
  '$planCacheStats',
]);

function wholeNumber(stage: StageSpec): number {
  const value = toNumber(stage.argument);
  const limit = stage.name === '$limit';
  if (value === undefined)
    throw new ServerError(
      limit ? 2107201 : 5107200,
      `invalid argument to ${stage.name} stage: Expected a number in: ${stage.name}`,
    );
  if (!Number.isInteger(value) || value < 0)
    throw new ServerError(
      limit ? 5107201 : 5107200,
      `invalid argument to ${stage.name} stage: Expected a non-negative number in: ${stage.name}`,
    );
  if (limit && value === 0) throw new ServerError(15958, 'the limit must be positive');
  return value;
}

function filterOf(argument: unknown): Doc {
  if (!isDoc(argument)) throw new ServerError(15959, 'the match filter must be an expression in an object');
  return argument;
}

function sortOf(argument: unknown): Doc {
  if (!isDoc(argument)) throw new ServerError(15973, 'the $sort key specification must be an object');
  if (Object.keys(argument).length === 0)
    throw new ServerError(15976, '$sort stage must have at least one sort key');
  return argument;
}

const BASIC: Record<string, StageCompiler> = {
  $match(argument, context) {
    const accepts = compileFilter(filterOf(argument), context);
    return function* (input) {
      for (const doc of input) if (!doc || accepts(doc)) yield doc;
    };
  },
  $sort(argument, context) {
    const fields = parseSort(sortOf(argument));
    return gathering((documents) => sortBy(documents, (doc) => doc, fields, context.strings));
  },
  $skip(argument) {
    const count = wholeNumber({ name: '$skip', argument });
    return function* (input) {
      let left = count;
      for (const doc of input) {
        if (doc && left > 0) left--;
        else yield doc;
      }
    };
  },
  $limit(argument) {
    const count = wholeNumber({ name: '$limit', argument });
    return function* (input) {
      let left = count;
      for (const doc of input) {
        yield doc;
        if (doc && --left === 0) return;
      }
    };
  },
  $sample(argument) {
    const size = isDoc(argument) ? toNumber(argument.size) : undefined;
    if (!isDoc(argument)) throw new ServerError(28745, 'the $sample stage specification must be an object');
    if (size === undefined) throw new ServerError(28746, 'size argument to $sample must be a number');
    if (size <= 0) throw new ServerError(28747, 'size argument to $sample must be a positive integer');
    return gathering((documents) => {
      for (let i = 0; i < Math.min(size, documents.length); i++) {
        const j = i + Math.floor(Math.random() * (documents.length - i));
        [documents[i], documents[j]] = [documents[j] as Doc, documents[i] as Doc];
      }
      return documents.slice(0, size);
    });
  },
  $documents(argument, context) {
    const value = compileExpression(argument, context)({});
    if (!Array.isArray(value) || !value.every(isDoc))
      throw new ServerError(5858203, 'an array of documents is expected for $documents');
    return () => streamOf(value);
  },
  $listLocalSessions(argument, context) {
    if (!isDoc(argument))
      throw new ServerError('TypeMismatch', '$listLocalSessions options must be specified in an object');
    return () => streamOf(context.sessions());
  },
};

const STAGES: Record<string, StageCompiler> = {
  ...BASIC,
  ...SHAPING,
  ...GROUPING,
  ...JOINING,
  $bucketAuto: bucketAuto,
  $densify: densify,
  $fill: fill,
  $setWindowFields: setWindowFields,
};

/** Stages that make documents rather than take them. */
const SOURCES = new Set(['$documents', '$listLocalSessions']);

/** Checks names and places of stages; `inner`: a pipeline within a stage, which may not write. */
export function parsePipeline(pipeline: unknown, where: 'outer' | 'inner' = 'outer'): StageSpec[] {
  if (!Array.isArray(pipeline))
    throw new ServerError(
      'TypeMismatch',
      `'pipeline' option must be specified as an array, not ${typeName(pipeline)}`,
    );
  return pipeline.map((stage, i): StageSpec => {
    if (!isDoc(stage))
      throw new ServerError('TypeMismatch', "Each element of the 'pipeline' array must be an object");
    const [name, ...more] = Object.keys(stage);
    if (name === undefined || more.length > 0)
      throw new ServerError(40323, 'A pipeline stage specification object must contain exactly one field.');
    if (REFUSED_STAGES.has(name))
      throw new ServerError('CommandNotSupported', `${name} is not supported by the embedded engine`);
    if (OUTPUT_STAGES.has(name)) {
      if (where === 'inner') throw new ServerError(51047, `${name} is not allowed within a nested pipeline`);
      if (i < pipeline.length - 1)
        throw new ServerError(40601, `${name} can only be the final stage in the pipeline`);
    } else if (!Object.hasOwn(STAGES, name))
      throw new ServerError(40324, `Unrecognized pipeline stage name: '${name}'`);
    if (SOURCES.has(name) && i > 0)
      throw new ServerError(40602, `${name} is only valid as the first stage in a pipeline`);
    return { name, argument: stage[name] };
  });
}

/** The part of a pipeline that a `find` can do, with its indexes: $match, $sort, $skip, $limit in that order. */
export interface Head {
  filter: Doc;
  sort: Doc | undefined;
  skip: number | undefined;
  limit: number | undefined;
  rest: StageSpec[];
}

export function takeHead(stages: readonly StageSpec[]): Head {
  const rest = [...stages];
  const take = (name: string): StageSpec | undefined => (rest[0]?.name === name ? rest.shift() : undefined);
  const filters: Doc[] = [];
  for (let match = take('$match'); match; match = take('$match')) filters.push(filterOf(match.argument));
  const [first] = filters;
  const sort = take('$sort');
  const skip = take('$skip');
  const limit = take('$limit');
  return {
    filter: filters.length > 1 ? { $and: filters } : (first ?? {}),
    sort: sort && sortOf(sort.argument),
    skip: skip && wholeNumber(skip),
    limit: limit && wholeNumber(limit),
    rest,
  };
}

export function prepareHead(
  collection: Collection | undefined,
  head: Head,
  context: PipelineContext,
  hint?: unknown,
): PreparedFind {
  const { filter, sort, skip, limit } = head;
  return prepareFind(collection, { filter, sort, skip, limit, hint, context });
}

function* decoded(collection: Collection, find: PreparedFind): Stream {
  for (const bytes of findDocuments(collection, find)) yield bytes && decode(bytes);
}

function compileStage(spec: StageSpec, context: PipelineContext): Stage {
  const compile = STAGES[spec.name];
  if (!compile) throw new ServerError(40324, `Unrecognized pipeline stage name: '${spec.name}'`);
  return compile(spec.argument, context, spec.name);
}

/**
 * Compiles a pipeline at once, so that it throws here for what MongoDB refuses to parse, and gives the documents
 * that it makes of a collection's, or of the given ones.
 */
export function runPipeline(
  source: Collection | { documents: readonly Doc[] } | undefined,
  specs: readonly StageSpec[],
  context: PipelineContext,
  hint?: unknown,
): Stream {
  if (source && 'documents' in source) {
    const stages = specs.map((spec) => compileStage(spec, context));
    return stages.reduce((stream, stage) => stage(stream), streamOf(source.documents));
  }
  const head = takeHead(specs);
  const find = prepareHead(source, head, context, hint);
  const stages = head.rest.map((spec) => compileStage(spec, context));
  const documents = source ? decoded(source, find) : streamOf([]);
  return stages.reduce((stream, stage) => stage(stream), documents);
}
