import { ServerError } from '../errors.ts';
import { choosePlan, type Plan } from '../planner.ts';
import type { Collection, Row } from '../storage/collection.ts';
import { decode, encode } from '../values/codec.ts';
import type { Doc } from '../values/types.ts';
import { compileFilter, type Matcher, type QueryContext } from './filter.ts';
import { compileProjection, type Projection } from './projection.ts';
import { keepFields } from './raw.ts';
import { parseSort, type SortField, sortBy } from './sort.ts';

export interface FindRequest {
  filter: Doc;
  sort?: unknown;
  projection?: Doc | undefined;
  hint?: unknown;
  skip?: number | undefined;
  limit?: number | undefined;
  context: QueryContext;
}

/** A compiled `find`. */
export interface PreparedFind {
  plan: Plan;
  matcher: Matcher;
  sort: SortField[];
  projection: Projection | undefined;
  request: FindRequest;
}

/** A row that satisfied the filter; `doc` is there if it had to be decoded. */
export interface Match {
  row: Row;
  doc: Doc | undefined;
}

/** What one sort may hold in memory, as in MongoDB. */
const MAX_SORT_BYTES = 100 * 1024 * 1024;

export function prepareFind(collection: Collection | undefined, request: FindRequest): PreparedFind {
  const matcher = compileFilter(request.filter, request.context);
  const sort = parseSort(request.sort);
  const projection = request.projection && compileProjection(request.projection, request.context, matcher);
  const plan = choosePlan(collection?.indexes.filter((index) => !index.hidden) ?? [], {
    filter: request.filter,
    sort,
    hint: collection ? request.hint : undefined,
    collated: request.context.strings !== undefined,
  });
  return { plan, matcher, sort, projection, request };
}

/** Rows that satisfy the filter, in plan order; undefined where the caller may pause. */
export function* matches(
  collection: Collection,
  find: PreparedFind,
): Generator<Match | undefined, void, undefined> {
  const all = Object.keys(find.request.filter).length === 0;
  const exact = all || (find.plan.kind === 'index' && find.plan.scan.exact);
  for (const row of collection.scan(find.plan)) {
    if (!row) yield undefined;
    else if (exact) yield { row, doc: undefined };
    else {
      const doc = decode(row.bytes);
      if (find.matcher(doc)) yield { row, doc };
    }
  }
}

export function isSorted(find: PreparedFind): boolean {
  if (find.sort.length === 0) return true;
  return find.plan.kind === 'collection'
    ? find.plan.sorted
    : find.plan.kind === 'index' && find.plan.scan.sorted;
}

/** As `matches`, in the order that the request's sort asks for. */
export function* sortedMatches(
  collection: Collection,
  find: PreparedFind,
): Generator<Match | undefined, void, undefined> {
  if (isSorted(find)) {
    yield* matches(collection, find);
    return;
  }
  const held: { match: Match; doc: Doc }[] = [];
  let size = 0;
  for (const match of matches(collection, find)) {
    if (!match) {
      yield undefined;
      continue;
    }
    size += match.row.bytes.length;
    if (size > MAX_SORT_BYTES) {
      throw new ServerError(
        292,
        `Sort exceeded memory limit of ${MAX_SORT_BYTES} bytes, but did not opt in to external sorting.`,
      );
    }
    held.push({ match, doc: match.doc ?? decode(match.row.bytes) });
  }
  for (const { match } of sortBy(held, (item) => item.doc, find.sort, find.request.context.strings))
    yield match;
}

/** The result documents of a `find`, encoded. */
export function* findDocuments(
  collection: Collection,
  find: PreparedFind,
): Generator<Buffer | undefined, void, undefined> {
  let skip = find.request.skip ?? 0;
  const limit = find.request.limit || Number.POSITIVE_INFINITY;
  let given = 0;
  for (const match of sortedMatches(collection, find)) {
    if (!match) {
      yield undefined;
      continue;
    }
    if (skip > 0) {
      skip--;
      continue;
    }
    yield project(match, find.projection);
    if (++given >= limit) return;
  }
}

export function project(match: Match, projection: Projection | undefined): Buffer {
  if (!projection) return match.row.bytes;
  if (projection.fields) return keepFields(match.row.bytes, projection.fields);
  return encode(projection.apply(match.doc ?? decode(match.row.bytes)));
}
