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

/** Sorts in place by keys that are worked out once for each item; ties keep their order. */
export function sortBy<T>(
  items: T[],
  docOf: (item: T) => Doc,
  fields: SortField[],
  strings?: StringOrder,
): T[] {
  const keyed = items.map((item) => {
    const doc = docOf(item);
    return { item, keys: fields.map((field) => sortKey(doc, field, strings)) };
  });
  keyed.sort((a, b) => {
    for (let i = 0; i < fields.length; i++) {
      const order = compareValues(a.keys[i], b.keys[i], strings);
      if (order !== 0) return fields[i]?.descending ? -order : order;
    }
    return 0;
  });
  return keyed.map((entry) => entry.item);
}
