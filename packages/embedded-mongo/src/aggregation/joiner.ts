import { encodeComponent } from '../indexes/key.ts';
import { matches, prepareFind } from '../query/execute.ts';
import type { QueryContext } from '../query/filter.ts';
import type { Collection } from '../storage/collection.ts';
import { decode } from '../values/codec.ts';
import { type Doc, isDoc } from '../values/types.ts';

/** Finds the documents whose field equals one of the values. */
export type Join = (values: readonly unknown[]) => Iterable<Doc>;

/** Regular expressions join as values, not as patterns. */
function membership(field: string, values: readonly unknown[]): Doc {
  const [only] = values;
  return { [field]: values.length === 1 && isDoc(only) ? { $eq: only } : { $in: values } };
}

/** Through the index of the field if there is one; otherwise the collection is read once, into a hash table. */
export function joiner(collection: Collection | undefined, field: string, context: QueryContext): Join {
  if (!collection) return () => [];
  const plain = { now: context.now, strings: context.strings };
  const probe = prepareFind(collection, { filter: { [field]: { $in: [1, 2] } }, context: plain });
  if (probe.plan.kind === 'index' || context.strings) {
    return function* (values) {
      const find = prepareFind(collection, { filter: membership(field, values), context: plain });
      for (const match of matches(collection, find)) if (match) yield match.doc ?? decode(match.row.bytes);
    };
  }
  let table: Map<string, Buffer[]> | undefined;
  return function* (values) {
    table ??= hashTable(collection, field.split('.'));
    const given = new Set<Buffer>();
    for (const value of values) {
      for (const bytes of table.get(encodeComponent(value)) ?? []) {
        if (given.has(bytes)) continue;
        given.add(bytes);
        yield decode(bytes);
      }
    }
  };
}

function hashTable(collection: Collection, parts: readonly string[]): Map<string, Buffer[]> {
  const table = new Map<string, Buffer[]>();
  for (const row of collection.scanAll(false)) {
    if (!row) continue;
    const keys = new Set<string>();
    comparands(decode(row.bytes), parts, 0, (value) => keys.add(encodeComponent(value ?? null)));
    for (const key of keys) {
      const held = table.get(key);
      if (held) held.push(row.bytes);
      else table.set(key, [row.bytes]);
    }
  }
  return table;
}

/** All that an equality on the path may be satisfied by: an array's elements, and the array itself. */
function comparands(
  value: unknown,
  parts: readonly string[],
  at: number,
  take: (value: unknown) => void,
): void {
  const part = parts[at];
  if (part === undefined) {
    if (Array.isArray(value)) for (const item of value) take(item);
    take(value);
  } else if (isDoc(value))
    comparands(Object.hasOwn(value, part) ? value[part] : undefined, parts, at + 1, take);
  else if (Array.isArray(value)) {
    if (/^(0|[1-9]\d*)$/.test(part) && Number(part) < value.length)
      comparands(value[Number(part)], parts, at + 1, take);
    for (const item of value) if (isDoc(item)) comparands(item, parts, at, take);
  } else take(undefined);
}
