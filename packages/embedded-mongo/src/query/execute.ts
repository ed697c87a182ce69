import { ServerError } from '../errors.ts';
import { choosePlan } from '../planner/choose.ts';
import type { Plan } from '../planner/plan.ts';
import type { Collection } from '../storage/collection.ts';
import type { Row } from '../storage/record.ts';
import { decode, encode } from '../values/codec.ts';
import { type Doc, isNumeric, isTruthy } from '../values/types.ts';
import { compileFilter, type Matcher, type QueryContext } from './filter.ts';
import { compileProjection, type Projection } from './projection.ts';
import { FieldFilter } from './raw.ts';
import { parseSort, type SortField } from './sort.ts';
import { Sorter } from './sorter.ts';

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
  /** What the projection does, if it can be done without decoding. */
  fields: FieldFilter | undefined;
  /** The plan's rows need not be tested: every one of them satisfies the filter. */
  exact: boolean;
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
  const exact =
    (plan.kind === 'index' && plan.scan.exact) ||
    (plan.kind === 'collection' && Object.keys(request.filter).length === 0);
  const fields = projection && request.projection && fieldFilter(request.projection);
  return { plan, matcher, sort, projection, fields, exact, request };
}

/** A projection that names top-level fields, all to be kept or all to be left out. */
function fieldFilter(spec: Doc): FieldFilter | undefined {
  const names: string[] = [];
  let keep: boolean | undefined;
  let id: boolean | undefined;
  for (const name of Object.keys(spec)) {
    const value = spec[name];
    if (name.includes('.') || name.includes('$') || !(typeof value === 'boolean' || isNumeric(value)))
      return undefined;
    if (name === '_id') id = isTruthy(value);
    else {
      if (keep !== undefined && keep !== isTruthy(value)) return undefined;
      keep = isTruthy(value);
      names.push(name);
    }
  }
  keep ??= id;
  if (keep === undefined) return undefined;
  // The _id is there unless it is told not to be, whatever is said of the others.
  if (keep ? id !== false : id === false) names.push('_id');
  return new FieldFilter(names, keep);
}

/** Rows that satisfy the filter, in plan order; undefined where the caller may pause. */
export function* matches(
  collection: Collection,
  find: PreparedFind,
): Generator<Match | undefined, void, undefined> {
  const { exact } = find;
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
export function sortedMatches(
  collection: Collection,
  find: PreparedFind,
): Generator<Match | undefined, void, undefined> {
  return isSorted(find) ? matches(collection, find) : sortMatches(collection, find);
}

function* sortMatches(
  collection: Collection,
  find: PreparedFind,
): Generator<Match | undefined, void, undefined> {
  const { sort, request } = find;
  const sorter = new Sorter<Match>(sort, request.context.strings);
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
    sorter.add(match, match.doc ?? decode(match.row.bytes));
  }
  // With a limit no more than that is wanted of the order; `limit: 0` means none.
  const wanted = request.limit ? (request.skip ?? 0) + request.limit : undefined;
  yield* sorter.sorted(wanted);
}

/** The result documents of a `find`, encoded. */
export function findDocuments(
  collection: Collection,
  find: PreparedFind,
): Generator<Buffer | undefined, void, undefined> {
  const raw = !find.projection || find.fields !== undefined;
  return raw && find.exact && isSorted(find) && !find.request.skip
    ? rawDocuments(collection, find)
    : projectedDocuments(collection, find);
}

/** The shortest way from a plan to its documents: they are neither decoded nor tested. */
function* rawDocuments(
  collection: Collection,
  find: PreparedFind,
): Generator<Buffer | undefined, void, undefined> {
  const { fields } = find;
  let left = find.request.limit || Number.POSITIVE_INFINITY;
  for (const row of collection.scan(find.plan)) {
    yield row && (fields ? fields.apply(row.bytes) : row.bytes);
    if (row && --left === 0) return;
  }
}

function* projectedDocuments(
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
    yield project(match, find);
    if (++given >= limit) return;
  }
}

export function project(match: Match, { projection, fields }: PreparedFind): Buffer {
  if (fields) return fields.apply(match.row.bytes);
  if (!projection) return match.row.bytes;
  return encode(projection.apply(match.doc ?? decode(match.row.bytes)));
}
