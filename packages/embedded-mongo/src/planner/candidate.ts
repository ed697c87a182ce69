import { afterPrefix, boundKey, isLong, storedKey } from '../indexes/key.ts';
import { impliesPartial } from '../indexes/partial.ts';
import type { IndexSpec } from '../indexes/spec.ts';
import type { SortField } from '../query/sort.ts';
import type { Doc } from '../values/types.ts';
import { components, rangeOf } from './bounds.ts';
import type { Conditions } from './conditions.ts';
import { sortDirection } from './order.ts';
import type { Bounds, IndexScan } from './plan.ts';

/** A compound `$in` multiplies; past this many points the later fields are left to the filter. */
const MAX_POINTS = 5000;

export interface Candidate {
  scan: IndexScan;
  score: number;
}

/** How an index would find what a filter asks for; undefined if it is of no use, or does not hold all of it. */
export function considerIndex(
  index: IndexSpec,
  filter: Doc,
  conditions: Conditions,
  sort: SortField[],
): Candidate | undefined {
  const [first] = index.fields;
  if (sort.length === 0 && !(first && conditions.fields.has(first.path))) return undefined;
  if (index.partialFilterExpression && !impliesPartial(filter, index.partialFilterExpression))
    return undefined;
  if (index.sparse && !index.fields.every((field) => conditions.fields.get(field.path)?.present))
    return undefined;
  let prefixes = [''];
  let used = 0;
  let singlePoints = 0;
  let range: { low: string; high: string } | undefined;
  const usedRoots = new Set<string>();
  for (const field of index.fields) {
    // Two fields below one array need not be met by the same element; see `usedRoots`.
    const root = field.parts[0] as string;
    if (index.multikey && usedRoots.has(root)) break;
    const found = conditions.fields.get(field.path);
    // Of one field there may be as many as the client sent.
    const many = (found?.points?.length ?? 0) * prefixes.length > MAX_POINTS && prefixes.length > 1;
    const points = many ? undefined : components(found, field.descending);
    if (points) {
      prefixes = prefixes.flatMap((prefix) => points.map((point) => prefix + point));
      if (points.length === 1 && singlePoints === used) singlePoints++;
      used++;
      usedRoots.add(root);
      continue;
    }
    if (found) range = rangeOf(found, field.descending, index.multikey);
    break;
  }
  const whole = used === index.fields.length;
  const bounds = prefixes.map((prefix): Bounds => {
    if (whole && index.unique) return { low: storedKey(prefix), high: '', point: true };
    if (whole) {
      const key = storedKey(prefix);
      return { low: key, high: afterPrefix(key), point: false };
    }
    if (range) {
      const high = boundKey(prefix + range.high);
      return {
        low: boundKey(prefix + range.low),
        high: isLong(prefix + range.high) ? afterPrefix(high) : high,
        point: false,
      };
    }
    const key = boundKey(prefix);
    return { low: key, high: key === '' ? '\xff'.repeat(8) : afterPrefix(key), point: false };
  });
  const order = sortDirection(index, sort, singlePoints, used, conditions);
  const bounded = used > 0 || range !== undefined;
  const sorted = order !== undefined && !index.multikey && !index.hasLongKeys;
  if (!bounded && !sorted) return undefined;
  // A key stands for a value at the end of its path, also within arrays. Only what is said of `a.0` is more than
  // the key tells: it may be a place in an array, or a field of the elements.
  const plain = index.fields.every((field) => !field.parts.some((part) => /^\d+$/.test(part)));
  const exact =
    conditions.onlyPoints &&
    used === conditions.fields.size &&
    (plain || !index.multikey) &&
    !index.hasLongKeys;
  const score =
    used * 10 +
    (range ? 5 : 0) +
    (whole && index.unique ? 20 : 0) +
    (sorted && sort.length > 0 ? 3 : 0) +
    (bounded ? 0 : -100) -
    (index.fields.length - used) * 0.1;
  return {
    scan: { index, bounds, reverse: order === 'reverse', sorted: sorted && sort.length > 0, exact, bounded },
    score,
  };
}
