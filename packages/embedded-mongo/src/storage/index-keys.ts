import { type DocumentKeys, documentKeys } from '../indexes/entries.ts';
import { storedKey } from '../indexes/key.ts';
import type { IndexSpec } from '../indexes/spec.ts';
import { compileFilter, type Matcher } from '../query/filter.ts';
import type { Doc } from '../values/types.ts';

const PARTIAL = new WeakMap<IndexSpec, Matcher>();

function partialMatcher(index: IndexSpec): Matcher {
  let matcher = PARTIAL.get(index);
  if (!matcher) {
    matcher = compileFilter(index.partialFilterExpression ?? {}, { now: new Date(0) });
    PARTIAL.set(index, matcher);
  }
  return matcher;
}

/** The keys under which a document has to be found in an index, as they are stored, and what they say of it. */
export function keysIn(index: IndexSpec, doc: Doc): DocumentKeys {
  const found = documentKeys(index, doc, (candidate) => partialMatcher(index)(candidate));
  if (found.hasLongKeys) found.keys = found.keys.map(storedKey);
  return found;
}
