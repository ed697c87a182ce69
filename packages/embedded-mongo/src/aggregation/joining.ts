import { ServerError } from '../errors.ts';
import { compileExpression } from '../expression/compile.ts';
import { encodeComponent } from '../indexes/key.ts';
import { compileFilter } from '../query/filter.ts';
import { valuesAt } from '../query/path.ts';
import { type Doc, isDoc, Long, toNumber } from '../values/types.ts';
import { joiner } from './joiner.ts';
import { parsePipeline, runPipeline } from './pipeline.ts';
import { compileAssignments } from './shape.ts';
import type { PipelineContext, StageCompiler, StageSpec, Stream } from './stage.ts';

function checkOptions(stage: string, argument: unknown, known: readonly string[]): Doc {
  if (!isDoc(argument))
    throw new ServerError(
      'FailedToParse',
      `the ${stage} stage specification must be an object, but found ${typeof argument}`,
    );
  for (const key of Object.keys(argument))
    if (!known.includes(key)) throw new ServerError('FailedToParse', `unknown argument to ${stage}: ${key}`);
  return argument;
}

function text(stage: string, spec: Doc, name: string): string | undefined {
  const value = spec[name];
  if (value !== undefined && typeof value !== 'string')
    throw new ServerError(
      'FailedToParse',
      `${stage} argument '${name}' must be a string, found ${typeof value}`,
    );
  return value;
}

/** The values that a document's field joins by; a missing one counts as null. */
function localValues(doc: Doc, parts: readonly string[]): unknown[] {
  const values = valuesAt(doc, parts).filter((value) => value !== undefined);
  return values.length === 0 ? [null] : values;
}

const lookup: StageCompiler = (argument, context) => {
  const spec = checkOptions('$lookup', argument, [
    'from',
    'as',
    'localField',
    'foreignField',
    'let',
    'pipeline',
  ]);
  const as = text('$lookup', spec, 'as');
  const from = text('$lookup', spec, 'from');
  const localField = text('$lookup', spec, 'localField');
  const foreignField = text('$lookup', spec, 'foreignField');
  if (as === undefined) throw new ServerError('FailedToParse', "must specify 'as' field for a $lookup");
  if ((localField === undefined) !== (foreignField === undefined))
    throw new ServerError(
      'FailedToParse',
      '$lookup requires both or neither of localField and foreignField to be specified',
    );
  if (spec.pipeline === undefined && localField === undefined)
    throw new ServerError(
      'FailedToParse',
      "$lookup requires either 'pipeline' or both 'localField' and 'foreignField' to be specified",
    );
  if (spec.let !== undefined && !isDoc(spec.let))
    throw new ServerError('FailedToParse', "$lookup argument 'let' must be an object");
  const pipeline = spec.pipeline === undefined ? undefined : parsePipeline(spec.pipeline, 'inner');
  if (from === undefined && pipeline?.[0]?.name !== '$documents')
    throw new ServerError('FailedToParse', "must specify 'from' field for a $lookup");
  const given = spec.let ?? {};
  const variables = Object.keys(given).map(
    (name) => [name, compileExpression(given[name], context)] as const,
  );
  const inner = (values: Doc): PipelineContext => ({
    ...context,
    variables: { ...context.variables, ...values },
  });
  // Compiled here once, though without values, so that what is wrong in it is told even if there is nothing to join.
  if (pipeline)
    runPipeline(undefined, pipeline, inner(Object.fromEntries(variables.map(([name]) => [name, null]))));
  const assign = (doc: Doc, found: Doc[]): Doc =>
    compileAssignments([{ path: as, expression: { $literal: found } }], context)(doc, doc);
  return function* (input) {
    const collection = from === undefined ? undefined : context.collection(from);
    const join = foreignField === undefined ? undefined : joiner(collection, foreignField, context);
    let always: Doc[] | undefined;
    for (const doc of input) {
      if (!doc) {
        yield undefined;
        continue;
      }
      let found: Doc[] = [];
      if (always) found = always;
      else {
        const joined =
          join && localField !== undefined ? [...join(localValues(doc, localField.split('.')))] : undefined;
        if (!pipeline) found = joined ?? [];
        else {
          const values = Object.fromEntries(variables.map(([name, value]) => [name, value(doc)]));
          const source = joined ? { documents: joined } : collection;
          for (const one of runPipeline(source, pipeline, inner(values))) {
            if (one) found.push(one);
            else yield undefined;
          }
          if (!joined && variables.length === 0) always = found;
        }
      }
      yield assign(doc, found);
    }
  };
};

const graphLookup: StageCompiler = (argument, context) => {
  const spec = checkOptions('$graphLookup', argument, [
    'from',
    'as',
    'startWith',
    'connectFromField',
    'connectToField',
    'depthField',
    'maxDepth',
    'restrictSearchWithMatch',
  ]);
  const [from, as, connectFrom, connectTo] = ['from', 'as', 'connectFromField', 'connectToField'].map(
    (name) => text('$graphLookup', spec, name),
  );
  const depthField = text('$graphLookup', spec, 'depthField');
  if (
    from === undefined ||
    as === undefined ||
    connectFrom === undefined ||
    connectTo === undefined ||
    !('startWith' in spec)
  )
    throw new ServerError(
      40105,
      "$graphLookup requires 'from', 'as', 'startWith', 'connectFromField', and 'connectToField' to be specified.",
    );
  const maxDepth = spec.maxDepth === undefined ? Number.POSITIVE_INFINITY : toNumber(spec.maxDepth);
  if (maxDepth === undefined || (maxDepth !== Number.POSITIVE_INFINITY && !Number.isInteger(maxDepth)))
    throw new ServerError(40100, 'maxDepth must be numeric and representable as a 64-bit integral value');
  if (maxDepth < 0) throw new ServerError(40101, 'maxDepth requires a nonnegative argument');
  const restriction = spec.restrictSearchWithMatch;
  if (restriction !== undefined && !isDoc(restriction))
    throw new ServerError(40185, 'restrictSearchWithMatch must be an object');
  const accepts = restriction === undefined ? () => true : compileFilter(restriction, context);
  const start = compileExpression(spec.startWith, context);
  return function* (input) {
    const join = joiner(context.collection(from), connectTo, context);
    for (const doc of input) {
      if (!doc) {
        yield undefined;
        continue;
      }
      // Null leads to documents without the field; what is missing leads nowhere.
      const first = start(doc);
      let frontier: unknown[] = Array.isArray(first) ? first : first === undefined ? [] : [first];
      const seen = new Set<string>();
      const found: Doc[] = [];
      for (let depth = 0; depth <= maxDepth && frontier.length > 0; depth++) {
        const next: unknown[] = [];
        for (const reached of join(frontier)) {
          const id = encodeComponent(reached._id);
          if (seen.has(id) || !accepts(reached)) continue;
          seen.add(id);
          found.push(
            depthField === undefined ? reached : { ...reached, [depthField]: Long.fromNumber(depth) },
          );
          next.push(...valuesAt(reached, connectFrom.split('.')).filter((value) => value !== undefined));
        }
        frontier = next;
        yield undefined;
      }
      yield compileAssignments([{ path: as, expression: { $literal: found } }], context)(doc, doc);
    }
  };
};

/** What a `$unionWith` unites with: a collection, or `$documents` where `name` is undefined. */
export function parseUnion(argument: unknown): { name: string | undefined; pipeline: StageSpec[] } {
  const spec =
    typeof argument === 'string'
      ? { coll: argument }
      : checkOptions('$unionWith', argument, ['coll', 'pipeline']);
  const name = text('$unionWith', spec, 'coll');
  const pipeline = parsePipeline('pipeline' in spec ? spec.pipeline : [], 'inner');
  if (name === undefined && pipeline[0]?.name !== '$documents')
    throw new ServerError(
      'FailedToParse',
      '$unionWith stage without explicit collection must have a pipeline with $documents as first stage',
    );
  return { name, pipeline };
}

const unionWith: StageCompiler = (argument, context) => {
  const { name, pipeline } = parseUnion(argument);
  runPipeline(undefined, pipeline, context);
  return function* (input) {
    yield* input;
    yield* runPipeline(name === undefined ? undefined : context.collection(name), pipeline, context);
  };
};

const FACET_REFUSED = new Set([
  '$collStats',
  '$facet',
  '$geoNear',
  '$indexStats',
  '$out',
  '$merge',
  '$planCacheStats',
  '$documents',
  '$search',
  '$listLocalSessions',
]);

const facet: StageCompiler = (argument, context) => {
  if (!isDoc(argument) || Object.keys(argument).length === 0)
    throw new ServerError(40169, 'the $facet specification must be a non-empty object');
  const facets = Object.keys(argument).map((name) => {
    if (!Array.isArray(argument[name]))
      throw new ServerError(
        40170,
        `arguments to $facet must be arrays, ${name} is type ${typeof argument[name]}`,
      );
    const stages = parsePipeline(argument[name], 'inner');
    const refused = stages.find((stage) => FACET_REFUSED.has(stage.name));
    if (refused)
      throw new ServerError(40600, `${refused.name} is not allowed to be used within a $facet stage`);
    runPipeline({ documents: [] }, stages, context);
    return [name, stages] as const;
  });
  return function* (input): Stream {
    const documents: Doc[] = [];
    for (const doc of input) {
      if (doc) documents.push(doc);
      else yield undefined;
    }
    const result: Doc = {};
    for (const [name, stages] of facets) {
      const found: Doc[] = [];
      for (const doc of runPipeline({ documents }, stages, context)) {
        if (doc) found.push(doc);
        else yield undefined;
      }
      result[name] = found;
    }
    yield result;
  };
};

export const JOINING: Record<string, StageCompiler> = {
  $lookup: lookup,
  $graphLookup: graphLookup,
  $unionWith: unionWith,
  $facet: facet,
};
