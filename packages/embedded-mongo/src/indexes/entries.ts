import { ServerError } from '../errors.ts';
import { type Doc, isDoc } from '../values/types.ts';
import { encodeKey, isLong } from './key.ts';
import type { IndexSpec } from './spec.ts';

/** The keys under which a document is found in an index, without the index's prefix and not yet cut. */
export interface DocumentKeys {
  keys: string[];
  multikey: boolean;
  hasLongKeys: boolean;
}

interface Walk {
  value: unknown;
  /** Next part of the path; at its end the value is the component. */
  at: number;
  done: boolean;
}

/** Goes down a path until its end or an array; a missing field ends as undefined. */
function advance(walk: Walk, parts: readonly string[]): Walk {
  let { value, at } = walk;
  while (at < parts.length) {
    const part = parts[at] as string;
    if (Array.isArray(value)) {
      if (/^\d+$/.test(part) && Number(part) < value.length) {
        value = value[Number(part)];
        at++;
        continue;
      }
      return { value, at, done: false };
    }
    if (!isDoc(value) || !Object.hasOwn(value, part))
      return { value: undefined, at: parts.length, done: true };
    value = value[part];
    at++;
  }
  return Array.isArray(value) ? { value, at, done: false } : { value, at, done: true };
}

function expand(index: IndexSpec, walks: Walk[], into: Set<string>, state: DocumentKeys): void {
  const walked = walks.map((walk, i) => (walk.done ? walk : advance(walk, index.fields[i]?.parts ?? [])));
  const open = walked.filter((walk) => !walk.done);
  if (open.length === 0) {
    // A missing field is indexed as null, so that `{a: null}` finds it.
    const key = encodeKey(
      walked.map((walk) =>
        walk.value === undefined ? null : walk.value === EMPTY_ARRAY ? undefined : walk.value,
      ),
      index.fields.map((field) => field.descending),
    );
    if (isLong(key)) state.hasLongKeys = true;
    into.add(key);
    return;
  }
  state.multikey = true;
  const array = (open[0] as Walk).value as unknown[];
  if (open.some((walk) => walk.value !== array)) {
    const names = index.fields.map((field) => field.parts[0]);
    throw new ServerError('CannotIndexParallelArrays', `cannot index parallel arrays [${names.join('] [')}]`);
  }
  const elements = array.length === 0 ? [EMPTY_ARRAY] : array;
  for (const element of elements) {
    expand(
      index,
      walked.map((walk, i) => {
        if (walk.done) return walk;
        const parts = index.fields[i]?.parts ?? [];
        if (walk.at >= parts.length) return { value: element, at: walk.at, done: true };
        if (!isDoc(element)) return { value: undefined, at: parts.length, done: true };
        return { value: element, at: walk.at, done: false };
      }),
      into,
      state,
    );
  }
}

/** Stands for an empty array, which is indexed as BSON undefined: apart from null and from every element. */
const EMPTY_ARRAY = Symbol('empty array');

/** `matches` tells whether a partial index's filter takes the document. */
export function documentKeys(index: IndexSpec, doc: Doc, matches: (doc: Doc) => boolean): DocumentKeys {
  const state: DocumentKeys = { keys: [], multikey: false, hasLongKeys: false };
  if (index.partialFilterExpression && !matches(doc)) return state;
  if (index.sparse && !index.fields.some((field) => exists(doc, field.parts, 0))) return state;
  const into = new Set<string>();
  expand(
    index,
    index.fields.map(() => ({ value: doc, at: 0, done: false })),
    into,
    state,
  );
  state.keys = [...into];
  return state;
}

function exists(value: unknown, parts: readonly string[], at: number): boolean {
  if (at === parts.length) return true;
  if (Array.isArray(value)) return value.some((item) => isDoc(item) && exists(item, parts, at));
  const part = parts[at] as string;
  return isDoc(value) && Object.hasOwn(value, part) && exists(value[part], parts, at + 1);
}
