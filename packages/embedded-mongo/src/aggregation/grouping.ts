import { ServerError } from '../errors.ts';
import { type Accumulator, compileAccumulation } from '../expression/accumulators.ts';
import { compileExpression, compiler, scopeOf } from '../expression/compile.ts';
import { encodeComponent } from '../indexes/key.ts';
import { integer } from '../values/arithmetic.ts';
import { canonicalType, compareValues } from '../values/compare.ts';
import { type Doc, define, isDoc } from '../values/types.ts';
import type { PipelineContext, Stage, StageCompiler } from './stage.ts';

interface Group {
  id: unknown;
  accumulators: Accumulator[];
}

interface Field {
  name: string;
  input: (doc: Doc) => unknown;
  create: () => Accumulator;
}

export function compileFields(spec: Doc, context: PipelineContext): Field[] {
  const inner = compiler(context);
  return Object.keys(spec).map((name) => {
    const accumulator = spec[name];
    if (name.includes('.')) throw new ServerError(40235, `The field name '${name}' cannot contain '.'`);
    if (name.startsWith('$'))
      throw new ServerError(40236, `The field name '${name}' cannot be an operator name`);
    if (!isDoc(accumulator) || !Object.keys(accumulator)[0]?.startsWith('$'))
      throw new ServerError(40234, `The field '${name}' must be an accumulator object`);
    const [operator = '', ...more] = Object.keys(accumulator);
    if (more.length > 0) throw new ServerError(40238, `The field '${name}' must specify one accumulator`);
    const compiled = compileAccumulation(operator, accumulator[operator], inner);
    if (!compiled) throw new ServerError(15952, `unknown group operator '${operator}'`);
    return { name, input: (doc) => compiled.input(scopeOf(doc, context)), create: compiled.create };
  });
}

/** Groups documents in the order in which their keys turn up. */
function grouping(
  keyOf: (doc: Doc) => unknown,
  fields: readonly Field[],
  context: PipelineContext,
  arrange: (groups: Group[]) => Group[] = (groups) => groups,
): Stage {
  const { strings } = context;
  return function* (input) {
    const groups = new Map<string, Group>();
    for (const doc of input) {
      if (!doc) {
        yield undefined;
        continue;
      }
      const id = keyOf(doc) ?? null;
      const key = encodeComponent(id);
      let group = groups.get(key);
      if (!group && strings)
        group = [...groups.values()].find((other) => compareValues(other.id, id, strings) === 0);
      if (!group) {
        group = { id, accumulators: fields.map((field) => field.create()) };
        groups.set(key, group);
      }
      for (const [i, field] of fields.entries()) group.accumulators[i]?.add(field.input(doc));
    }
    for (const group of arrange([...groups.values()])) {
      const result: Doc = { _id: group.id };
      for (const [i, field] of fields.entries()) define(result, field.name, group.accumulators[i]?.result());
      yield result;
    }
  };
}

const group: StageCompiler = (argument, context) => {
  if (!isDoc(argument)) throw new ServerError(15947, "a group's fields must be specified in an object");
  if (!('_id' in argument)) throw new ServerError(15955, 'a group specification must include an _id');
  const { _id, ...rest } = argument;
  return grouping(compileExpression(_id, context), compileFields(rest, context), context);
};

export const COUNT: Doc = { count: { $sum: integer(1n, false) } };

const sortByCount: StageCompiler = (argument, context) => {
  const operator = isDoc(argument) && Object.keys(argument).some((key) => key.startsWith('$'));
  if (isDoc(argument) && !operator)
    throw new ServerError(40147, 'the sortByCount field must be defined as an expression inside an object');
  if (!isDoc(argument) && (typeof argument !== 'string' || !argument.startsWith('$')))
    throw new ServerError(
      typeof argument === 'string' ? 40148 : 40149,
      'the sortByCount field must be specified as a string starting with $ or as an object',
    );
  return grouping(compileExpression(argument, context), compileFields(COUNT, context), context, (groups) =>
    groups.sort((a, b) => compareValues(b.accumulators[0]?.result(), a.accumulators[0]?.result())),
  );
};

const bucket: StageCompiler = (argument, context) => {
  if (!isDoc(argument)) throw new ServerError(40201, 'Argument to $bucket stage must be an object');
  for (const key of Object.keys(argument)) {
    if (!['groupBy', 'boundaries', 'default', 'output'].includes(key))
      throw new ServerError(40197, `Unrecognized option to $bucket: ${key}.`);
  }
  const { groupBy, boundaries, output } = argument;
  if (groupBy === undefined || boundaries === undefined)
    throw new ServerError(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified.");
  if (!isDoc(groupBy) && !(typeof groupBy === 'string' && groupBy.startsWith('$')))
    throw new ServerError(
      40202,
      "The $bucket 'groupBy' field must be defined as a $-prefixed path or an expression",
    );
  if (!Array.isArray(boundaries))
    throw new ServerError(40200, "The $bucket 'boundaries' field must be an array");
  const limits = boundaries.map((limit) => compileExpression(limit, context)({}));
  if (limits.length < 2)
    throw new ServerError(
      40192,
      `The $bucket 'boundaries' field must have at least 2 values, but found ${limits.length}`,
    );
  for (const [i, limit] of limits.entries()) {
    if (i > 0 && canonicalType(limit) !== canonicalType(limits[i - 1]))
      throw new ServerError(
        40193,
        "All values in the the 'boundaries' option to $bucket must have the same type.",
      );
    if (i > 0 && compareValues(limits[i - 1], limit, context.strings) >= 0)
      throw new ServerError(40194, "The 'boundaries' option to $bucket must be sorted in ascending order");
  }
  const hasDefault = 'default' in argument;
  const fallback = hasDefault ? compileExpression(argument.default, context)({}) : undefined;
  const first = limits[0];
  const last = limits[limits.length - 1];
  if (
    hasDefault &&
    compareValues(fallback, first, context.strings) >= 0 &&
    compareValues(fallback, last, context.strings) < 0
  )
    throw new ServerError(
      40199,
      "The $bucket 'default' field must be less than the lowest boundary or greater than or equal to the highest boundary.",
    );
  const value = compileExpression(groupBy, context);
  const keyOf = (doc: Doc): unknown => {
    const by = value(doc);
    for (let i = limits.length - 2; i >= 0; i--) {
      if (
        compareValues(by, limits[i], context.strings) >= 0 &&
        compareValues(by, limits[i + 1], context.strings) < 0
      )
        return limits[i];
    }
    if (!hasDefault)
      throw new ServerError(
        40066,
        '$switch could not find a matching branch for an input, and no default was specified.',
      );
    return fallback;
  };
  const fields = compileFields(isDoc(output) ? output : COUNT, context);
  return grouping(keyOf, fields, context, (groups) =>
    groups.sort((a, b) => compareValues(a.id, b.id, context.strings)),
  );
};

const count: StageCompiler = (argument) => {
  if (typeof argument !== 'string')
    throw new ServerError(40156, 'the count field must be a non-empty string');
  if (argument === '') throw new ServerError(40157, 'the count field must be a non-empty string');
  if (argument.startsWith('$')) throw new ServerError(40158, 'the count field cannot be a $-prefixed path');
  if (argument.includes('.')) throw new ServerError(40160, "the count field cannot contain '.'");
  return function* (input) {
    let total = 0n;
    for (const doc of input) {
      if (doc) total++;
      else yield undefined;
    }
    if (total > 0n) yield { [argument]: integer(total, false) };
  };
};

export const GROUPING: Record<string, StageCompiler> = {
  $group: group,
  $sortByCount: sortByCount,
  $bucket: bucket,
  $count: count,
};
