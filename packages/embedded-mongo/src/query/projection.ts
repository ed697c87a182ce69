import { type Computed, compileAssignments } from '../aggregation/shape.ts';
import { ServerError } from '../errors.ts';
import { isExpressionOperator } from '../expression/compile.ts';
import { type Doc, define, isDoc, isNumeric, isTruthy, toNumber, typeName } from '../values/types.ts';
import { elementTest, type Matcher, type QueryContext } from './filter.ts';
import { lastMatch } from './path.ts';

interface Node {
  children: Map<string, Node>;
  /** Set where a path ends. */
  leaf: boolean;
}

export interface Projection {
  apply(doc: Doc): Doc;
  /** Top-level fields to keep, in case that is all that the projection does. */
  fields: Set<string> | undefined;
}

function newNode(): Node {
  return { children: new Map(), leaf: false };
}

function add(root: Node, path: string): void {
  let node = root;
  const parts = path.split('.');
  for (const part of parts) {
    if (node.leaf) throw new ServerError(31249, `Path collision at ${path}`);
    let child = node.children.get(part);
    if (!child) {
      child = newNode();
      node.children.set(part, child);
    }
    node = child;
  }
  if (node.leaf || node.children.size > 0) throw new ServerError(31250, `Path collision at ${path}`);
  node.leaf = true;
}

function include(value: unknown, node: Node): unknown {
  if (node.leaf) return value;
  if (Array.isArray(value)) {
    return value.filter((item) => isDoc(item) || Array.isArray(item)).map((item) => include(item, node));
  }
  if (!isDoc(value)) return undefined;
  const kept: Doc = {};
  for (const key of Object.keys(value)) {
    const child = node.children.get(key);
    if (!child) continue;
    const part = include(value[key], child);
    if (part !== undefined) define(kept, key, part);
  }
  return kept;
}

function exclude(value: unknown, node: Node): unknown {
  if (Array.isArray(value)) return value.map((item) => exclude(item, node));
  if (!isDoc(value)) return value;
  const kept: Doc = {};
  for (const key of Object.keys(value)) {
    const child = node.children.get(key);
    if (child?.leaf) continue;
    define(kept, key, child ? exclude(value[key], child) : value[key]);
  }
  return kept;
}

/** Replaces the value at a path, without creating it; arrays on the way are mapped over. */
function replace(value: unknown, parts: readonly string[], change: (value: unknown) => unknown): unknown {
  const [part, ...rest] = parts;
  if (part === undefined) return change(value);
  if (Array.isArray(value)) return value.map((item) => replace(item, parts, change));
  if (!isDoc(value) || !Object.hasOwn(value, part)) return value;
  const copy = { ...value };
  const changed = replace(copy[part], rest, change);
  if (changed === undefined) delete copy[part];
  else define(copy, part, changed);
  return copy;
}

/** Puts documents, empty so far, where a computed field's parents are: one for each element of an array. */
function withSkeleton(kept: unknown, original: unknown, parts: readonly string[]): unknown {
  if (Array.isArray(kept) && kept.length > 0) return kept;
  if (Array.isArray(original)) return original.map((item) => withSkeleton(undefined, item, parts));
  const copy: Doc = isDoc(kept) ? { ...kept } : {};
  const [part, ...rest] = parts;
  if (part === undefined || !isDoc(original) || !Object.hasOwn(original, part)) return copy;
  define(copy, part, withSkeleton(copy[part], original[part], rest));
  return copy;
}

function sliceOf(argument: unknown, value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  if (Array.isArray(argument)) {
    const skip = toNumber(argument[0]) ?? 0;
    const count = toNumber(argument[1]) ?? 0;
    const start = skip < 0 ? Math.max(0, value.length + skip) : skip;
    return value.slice(start, start + count);
  }
  const count = toNumber(argument) ?? 0;
  return count < 0 ? value.slice(count) : value.slice(0, count);
}

/** What a projection asks for, path by path. */
interface Parsed {
  included: string[];
  excluded: string[];
  slices: { path: string; argument: unknown }[];
  matches: { path: string; test: (item: unknown) => boolean }[];
  computed: Computed[];
  positional: string | undefined;
  id: boolean | undefined;
}

/** A path without its `.$`; undefined if it has none. */
function positionalPath(path: string, language: 'find' | 'aggregation'): string | undefined {
  const parts = path.split('.');
  if (!parts.includes('$')) return undefined;
  if (language === 'aggregation')
    throw new ServerError(31324, 'Cannot use positional projection in aggregation projection');
  if (parts.indexOf('$') < parts.length - 1)
    throw new ServerError(
      31394,
      `As of 4.4, it's illegal to specify positional operator in the middle of a path. Found ${path}`,
    );
  return parts.slice(0, -1).join('.');
}

function parsePaths(spec: Doc, context: QueryContext, language: 'find' | 'aggregation'): Parsed {
  const parsed: Parsed = {
    included: [],
    excluded: [],
    slices: [],
    matches: [],
    computed: [],
    positional: undefined,
    id: undefined,
  };
  const { included, excluded, slices, matches, computed } = parsed;
  const isFind = language === 'find';
  let inclusive: boolean | undefined;
  const decide = (keep: boolean, path: string): void => {
    if (inclusive !== undefined && inclusive !== keep)
      throw keep
        ? new ServerError(31253, `Cannot do inclusion on field ${path} in exclusion projection`)
        : new ServerError(31254, `Cannot do exclusion on field ${path} in inclusion projection`);
    inclusive = keep;
  };
  for (const [path, value] of flatten(spec)) {
    const array = positionalPath(path, language);
    if (array !== undefined) {
      if (parsed.positional !== undefined)
        throw new ServerError(31276, 'Cannot specify more than one positional projection per query.');
      if (matches.length > 0)
        throw new ServerError(31256, 'Cannot specify positional operator and $elemMatch.');
      if ((typeof value === 'boolean' || isNumeric(value)) && !isTruthy(value))
        throw new ServerError(31395, 'positional projection cannot be used with exclusion');
      decide(true, path);
      parsed.positional = array;
      included.push(array);
    } else if (typeof value === 'boolean' || isNumeric(value)) {
      const keep = isTruthy(value);
      if (path === '_id') parsed.id = keep;
      else {
        decide(keep, path);
        (keep ? included : excluded).push(path);
      }
    } else if (isFind && isDoc(value) && '$slice' in value && !isExpressionSlice(value.$slice)) {
      checkSlice(value.$slice);
      slices.push({ path, argument: value.$slice });
    } else if (isFind && isDoc(value) && '$elemMatch' in value) {
      if (!isDoc(value.$elemMatch))
        throw new ServerError(
          31274,
          `elemMatch: Invalid argument, object required, but got ${typeName(value.$elemMatch)}`,
        );
      if (parsed.positional !== undefined)
        throw new ServerError(31255, 'Cannot specify positional operator and $elemMatch.');
      if (path.includes('.'))
        throw new ServerError(31275, 'Cannot use $elemMatch projection on a nested field.');
      matches.push({ path, test: elementTest(value.$elemMatch, context, '$elemMatch') });
    } else if (isDoc(value) && '$meta' in value) {
      throw new ServerError('BadValue', '$meta is not supported by the embedded engine');
    } else {
      if (inclusive === false)
        throw new ServerError(
          isDoc(value) ? 31252 : 31310,
          `Cannot use an expression for ${path} in an exclusion projection`,
        );
      // A computed _id leaves open what becomes of the other fields.
      if (path !== '_id') inclusive = true;
      computed.push({ path, expression: value });
    }
  }
  return parsed;
}

function checkSlice(argument: unknown): void {
  if (Array.isArray(argument)) {
    if (argument.length !== 2 || !argument.every(isNumeric))
      throw new ServerError(28667, 'Invalid $slice syntax: [skip, limit] is expected');
    if ((toNumber(argument[1]) ?? 0) <= 0)
      throw new ServerError(28724, 'First argument to $slice must be positive');
  } else if (!isNumeric(argument))
    throw new ServerError(
      28667,
      'Invalid $slice syntax: $slice only supports numbers and [skip, limit] arrays',
    );
}

/** Compiles a `find` projection. `matcher` is the query's, which the positional `.$` needs. */
export function compileProjection(
  spec: Doc,
  context: QueryContext,
  matcher?: Matcher,
  language: 'find' | 'aggregation' = 'find',
): Projection | undefined {
  if (Object.keys(spec).length === 0) return undefined;
  const { included, excluded, slices, matches, computed, positional, id } = parsePaths(
    spec,
    context,
    language,
  );
  const inclusive =
    included.length > 0 ||
    computed.length > 0 ||
    (excluded.length === 0 && slices.length === 0 && (matches.length > 0 || id === true));
  const assign = compileAssignments(computed, context);
  const parents = computed
    .map(({ path }) => path.split('.').slice(0, -1))
    .filter((parts) => parts.length > 0);
  const root = newNode();
  for (const path of inclusive
    ? [...included, ...matches.map((m) => m.path), ...slices.map((s) => s.path)]
    : excluded)
    add(root, path);
  if (inclusive && id !== false && !root.children.has('_id')) add(root, '_id');
  if (!inclusive && id === false) add(root, '_id');
  const simple = slices.length + matches.length + computed.length === 0 && positional === undefined;
  const topLevel = [...root.children.values()].every((node) => node.leaf);

  return {
    fields: simple && inclusive && topLevel ? new Set(root.children.keys()) : undefined,
    apply(doc) {
      let result = (inclusive ? include(doc, root) : exclude(doc, root)) as Doc;
      for (const { path, argument } of slices) {
        result = replace(result, path.split('.'), (value) => sliceOf(argument, value)) as Doc;
      }
      for (const { path, test } of matches) {
        result = replace(result, path.split('.'), (value) => {
          const found = Array.isArray(value) ? value.findIndex(test) : -1;
          return found < 0 ? undefined : [(value as unknown[])[found]];
        }) as Doc;
      }
      if (positional !== undefined) {
        lastMatch.index = -1;
        if (!matcher?.(doc) || lastMatch.index < 0) {
          throw new ServerError(
            51246,
            "Executor error during find command :: caused by :: positional operator '.$' couldn't find a matching element in the array",
          );
        }
        const { index } = lastMatch;
        result = replace(result, positional.split('.'), (value) =>
          Array.isArray(value) ? value.slice(index, index + 1) : value,
        ) as Doc;
      }
      if (computed.length > 0) {
        for (const parts of parents) result = withSkeleton(result, doc, parts) as Doc;
        result = assign(result, doc);
      }
      return result;
    },
  };
}

function isExpressionSlice(argument: unknown): boolean {
  return Array.isArray(argument) && !argument.every(isNumeric);
}

const FIND_ONLY = new Set(['$slice', '$elemMatch', '$meta']);

function isKnownOperator(name: string): boolean {
  return FIND_ONLY.has(name) || isExpressionOperator(name);
}

/** `{a: {b: 1}}` means `{"a.b": 1}`. */
function flatten(spec: Doc, prefix = ''): [string, unknown][] {
  return Object.keys(spec).flatMap((key): [string, unknown][] => {
    const value = spec[key];
    const path = prefix + key;
    if (key === '') throw new ServerError(40352, 'FieldPath cannot be constructed with empty string');
    if (key.endsWith('.')) throw new ServerError(40353, "FieldPath must not end with a '.'.");
    if (key.split('.').includes(''))
      throw new ServerError(15998, 'FieldPath field names may not be empty strings.');
    if (key.startsWith('$') && !prefix)
      throw new ServerError(
        16410,
        `FieldPath field names may not start with '$'. Consider using $getField or $setField.`,
      );
    if (isDoc(value)) {
      const keys = Object.keys(value);
      if (keys.length === 0)
        throw new ServerError(
          51270,
          'An empty sub-projection is not a valid value. Found empty object at path',
        );
      if (!keys.some((name) => name.startsWith('$'))) return flatten(value, `${path}.`);
      const [operator = ''] = keys;
      if (!isKnownOperator(operator)) throw new ServerError(31325, `Unknown expression ${operator}`);
    }
    return [[path, value]];
  });
}
