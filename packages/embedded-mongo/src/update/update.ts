import { runPipeline } from '../aggregation/pipeline.ts';
import { ServerError } from '../errors.ts';
import { compileFilter, type QueryContext } from '../query/filter.ts';
import { compareStrings, valuesEqual } from '../values/compare.ts';
import { cloneValue, type Doc, define, isDoc } from '../values/types.ts';
import { UPDATE_OPERATORS } from './operators.ts';
import { erase, expandPath, findPlace, type Placeholders, readPlace, write } from './path.ts';

/** Turns a document into its successor. `inserting`: an upsert makes the document. */
export interface Update {
  kind: 'operators' | 'replacement' | 'pipeline';
  apply(doc: Doc, position: () => number | undefined, inserting: boolean): Doc;
}

interface Step {
  operator: string;
  path: string;
  parts: string[];
  argument: unknown;
}

/** Compiles the `u` of an update statement; refuses what MongoDB refuses before any document is touched. */
export function compileUpdate(update: unknown, arrayFilters: unknown, context: QueryContext): Update {
  if (Array.isArray(update)) {
    if (arrayFilters !== undefined)
      throw new ServerError('FailedToParse', 'arrayFilters may not be specified for pipeline-style updates');
    return pipelineUpdate(update, context);
  }
  if (!isDoc(update))
    throw new ServerError('FailedToParse', 'Update argument must be either an object or an array');
  const keys = Object.keys(update);
  if (!keys[0]?.startsWith('$')) {
    if (arrayFilters !== undefined)
      throw new ServerError(
        'FailedToParse',
        'arrayFilters may not be specified for replacement-style updates',
      );
    return replacementUpdate(update, keys);
  }
  const steps: Step[] = [];
  for (const operator of keys) {
    if (!operator.startsWith('$') || !(operator === '$rename' || Object.hasOwn(UPDATE_OPERATORS, operator))) {
      throw new ServerError(
        'FailedToParse',
        `Unknown modifier: ${operator}. Expected a valid update modifier or pipeline-style update specified as an array`,
      );
    }
    const fields = update[operator];
    if (!isDoc(fields))
      throw new ServerError(
        'FailedToParse',
        `Modifiers operate on fields but we found type ${typeof fields} instead. For example: {$mod: {<field>: ...}} not {${operator}: ${JSON.stringify(fields)}}`,
      );
    for (const path of Object.keys(fields)) {
      const parts = path.split('.');
      checkPath(path, parts);
      if (operator === '$rename') checkRename(path, fields[path]);
      else UPDATE_OPERATORS[operator]?.check?.(fields[path], path);
      steps.push({ operator, path, parts, argument: fields[path] });
    }
  }
  refuseConflicts(steps);
  refuseMixedPlaceholders(steps);
  steps.sort(byPath);
  const filters = parseArrayFilters(arrayFilters, context);
  const used = new Set(
    steps.flatMap((step) =>
      step.parts.filter((part) => /^\$\[.+\]$/.test(part)).map((part) => part.slice(2, -1)),
    ),
  );
  for (const name of used)
    if (name !== '' && !filters.has(name))
      throw new ServerError('BadValue', `No array filter found for identifier '${name}' in path`);
  for (const name of filters.keys()) {
    if (!used.has(name))
      throw new ServerError(
        'FailedToParse',
        `The array filter for identifier '${name}' was not used in the update ${JSON.stringify(update)}`,
      );
  }
  return {
    kind: 'operators',
    apply(doc, position, inserting) {
      const next = cloneValue(doc);
      for (const step of steps) {
        if (step.operator === '$setOnInsert' && !inserting) continue;
        applyStep(next, step, { position, filters }, { ...context, id: doc._id });
      }
      return next;
    },
  };
}

function checkPath(path: string, parts: readonly string[]): void {
  if (path === '') throw new ServerError('EmptyFieldName', 'An empty update path is not valid.');
  if (parts.includes(''))
    throw new ServerError(
      'EmptyFieldName',
      `The update path '${path}' contains an empty field name, which is not allowed.`,
    );
  const [first = ''] = parts;
  if (first === '$' || first.startsWith('$['))
    throw new ServerError(
      'BadValue',
      `Cannot have positional (i.e. '$') element in the first position in path '${path}'`,
    );
  if (parts.filter((part) => part === '$').length > 1)
    throw new ServerError('BadValue', `Too many positional (i.e. '$') elements found in path '${path}'`);
  const dollar = parts.find((part) => part.startsWith('$') && part !== '$' && !part.startsWith('$['));
  if (dollar !== undefined && dollar === first)
    throw new ServerError(
      'DollarPrefixedFieldName',
      `The dollar ($) prefixed field '${dollar}' in '${path}' is not valid for storage.`,
    );
}

function checkRename(path: string, to: unknown): void {
  if (typeof to !== 'string')
    throw new ServerError('BadValue', `The 'to' field for $rename must be a string: ${path}`);
  checkPath(to, to.split('.'));
  if (path === to)
    throw new ServerError('BadValue', `The source and target field for $rename must differ: ${path}`);
  for (const [role, name] of [
    ['source', path],
    ['destination', to],
  ] as const)
    if (name.split('.').some((part) => part === '$' || part.startsWith('$[')))
      throw new ServerError('BadValue', `The ${role} field for $rename may not be dynamic: ${name}`);
}

/** Fields are changed, and made, in the order of their names, since MongoDB 5; numbers go by value. */
function byPath(a: Step, b: Step): number {
  for (const [i, part] of a.parts.entries()) {
    const other = b.parts[i];
    if (other === undefined) return 1;
    if (part === other) continue;
    const numbers = /^\d+$/.test(part) && /^\d+$/.test(other);
    return numbers ? Number(part) - Number(other) : compareStrings(part, other);
  }
  return a.parts.length - b.parts.length;
}

function refuseConflicts(steps: readonly Step[]): void {
  if (steps.length === 1 && steps[0]?.operator !== '$rename') return;
  const paths = steps
    .flatMap((step) => (step.operator === '$rename' ? [step.path, String(step.argument)] : [step.path]))
    .sort();
  for (let i = 1; i < paths.length; i++) {
    const path = paths[i] as string;
    const before = paths.slice(0, i).find((other) => path === other || path.startsWith(`${other}.`));
    if (before !== undefined)
      throw new ServerError(
        'ConflictingUpdateOperators',
        `Updating the path '${path}' would create a conflict at '${before}'`,
      );
  }
}

/** `a.$[].x` and `a.b` take `a` for an array and for a document. */
function refuseMixedPlaceholders(steps: readonly Step[]): void {
  if (!steps.some((step) => step.path.includes('$['))) return;
  const kinds = new Map<string, boolean>();
  for (const { path, parts } of steps) {
    for (const [i, part] of parts.entries()) {
      const parent = parts.slice(0, i).join('.');
      const placeholder = part.startsWith('$[');
      if (kinds.get(parent) === !placeholder)
        throw new ServerError(
          'ConflictingUpdateOperators',
          `Updating the path '${path}' would create a conflict at '${parent}'`,
        );
      kinds.set(parent, placeholder);
    }
  }
}

function applyStep(
  doc: Doc,
  step: Step,
  placeholders: Placeholders,
  context: QueryContext & { id: unknown },
): void {
  if (step.operator === '$rename') {
    rename(doc, step);
    return;
  }
  const operator = UPDATE_OPERATORS[step.operator];
  if (!operator) return;
  for (const path of expandPath(doc, step.parts, placeholders)) {
    operator.apply(
      findPlace(doc, path, operator.creates, step.operator === '$unset'),
      step.argument,
      path.join('.'),
      context,
    );
  }
}

function refuseArrays(doc: Doc, role: string, parts: readonly string[]): void {
  let value: unknown = doc;
  for (const [i, part] of parts.entries()) {
    if (Array.isArray(value))
      throw new ServerError(
        'BadValue',
        `The ${role} field cannot be an array element, '${parts.join('.')}' in doc with _id: ${String(doc._id)} has an array field called '${parts[i - 1]}'`,
      );
    value = isDoc(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  }
}

function rename(doc: Doc, step: Step): void {
  if (typeof step.argument !== 'string') return;
  const from = findPlace(doc, step.parts, false);
  const value = readPlace(from);
  if (!from || value === undefined) return;
  refuseArrays(doc, 'source', step.parts);
  const target = step.argument.split('.');
  refuseArrays(doc, 'destination', target);
  erase(from);
  const to = findPlace(doc, target, true);
  if (to) write(to, value);
}

function parseArrayFilters(
  arrayFilters: unknown,
  context: QueryContext,
): Map<string, (element: unknown) => boolean> {
  const filters = new Map<string, (element: unknown) => boolean>();
  if (arrayFilters === undefined) return filters;
  if (!Array.isArray(arrayFilters)) throw new ServerError('TypeMismatch', 'arrayFilters must be an array');
  for (const filter of arrayFilters) {
    if (!isDoc(filter)) throw new ServerError('TypeMismatch', 'arrayFilters entries must be objects');
    const names = new Set(rootsOf(filter));
    const [name] = names;
    if (name !== undefined && names.size === 1 && !/^[a-z][a-zA-Z0-9]*$/.test(name))
      throw new ServerError(
        'BadValue',
        `Error parsing array filter :: caused by :: The top-level field name must be an alphanumeric string beginning with a lowercase letter, found '${name}'`,
      );
    if (names.size !== 1 || name === undefined)
      throw new ServerError(
        'FailedToParse',
        `Error parsing array filter :: caused by :: Expected a single top-level field name, found ${[...names].join(' and ')}`,
      );
    if (filters.has(name))
      throw new ServerError(
        'FailedToParse',
        `Found multiple array filters with the same top-level field name ${name}`,
      );
    const matcher = compileFilter(filter, context);
    filters.set(name, (element) => matcher({ [name]: element }));
  }
  return filters;
}

function rootsOf(filter: Doc): string[] {
  return Object.keys(filter).flatMap((key) => {
    const value = filter[key];
    if (key.startsWith('$'))
      return Array.isArray(value) ? value.flatMap((item) => (isDoc(item) ? rootsOf(item) : [])) : [];
    return [key.split('.')[0] as string];
  });
}

function replacementUpdate(replacement: Doc, keys: string[]): Update {
  const operator = keys.find((key) => key.startsWith('$'));
  if (operator)
    throw new ServerError(
      'DollarPrefixedFieldName',
      `The dollar ($) prefixed field '${operator}' in '${operator}' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.`,
    );
  return {
    kind: 'replacement',
    apply(doc) {
      const next: Doc = {};
      // A replacement keeps the document's _id, which always comes first.
      if ('_id' in replacement) next._id = replacement._id;
      else if ('_id' in doc) next._id = doc._id;
      for (const key of keys) define(next, key, cloneValue(replacement[key]));
      return next;
    },
  };
}

const UPDATE_STAGES = new Set(['$set', '$addFields', '$unset', '$project', '$replaceRoot', '$replaceWith']);

function pipelineUpdate(pipeline: unknown[], context: QueryContext): Update {
  const stages = pipeline.map((stage) => {
    const name = isDoc(stage) ? (Object.keys(stage)[0] ?? '') : '';
    if (!isDoc(stage) || Object.keys(stage).length !== 1)
      throw new ServerError(40323, 'A pipeline stage specification object must contain exactly one field.');
    if (!UPDATE_STAGES.has(name))
      throw new ServerError('InvalidOptions', `${name} is not allowed to be used within an update`);
    return { name, argument: stage[name] };
  });
  // No update stage looks beyond its document.
  const inner = { ...context, collection: () => undefined, sessions: () => [] };
  runPipeline({ documents: [] }, stages, inner);
  return {
    kind: 'pipeline',
    apply(doc) {
      const next = runPipeline({ documents: [doc] }, stages, inner).next().value ?? {};
      return '_id' in doc && !('_id' in next) ? { _id: doc._id, ...next } : next;
    },
  };
}

/** The document that an upsert starts from: the equalities that the filter demands. */
export function upsertSeed(filter: Doc, onlyId: boolean): Doc {
  const seed: Doc = {};
  collectEqualities(filter, seed, onlyId);
  return seed;
}

function collectEqualities(filter: Doc, seed: Doc, onlyId: boolean): void {
  for (const key of Object.keys(filter)) {
    const value = filter[key];
    if (key === '$and' || (key === '$or' && Array.isArray(value) && value.length === 1)) {
      for (const part of value as Doc[]) collectEqualities(part, seed, onlyId);
    } else if (!key.startsWith('$') && (!onlyId || key.split('.')[0] === '_id')) {
      let equal: unknown = value;
      if (isDoc(value) && Object.keys(value)[0]?.startsWith('$')) {
        if ('$eq' in value) equal = value.$eq;
        else if (Array.isArray(value.$in) && value.$in.length === 1) equal = value.$in[0];
        else if (Array.isArray(value.$all) && value.$all.length > 0) {
          const [first, ...others] = value.$all;
          if (isDoc(first) && '$elemMatch' in first) continue;
          if (others.length > 0) throw matchedTwice(key);
          equal = first;
        } else continue;
      }
      if (isRegex(equal)) continue;
      const place = findPlace(seed, key.split('.'), true);
      if (!place) continue;
      const before = readPlace(place);
      if (before !== undefined && !valuesEqual(before, equal)) throw matchedTwice(key);
      write(place, cloneValue(equal));
    }
  }
}

function matchedTwice(path: string): ServerError {
  return new ServerError(54, `cannot infer query fields to set, path '${path}' is matched twice`);
}

function isRegex(value: unknown): boolean {
  return value instanceof RegExp || (value as { _bsontype?: string } | null)?._bsontype === 'BSONRegExp';
}
