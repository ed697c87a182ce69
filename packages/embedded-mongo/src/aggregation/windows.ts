import { Aggregator } from 'mingo/aggregator';
import { Context } from 'mingo/core';
import * as accumulators from 'mingo/operators/accumulator';
import * as expressions from 'mingo/operators/expression';
import * as stages from 'mingo/operators/pipeline';
import * as projections from 'mingo/operators/projection';
import * as queries from 'mingo/operators/query';
import * as windows from 'mingo/operators/window';
import { ServerError } from '../errors.ts';
import { fromPlainLike, toPlain } from '../values/codec.ts';
import { type Doc, isDoc } from '../values/types.ts';
import { gathering, type StageCompiler } from './stage.ts';

/** Running code that a client sends is refused. */
const REFUSED = new Set(['$function', '$accumulator', '$where']);

const operatorsOf = (module: object): Record<string, never> =>
  Object.fromEntries(
    Object.entries(module).filter(([name]) => name.startsWith('$') && !REFUSED.has(name)),
  ) as Record<string, never>;

const EXPRESSIONS = operatorsOf(expressions);
const ACCUMULATORS = operatorsOf(accumulators);
const WINDOWS = operatorsOf(windows);

const context = Context.init({
  expression: EXPRESSIONS,
  accumulator: ACCUMULATORS,
  pipeline: operatorsOf(stages),
  projection: operatorsOf(projections),
  query: operatorsOf(queries),
  window: WINDOWS,
});

function refuseUnknownOperators(value: unknown): void {
  if (Array.isArray(value)) for (const item of value) refuseUnknownOperators(item);
  if (!isDoc(value)) return;
  for (const key of Object.keys(value)) {
    if (key === '$literal') continue;
    if (key.startsWith('$') && !(key in EXPRESSIONS) && !(key in ACCUMULATORS) && !(key in WINDOWS))
      throw new ServerError('InvalidPipelineOperator', `Unrecognized expression '${key}'`);
    refuseUnknownOperators(value[key]);
  }
}

/** A stage that mingo runs, over plain numbers; fields that it leaves alone get their types back. */
const delegated: StageCompiler = (argument, query, name) => {
  if (!isDoc(argument))
    throw new ServerError('FailedToParse', `the ${name} stage specification must be an object`);
  refuseUnknownOperators(argument);
  const stage = { [name]: toPlain(argument) };
  const variables = query.variables ? { variables: toPlain(query.variables) } : {};
  return gathering((documents) => {
    const originals = new Map<unknown, Doc>();
    const plain = documents.map((doc) => {
      const copy = toPlain(doc) as Doc;
      originals.set(copy._id, doc);
      return copy;
    });
    try {
      const aggregator = new Aggregator(
        [stage] as never,
        { context, scriptEnabled: false, ...variables } as never,
      );
      const results = aggregator.run(plain as never) as Doc[];
      return results.map((doc) => fromPlainLike(doc, originals.get(doc._id) ?? {}) as Doc);
    } catch (error) {
      if (error instanceof ServerError) throw error;
      throw new ServerError('BadValue', error instanceof Error ? error.message : String(error));
    }
  });
};

export const WINDOWING: Record<string, StageCompiler> = {
  $bucketAuto: delegated,
  $densify: delegated,
  $fill: delegated,
  $setWindowFields: delegated,
};
