import { ServerError } from '../errors.ts';
import { compileExpression, compiler, REDACTIONS, scopeOf } from '../expression/compile.ts';
import { compileProjection } from '../query/projection.ts';
import { type Doc, define, isDoc, isTruthy, Long } from '../values/types.ts';
import { compileAssignments, flattenAssignments } from './shape.ts';
import { mapping, type StageCompiler } from './stage.ts';

const project: StageCompiler = (argument, context) => {
  if (!isDoc(argument)) throw new ServerError(15969, '$project specification must be an object');
  const projection = compileProjection(argument, context, undefined, 'aggregation');
  if (!projection) throw new ServerError(51272, 'projection specification must have at least one field');
  return mapping((doc) => projection.apply(doc));
};

const addFields: StageCompiler = (argument, context, name) => {
  if (!isDoc(argument))
    throw new ServerError(40272, `${name} specification stage must be an object, got ${typeof argument}`);
  const assign = compileAssignments(flattenAssignments(argument), context);
  return mapping((doc) => assign(doc, doc));
};

const unset: StageCompiler = (argument, context) => {
  const paths = Array.isArray(argument) ? argument : [argument];
  if (paths.length === 0 || !paths.every((path) => typeof path === 'string'))
    throw new ServerError(
      paths.length === 0 ? 31119 : Array.isArray(argument) ? 31120 : 31002,
      '$unset specification must be a string or an array containing only string values',
    );
  const projection = compileProjection(
    Object.fromEntries(paths.map((path) => [path, false])),
    context,
    undefined,
    'aggregation',
  );
  return mapping((doc) => projection?.apply(doc) ?? doc);
};

const replaceRoot: StageCompiler = (argument, context, name) => {
  let expression = argument;
  if (name === '$replaceRoot') {
    if (!isDoc(argument))
      throw new ServerError(40229, 'expected an object as specification for $replaceRoot stage');
    for (const key of Object.keys(argument))
      if (key !== 'newRoot')
        throw new ServerError(40415, `BSON field '$replaceRoot.${key}' is an unknown field.`);
    if (!('newRoot' in argument))
      throw new ServerError(40414, "BSON field '$replaceRoot.newRoot' is missing but a required field");
    expression = argument.newRoot;
  }
  const evaluate = compileExpression(expression, context);
  return mapping((doc) => {
    const value = evaluate(doc);
    if (!isDoc(value))
      throw new ServerError(
        40228,
        `'${name === '$replaceRoot' ? 'newRoot' : 'replacement document'}' expression must evaluate to an object, but resulting value was not one`,
      );
    return value;
  });
};

const redact: StageCompiler = (argument, context) => {
  const expression = compiler(context).compile(argument);
  const visit = (doc: Doc, root: Doc): Doc | undefined => {
    const decision = expression({ ...scopeOf(doc, context), root });
    if (decision === REDACTIONS.KEEP) return doc;
    if (decision === REDACTIONS.PRUNE) return undefined;
    if (decision !== REDACTIONS.DESCEND)
      throw new ServerError(17053, '$redact must return $$KEEP, $$PRUNE or $$DESCEND');
    const kept: Doc = {};
    for (const key of Object.keys(doc)) {
      const value = descend(doc[key], root);
      if (value !== undefined) define(kept, key, value);
    }
    return kept;
  };
  const descend = (value: unknown, root: Doc): unknown => {
    if (isDoc(value)) return visit(value, root);
    if (Array.isArray(value))
      return value.map((item) => descend(item, root)).filter((item) => item !== undefined);
    return value;
  };
  return function* (input) {
    for (const doc of input) {
      const kept = doc && visit(doc, doc);
      if (kept || !doc) yield kept;
    }
  };
};

/** A copy of the document with another value at a path of plain documents; undefined removes the field. */
function withValue(doc: Doc, parts: readonly string[], value: unknown): Doc {
  const [part = '', ...rest] = parts;
  const copy: Doc = { ...doc };
  if (rest.length > 0) define(copy, part, withValue(isDoc(copy[part]) ? copy[part] : {}, rest, value));
  else if (value === undefined) delete copy[part];
  else define(copy, part, value);
  return copy;
}

function plainPath(doc: Doc, parts: readonly string[]): unknown {
  let value: unknown = doc;
  for (const part of parts) value = isDoc(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  return value;
}

const unwind: StageCompiler = (argument) => {
  const options = isDoc(argument) ? argument : { path: argument };
  for (const key of Object.keys(options)) {
    if (!['path', 'preserveNullAndEmptyArrays', 'includeArrayIndex'].includes(key))
      throw new ServerError(28811, `unrecognized option to $unwind stage: ${key}`);
  }
  const { path, preserveNullAndEmptyArrays: preserve, includeArrayIndex: index } = options;
  if (path === undefined) throw new ServerError(28812, 'no path specified to $unwind stage');
  if (typeof path !== 'string')
    throw new ServerError(
      isDoc(argument) ? 28808 : 15981,
      'expected either a string or an object as specification for $unwind stage',
    );
  if (!path.startsWith('$'))
    throw new ServerError(28818, `path option to $unwind stage should be prefixed with a '$': ${path}`);
  if (preserve !== undefined && typeof preserve !== 'boolean')
    throw new ServerError(
      28809,
      'expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage',
    );
  if (index !== undefined && (typeof index !== 'string' || index === ''))
    throw new ServerError(
      28810,
      'expected a non-empty string for the includeArrayIndex  option to $unwind stage',
    );
  if (typeof index === 'string' && index.startsWith('$'))
    throw new ServerError(
      28822,
      `includeArrayIndex option to $unwind stage should not be prefixed with a '$': ${index}`,
    );
  const parts = path.slice(1).split('.');
  const indexed = (doc: Doc, at: number | undefined): Doc =>
    typeof index === 'string'
      ? withValue(doc, index.split('.'), at === undefined ? null : Long.fromNumber(at))
      : doc;
  return function* (input) {
    for (const doc of input) {
      if (!doc) {
        yield undefined;
        continue;
      }
      const value = plainPath(doc, parts);
      if (Array.isArray(value) && value.length > 0) {
        for (const [at, item] of value.entries()) yield indexed(withValue(doc, parts, item), at);
      } else if (Array.isArray(value)) {
        if (preserve === true) yield indexed(withValue(doc, parts, undefined), undefined);
      } else if (value === null || value === undefined) {
        if (isTruthy(preserve)) yield indexed(doc, undefined);
      } else yield indexed(doc, undefined);
    }
  };
};

export const SHAPING: Record<string, StageCompiler> = {
  $project: project,
  $addFields: addFields,
  $set: addFields,
  $unset: unset,
  $replaceRoot: replaceRoot,
  $replaceWith: replaceRoot,
  $redact: redact,
  $unwind: unwind,
};
