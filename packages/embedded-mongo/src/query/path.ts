import { type Doc, isDoc } from '../values/types.ts';

/** A test of what a path leads to. One of `scalar` and `whole` is given. */
export interface Predicate {
  /** Tests one value; where the path ends at an array, its elements and then the array itself are tried. */
  scalar?: (value: unknown) => boolean;
  /** Tests what is there, an array as one. */
  whole?: (value: unknown) => boolean;
  /** For the positional `$` operator: the index of the element of the array that satisfies `whole`. */
  position?: (value: unknown) => number;
}

/**
 * The index, in the outermost array on the path, of the element that made the last successful match; what the
 * positional `$` operator means. Only meaningful right after a match.
 */
export const lastMatch = { index: -1 };

const DIGITS = /^(0|[1-9]\d*)$/;

/** Whether any value that a path leads to satisfies the predicate; arrays on the way are searched. */
export function matchPath(
  value: unknown,
  parts: readonly string[],
  at: number,
  predicate: Predicate,
): boolean {
  if (at === parts.length) return matchLeaf(value, predicate);
  const part = parts[at] as string;
  if (isDoc(value)) {
    return matchPath(Object.hasOwn(value, part) ? value[part] : undefined, parts, at + 1, predicate);
  }
  if (Array.isArray(value)) {
    if (DIGITS.test(part) && Number(part) < value.length) {
      const element: unknown = value[Number(part)];
      // A path that ends in an array's element means that element, and not what is in it.
      const found =
        at + 1 === parts.length
          ? ((predicate.whole ?? predicate.scalar)?.(element) ?? false)
          : matchPath(element, parts, at + 1, predicate);
      if (found) {
        lastMatch.index = Number(part);
        return true;
      }
    }
    for (let i = 0; i < value.length; i++) {
      if (isDoc(value[i]) && matchPath(value[i], parts, at, predicate)) {
        lastMatch.index = i;
        return true;
      }
    }
    return false;
  }
  return (predicate.whole ?? predicate.scalar)?.(undefined) ?? false;
}

function matchLeaf(value: unknown, predicate: Predicate): boolean {
  if (predicate.whole) {
    if (!predicate.whole(value)) return false;
    if (predicate.position) lastMatch.index = predicate.position(value);
    return true;
  }
  const test = predicate.scalar;
  if (!test) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (test(value[i])) {
        lastMatch.index = i;
        return true;
      }
    }
  }
  return test(value);
}

/** The values at a path for sorting and `distinct`: arrays on the way, and at the end, are taken apart. */
export function valuesAt(value: unknown, parts: readonly string[], at = 0): unknown[] {
  if (at === parts.length) return Array.isArray(value) ? (value.length === 0 ? [] : value) : [value];
  const part = parts[at] as string;
  if (isDoc(value)) return Object.hasOwn(value, part) ? valuesAt(value[part], parts, at + 1) : [undefined];
  if (Array.isArray(value)) {
    if (DIGITS.test(part) && Number(part) < value.length) return valuesAt(value[Number(part)], parts, at + 1);
    // What is no document has nothing at the path, which counts as a missing field; so does an empty array.
    if (value.length === 0) return [undefined];
    return value.flatMap((item) => (isDoc(item) ? valuesAt(item, parts, at) : [undefined]));
  }
  return [undefined];
}

export function getPath(doc: Doc, parts: readonly string[]): unknown {
  let value: unknown = doc;
  for (const part of parts) {
    if (isDoc(value)) value = Object.hasOwn(value, part) ? value[part] : undefined;
    else if (Array.isArray(value) && DIGITS.test(part)) value = value[Number(part)];
    else return undefined;
  }
  return value;
}
