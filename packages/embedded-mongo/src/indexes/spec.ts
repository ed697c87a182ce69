import { valuesEqual } from '../values/compare.ts';
import { type Doc, isDoc } from '../values/types.ts';

/** An index as the catalog keeps it. */
export interface IndexSpec {
  name: string;
  /** Field paths in order; -1 descends. */
  fields: { path: string; parts: string[]; descending: boolean }[];
  /** The key pattern as the client gave it. */
  keyPattern: Doc;
  unique: boolean;
  sparse: boolean;
  partialFilterExpression: Doc | undefined;
  expireAfterSeconds: number | undefined;
  /** Queries do as if it were not there. */
  hidden?: boolean | undefined;
  /** Not unique yet, but takes no further duplicates. */
  prepareUnique?: boolean | undefined;
  /** Prefix of this index's entries in the store. */
  ident: string;
  /** Some document has an array on an indexed path, so a document may have several entries. */
  multikey: boolean;
  /** Some key was longer than LMDB takes, so order within the index is not exact. */
  hasLongKeys: boolean;
}

/** Whether an index's keys of a document can change with one of these top-level fields. */
export function dependsOn(index: IndexSpec, touched: ReadonlySet<string>): boolean {
  return (
    index.fields.some((field) => touched.has(field.parts[0] as string)) ||
    (index.partialFilterExpression !== undefined && mentions(index.partialFilterExpression, touched))
  );
}

function mentions(filter: Doc, touched: ReadonlySet<string>): boolean {
  return Object.keys(filter).some((key) => {
    if (!key.startsWith('$')) return touched.has(key.split('.')[0] as string);
    const branches = filter[key];
    if (key !== '$and' && key !== '$or') return true;
    return Array.isArray(branches) && branches.some((branch) => isDoc(branch) && mentions(branch, touched));
  });
}

/** Same fields, same directions, same order. */
export function samePattern(a: Doc, b: Doc): boolean {
  const keysA = Object.keys(a);
  const keysB = Object.keys(b);
  return (
    keysA.length === keysB.length &&
    keysA.every((key, i) => key === keysB[i] && Math.sign(Number(a[key])) === Math.sign(Number(b[key])))
  );
}

export function sameOptions(a: IndexSpec, b: IndexSpec): boolean {
  return (
    a.unique === b.unique &&
    a.sparse === b.sparse &&
    a.expireAfterSeconds === b.expireAfterSeconds &&
    valuesEqual(a.partialFilterExpression ?? null, b.partialFilterExpression ?? null)
  );
}

/** How `listIndexes` shows it. */
export function describeIndex(index: IndexSpec): Doc {
  const doc: Doc = { v: 2, key: index.keyPattern, name: index.name };
  if (index.unique && index.name !== '_id_') doc.unique = true;
  if (index.sparse) doc.sparse = true;
  if (index.partialFilterExpression) doc.partialFilterExpression = index.partialFilterExpression;
  if (index.expireAfterSeconds !== undefined) doc.expireAfterSeconds = index.expireAfterSeconds;
  if (index.hidden) doc.hidden = true;
  if (index.prepareUnique) doc.prepareUnique = true;
  return doc;
}
