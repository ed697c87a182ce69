import { Aggregator } from 'mingo/aggregator';
import { Context, evalExpr } from 'mingo/core';
import * as accumulators from 'mingo/operators/accumulator';
import * as expressions from 'mingo/operators/expression';
import * as stages from 'mingo/operators/pipeline';
import * as projections from 'mingo/operators/projection';
import * as queries from 'mingo/operators/query';
import * as windows from 'mingo/operators/window';
import { ServerError } from '../errors.ts';
import { toPlain } from '../values/codec.ts';
import { compareValues } from '../values/compare.ts';
import { type Doc, isDoc } from '../values/types.ts';
import type { QueryContext } from './filter.ts';

type Operator = (obj: unknown, expr: unknown, options: never) => unknown;

/** mingo's comparisons sort arrays and keys before they compare; these follow BSON's order instead. */
function comparison(name: string, decide: (order: number) => unknown): Record<string, Operator> {
  return {
    [name]: (obj, expr, options) => {
      const args = evalExpr(obj as never, expr as never, options) as unknown;
      if (!Array.isArray(args) || args.length !== 2) {
        throw new ServerError(16020, `Expression ${name} takes exactly 2 arguments.`);
      }
      return decide(compareValues(args[0], args[1]));
    },
  };
}

const COMPARISONS = {
  ...comparison('$cmp', (order) => order),
  ...comparison('$eq', (order) => order === 0),
  ...comparison('$ne', (order) => order !== 0),
  ...comparison('$gt', (order) => order > 0),
  ...comparison('$gte', (order) => order >= 0),
  ...comparison('$lt', (order) => order < 0),
  ...comparison('$lte', (order) => order <= 0),
};

const withoutDefault = (operators: object): Record<string, never> =>
  Object.fromEntries(Object.entries(operators).filter(([name]) => name.startsWith('$'))) as Record<
    string,
    never
  >;

/** Running code that a client sends is refused. */
const REFUSED_EXPRESSIONS = ['$function', '$where'];

const expressionOperators = withoutDefault({ ...expressions, ...COMPARISONS });
const accumulatorOperators = withoutDefault(accumulators);
const windowOperators = withoutDefault(windows);
const context = Context.init({
  expression: expressionOperators,
  accumulator: accumulatorOperators,
  pipeline: withoutDefault(stages),
  projection: withoutDefault(projections),
  query: withoutDefault(queries),
  window: windowOperators,
});

for (const name of [...REFUSED_EXPRESSIONS, '$accumulator']) {
  delete expressionOperators[name];
  delete accumulatorOperators[name];
}

const VARIABLES = new Set(['ROOT', 'CURRENT', 'REMOVE', 'NOW', 'KEEP', 'PRUNE', 'DESCEND', 'this', 'value']);

/**
 * Makes an expression ready for mingo: plain numbers, `$$NOW` replaced by the command's instant, and unknown
 * operators refused now, with MongoDB's code, not when the first document comes by.
 */
export function prepareExpression(expression: unknown, context: QueryContext): unknown {
  if (typeof expression === 'string') {
    if (expression === '$$NOW') return context.now;
    if (expression.startsWith('$$')) {
      const name = expression.slice(2).split('.')[0] ?? '';
      if (name === 'CLUSTER_TIME' || name === 'USER_ROLES' || name === 'SEARCH_META') {
        throw new ServerError(51144, `Builtin variable '$$${name}' is not available`);
      }
      if (!VARIABLES.has(name) && /^[A-Z]/.test(name)) {
        throw new ServerError(17276, `Use of undefined variable: ${name}`);
      }
    } else if (expression === '$') throw new ServerError(16872, "'$' by itself is not a valid FieldPath");
    return expression;
  }
  if (Array.isArray(expression)) return expression.map((item) => prepareExpression(item, context));
  if (!isDoc(expression)) return toPlain(expression);
  const prepared: Doc = {};
  for (const key of Object.keys(expression)) {
    if (key === '$literal') {
      prepared[key] = toPlain(expression[key]);
      continue;
    }
    if (key.startsWith('$')) {
      if (Object.keys(expression).length > 1) {
        throw new ServerError(
          15983,
          `an expression specification must contain exactly one field, the name of the expression`,
        );
      }
      if (!(key in expressionOperators) && !(key in accumulatorOperators) && !(key in windowOperators)) {
        throw new ServerError('InvalidPipelineOperator', `Unrecognized expression '${key}'`);
      }
    }
    prepared[key] = prepareExpression(expression[key], context);
  }
  return prepared;
}

const options = (query: QueryContext, extra: object = {}) => ({
  context,
  scriptEnabled: false,
  ...(query.variables ? { variables: query.variables } : {}),
  ...extra,
});

function failed(error: unknown): never {
  if (error instanceof ServerError) throw error;
  const message = error instanceof Error ? error.message : String(error);
  throw new ServerError(message.startsWith('Use of undefined variable') ? 17276 : 'BadValue', message);
}

/** The value of a prepared expression for a plain document. */
export function evaluatePrepared(prepared: unknown, plain: unknown, query: QueryContext): unknown {
  try {
    return evalExpr(plain as never, prepared as never, options(query) as never);
  } catch (error) {
    return failed(error);
  }
}

/** The value, plain, of an expression as the client sent it for a typed document. */
export function evaluate(expression: unknown, doc: Doc, query: QueryContext): unknown {
  return evaluatePrepared(prepareExpression(expression, query), toPlain(doc), query);
}

/** Runs mingo's own stages, prepared, over plain documents. */
export function runStages(
  documents: Iterable<Doc>,
  pipeline: Doc[],
  query: QueryContext,
  extra: object = {},
): Doc[] {
  try {
    return new Aggregator(pipeline as never, options(query, extra) as never).run(documents as never) as Doc[];
  } catch (error) {
    return failed(error);
  }
}
