import { ServerError } from '../errors.ts';
import { type Doc, define, isDoc } from '../values/types.ts';

const DIGITS = /^(0|[1-9]\d*)$/;

export interface Place {
  /** The document or array that holds the value. */
  parent: Doc | unknown[];
  key: string;
}

/**
 * Finds the place that a path without placeholders leads to, making documents on the way if `create`. A path that
 * leads through a scalar is an error, even for operators that create nothing; only `$unset` is `lenient`.
 */
export function findPlace(
  doc: Doc,
  parts: readonly string[],
  create: boolean,
  lenient = create,
): Place | undefined {
  let at: unknown = doc;
  for (let i = 0; i < parts.length - 1; i++) {
    const part = parts[i] as string;
    let next: unknown = read(at, part);
    if (next === undefined) {
      if (!create) return undefined;
      next = {};
      write({ parent: at as Doc, key: part }, next);
    } else if (!isDoc(next) && !Array.isArray(next)) {
      if (!create && lenient) return undefined;
      throw notViable(parts[i + 1] ?? '', part, next);
    }
    at = next;
  }
  const key = parts[parts.length - 1] as string;
  if (Array.isArray(at) && !DIGITS.test(key)) {
    if (!create && lenient) return undefined;
    throw notViable(key, parts[parts.length - 2] ?? '', at);
  }
  return { parent: at as Doc | unknown[], key };
}

function notViable(field: string, name: string, value: unknown): ServerError {
  return new ServerError(
    'PathNotViable',
    `Cannot create field '${field}' in element {${name}: ${JSON.stringify(value)}}`,
  );
}

function read(holder: unknown, key: string): unknown {
  if (Array.isArray(holder)) return DIGITS.test(key) ? holder[Number(key)] : undefined;
  return isDoc(holder) && Object.hasOwn(holder, key) ? holder[key] : undefined;
}

export function readPlace(place: Place | undefined): unknown {
  return place && read(place.parent, place.key);
}

/** How far past its end an array may be written, as in MongoDB. */
const MAX_PADDING = 1_500_000;

export function write(place: Place, value: unknown): void {
  const { parent, key } = place;
  if (!Array.isArray(parent)) {
    define(parent, key, value);
    return;
  }
  if (!DIGITS.test(key)) throw notViable(key, '', parent);
  const index = Number(key);
  if (index - parent.length > MAX_PADDING) throw new ServerError('BadValue', 'array index is too large');
  while (parent.length < index) parent.push(null);
  parent[index] = value;
}

/** Unsetting an array's element leaves null in its place. */
export function erase(place: Place): void {
  const { parent, key } = place;
  if (Array.isArray(parent)) {
    if (Number(key) < parent.length) parent[Number(key)] = null;
  } else delete parent[key];
}

/** What `$`, `$[]` and `$[name]` in a path stand for. */
export interface Placeholders {
  /** Index of the array element that the query matched; undefined if none. */
  position: () => number | undefined;
  filters: ReadonlyMap<string, (element: unknown) => boolean>;
}

/** All concrete paths that a path with placeholders stands for in this document. */
export function expandPath(doc: Doc, parts: readonly string[], placeholders: Placeholders): string[][] {
  if (!parts.some((part) => part.startsWith('$'))) return [[...parts]];
  let found: { value: unknown; path: string[] }[] = [{ value: doc, path: [] }];
  for (const part of parts) {
    const next: typeof found = [];
    for (const { value, path } of found) {
      if (part === '$') {
        const index = placeholders.position();
        if (index === undefined) {
          throw new ServerError(
            'BadValue',
            'The positional operator did not find the match needed from the query.',
          );
        }
        next.push({ value: read(value, String(index)), path: [...path, String(index)] });
      } else if (part.startsWith('$[')) {
        if (!Array.isArray(value)) {
          const name = path.join('.');
          throw new ServerError(
            'BadValue',
            value === undefined
              ? `The path '${name}' must exist in the document in order to apply array updates.`
              : `Cannot apply array updates to non-array element ${name}`,
          );
        }
        const name = part.slice(2, -1);
        const test = name === '' ? () => true : placeholders.filters.get(name);
        if (!test)
          throw new ServerError(
            'BadValue',
            `No array filter found for identifier '${name}' in path '${parts.join('.')}'`,
          );
        value.forEach((element, i) => {
          if (test(element)) next.push({ value: element, path: [...path, String(i)] });
        });
      } else next.push({ value: read(value, part), path: [...path, part] });
    }
    found = next;
  }
  return found.map((entry) => entry.path);
}
