import { ServerError } from '../errors.ts';
import { compareValues, type StringOrder } from '../values/compare.ts';
import { type Doc, isDoc, toNumber } from '../values/types.ts';
import { valuesAt } from './path.ts';

export interface SortField {
  path: string;
  parts: string[];
  descending: boolean;
}

export function parseSort(sort: unknown): SortField[] {
  if (sort === undefined) return [];
  if (!isDoc(sort)) throw new ServerError('TypeMismatch', 'Expected field sort to be of type object');
  return Object.keys(sort).map((path) => {
    const direction = toNumber(sort[path]);
    if (direction === undefined && !isDoc(sort[path]))
      throw new ServerError(15974, '$sort key ordering must be specified using a number');
    if (isDoc(sort[path]))
      throw new ServerError('BadValue', `$meta sort is not supported by the embedded engine`);
    if (direction !== 1 && direction !== -1) {
      throw new ServerError(15975, '$sort key ordering must be 1 (for ascending) or -1 (for descending)');
    }
    if (path === '' || path.split('.').includes(''))
      throw new ServerError(15998, 'FieldPath field names may not be empty strings.');
    return { path, parts: path.split('.'), descending: direction === -1 };
  });
}

/** The value that a document sorts by: of an array, its least element, or its greatest when descending. */
export function sortKey(doc: Doc, field: SortField, strings?: StringOrder): unknown {
  const values = valuesAt(doc, field.parts);
  if (values.length <= 1) return values.length === 0 ? undefined : (values[0] ?? null);
  return values
    .map((value) => value ?? null)
    .reduce((best, value) => {
      const order = compareValues(value, best, strings);
      return (field.descending ? order > 0 : order < 0) ? value : best;
    });
}

/** Where the path first comes upon an array: how many parts lead there. Undefined if it does not. */
function arrayDepth(doc: Doc, parts: readonly string[]): number | undefined {
  let value: unknown = doc;
  for (let i = 0; i <= parts.length; i++) {
    if (Array.isArray(value)) return i;
    const part = parts[i];
    if (part === undefined || !isDoc(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return undefined;
}

function compareKeys(
  a: readonly unknown[],
  b: readonly unknown[],
  fields: readonly SortField[],
  strings: StringOrder | undefined,
): number {
  for (const [i, field] of fields.entries()) {
    const order = compareValues(a[i], b[i], strings);
    if (order !== 0) return field.descending ? -order : order;
  }
  return 0;
}

/** A copy of the document in which the array at a path is one of its elements. */
function withElement(doc: Doc, parts: readonly string[], element: unknown): Doc {
  const [part = '', ...rest] = parts;
  const inner = doc[part];
  return {
    ...doc,
    [part]: rest.length === 0 ? element : withElement(isDoc(inner) ? inner : {}, rest, element),
  };
}

/**
 * The values that a document sorts by. Fields in one array go together: the element counts whose values come
 * first. Two arrays have no order between them.
 */
export function sortKeys(doc: Doc, fields: readonly SortField[], strings?: StringOrder): unknown[] {
  const [only] = fields;
  if (fields.length === 1 && only) return [sortKey(doc, only, strings)];
  let array: readonly string[] | undefined;
  let several = false;
  for (const { parts } of fields) {
    const depth = arrayDepth(doc, parts);
    if (depth === undefined) continue;
    const path = parts.slice(0, depth);
    if (array && array.join('.') !== path.join('.'))
      throw new ServerError('BadValue', 'cannot sort with keys that are parallel arrays');
    several ||= array !== undefined;
    array = path;
  }
  const single = fields.map((field) => sortKey(doc, field, strings));
  if (!array || !several) return single;
  const [values] = [array.reduce<unknown>((value, part) => (isDoc(value) ? value[part] : undefined), doc)];
  if (!Array.isArray(values) || values.length === 0) return single;
  return values
    .map((element) => sortKeys(withElement(doc, array, element), fields, strings))
    .reduce((best, keys) => (compareKeys(keys, best, fields, strings) < 0 ? keys : best));
}

/** Sorts in place by keys that are worked out once for each item; ties keep their order. */
export function sortBy<T>(
  items: T[],
  docOf: (item: T) => Doc,
  fields: SortField[],
  strings?: StringOrder,
): T[] {
  const keyed = items.map((item) => ({ item, keys: sortKeys(docOf(item), fields, strings) }));
  keyed.sort((a, b) => compareKeys(a.keys, b.keys, fields, strings));
  return keyed.map((entry) => entry.item);
}
