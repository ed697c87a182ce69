import { ServerError } from './errors.ts';
import { afterPrefix, boundKey, encodeComponent, isLong, kindBounds, storedKey } from './indexes/key.ts';
import { impliesPartial } from './indexes/partial.ts';
import { type IndexSpec, samePattern } from './indexes/spec.ts';
import { isOperatorDoc } from './query/predicates.ts';
import type { SortField } from './query/sort.ts';
import {
  type Doc,
  isDoc,
  isTruthy,
  numericValue,
  regexParts,
  TYPE,
  toNumber,
  typeOf,
} from './values/types.ts';

/** A stretch of an index, without the index's own prefix. `point`: the whole key of a unique index. */
export interface Bounds {
  low: string;
  high: string;
  point: boolean;
}

export interface IndexScan {
  index: IndexSpec;
  bounds: Bounds[];
  reverse: boolean;
  /** The scan yields documents in the order that the sort asks for. */
  sorted: boolean;
  /** Every document that the bounds lead to satisfies the whole filter. */
  exact: boolean;
  /** Whether the bounds cut anything off the index. */
  bounded: boolean;
}

export type Plan =
  | { kind: 'collection'; reverse: boolean; sorted: boolean }
  | { kind: 'index'; scan: IndexScan }
  | { kind: 'or'; scans: IndexScan[] };

/** A plan that leads to one key of a unique index, so to one document at most. */
export type PointPlan = { kind: 'index'; scan: IndexScan & { bounds: [Bounds] } };

export function isPoint(plan: Plan): plan is PointPlan {
  return plan.kind === 'index' && plan.scan.bounds.length === 1 && plan.scan.bounds[0]?.point === true;
}

/** What a filter says about one field, as far as an index can use it. */
interface FieldConditions {
  /** The field equals one of these. */
  points: unknown[] | undefined;
  lower: { value: unknown; inclusive: boolean } | undefined;
  upper: { value: unknown; inclusive: boolean } | undefined;
  prefix: string | undefined;
  /** `{$type: ...}`, `$exists: true` and the like: rules out a missing field, but gives no bounds. */
  present: boolean;
}

/** A compound `$in` multiplies; past this many points the later fields are left to the filter. */
const MAX_POINTS = 5000;

interface Conditions {
  fields: Map<string, FieldConditions>;
  /** All conditions of the filter are equalities and `$in`s that index points express exactly. */
  onlyPoints: boolean;
}

function readConditions(filter: Doc, into: Conditions): void {
  for (const key of Object.keys(filter)) {
    const value = filter[key];
    if (key === '$and' && Array.isArray(value)) {
      into.onlyPoints = false;
      for (const part of value) if (isDoc(part)) readConditions(part, into);
    } else if (key.startsWith('$')) into.onlyPoints = key === '$comment' ? into.onlyPoints : false;
    else {
      const before = into.fields.get(key);
      const conditions: FieldConditions = before ?? {
        points: undefined,
        lower: undefined,
        upper: undefined,
        prefix: undefined,
        present: false,
      };
      into.fields.set(key, conditions);
      if (before) into.onlyPoints = false;
      if (isOperatorDoc(value)) readOperators(value, conditions, into);
      else addPoints(conditions, [value], into);
    }
  }
}

function readOperators(operators: Doc, conditions: FieldConditions, all: Conditions): void {
  if (Object.keys(operators).length > 1) all.onlyPoints = false;
  for (const operator of Object.keys(operators)) {
    const argument = operators[operator];
    if (operator === '$eq') addPoints(conditions, [argument], all);
    else if (operator === '$in' && Array.isArray(argument)) addPoints(conditions, argument, all);
    else {
      all.onlyPoints = false;
      const rangeable = isRangeable(argument);
      if ((operator === '$gt' || operator === '$gte') && rangeable) {
        conditions.lower ??= { value: argument, inclusive: operator === '$gte' };
        conditions.present = true;
      } else if ((operator === '$lt' || operator === '$lte') && rangeable) {
        conditions.upper ??= { value: argument, inclusive: operator === '$lte' };
        conditions.present = true;
      } else if (operator === '$exists' && isTruthy(argument)) conditions.present = true;
      else if (operator === '$regex') conditions.prefix ??= regexPrefix(argument, operators.$options);
      if (operator === '$regex') conditions.present = true;
    }
  }
}

function isRangeable(value: unknown): boolean {
  const type = typeOf(value);
  if (type === TYPE.double && Number.isNaN(numericValue(value))) return false;
  return (
    type !== TYPE.array &&
    type !== TYPE.regex &&
    type !== TYPE.null &&
    type !== TYPE.minKey &&
    type !== TYPE.maxKey &&
    type !== TYPE.undefined
  );
}

function addPoints(conditions: FieldConditions, values: unknown[], all: Conditions): void {
  if (values.length === 1 && typeOf(values[0]) === TYPE.regex) {
    conditions.prefix ??= regexPrefix(values[0], undefined);
    conditions.present = true;
    all.onlyPoints = false;
    return;
  }
  // An array equals a field as a whole or one of its elements, and a regex matches strings: no points.
  if (
    values.some(
      (value) =>
        typeOf(value) === TYPE.array || typeOf(value) === TYPE.regex || typeOf(value) === TYPE.undefined,
    )
  ) {
    all.onlyPoints = false;
    return;
  }
  const hasNull = values.some((value) => value === null);
  if (hasNull) all.onlyPoints = false;
  else conditions.present = true;
  // Keys keep no more of a decimal than a double and the next 16 bits; the filter has the last word.
  if (values.some((value) => typeOf(value) === TYPE.decimal)) all.onlyPoints = false;
  conditions.points ??= values;
}

/** `/^abc/` as the prefix `abc`, if the expression starts with plain characters at the start of the string. */
function regexPrefix(value: unknown, options: unknown): string | undefined {
  const { pattern, flags } = typeof value === 'string' ? { pattern: value, flags: '' } : regexParts(value);
  if (flags !== '' || (options !== undefined && options !== '')) return undefined;
  const found = /^\^([A-Za-z0-9 _\-@:/]+)(.*)$/s.exec(pattern);
  const literal = found?.[1];
  if (literal === undefined || pattern.includes('|')) return undefined;
  return /^[*?{+]/.test(found?.[2] ?? '') ? literal.slice(0, -1) || undefined : literal;
}

function components(conditions: FieldConditions | undefined, descending: boolean): string[] | undefined {
  const points = conditions?.points;
  if (!points) return undefined;
  if (points.length === 1) return [encodeComponent(points[0], descending)];
  // Without a function, strings are compared by their code units, which is the order of their bytes.
  return [...new Set(points.map((value) => encodeComponent(value, descending)))].sort();
}

function rangeOf(
  conditions: FieldConditions,
  descending: boolean,
  multikey: boolean,
): { low: string; high: string } | undefined {
  if (conditions.prefix !== undefined) {
    // A string's encoding ends in 00 00, which a prefix has not.
    const prefix = encodeComponent(conditions.prefix, false).slice(0, -2);
    const low = descending ? invert(prefix) : prefix;
    return { low, high: afterPrefix(low) };
  }
  const { lower } = conditions;
  // In an array two bounds may be met by two elements, so only one of them cuts.
  const upper = multikey && lower ? undefined : conditions.upper;
  const sample = lower ?? upper;
  if (!sample) return undefined;
  let { low, high } = kindBounds(sample.value, descending);
  if (lower) {
    const at = encodeComponent(lower.value, descending);
    if (descending) high = lower.inclusive ? afterPrefix(at) : at;
    else low = lower.inclusive ? at : afterPrefix(at);
  }
  if (upper) {
    const at = encodeComponent(upper.value, descending);
    if (descending) low = upper.inclusive ? at : afterPrefix(at);
    else high = upper.inclusive ? afterPrefix(at) : at;
  }
  return { low, high };
}

function invert(bytes: string): string {
  const buffer = Buffer.from(bytes, 'latin1');
  for (let i = 0; i < buffer.length; i++) buffer[i] = ~(buffer[i] as number) & 0xff;
  return buffer.toString('latin1');
}

interface Candidate {
  scan: IndexScan;
  score: number;
}

function considerIndex(
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

/** Whether walking the index, forwards or in reverse, gives the order that the sort asks for. */
function sortDirection(
  index: IndexSpec,
  sort: SortField[],
  fixed: number,
  used: number,
  conditions: Conditions,
): 'forward' | 'reverse' | undefined {
  if (sort.length === 0 || fixed < used) return undefined;
  // A field that equals one value orders nothing.
  const constant = new Set(index.fields.slice(0, fixed).map((field) => field.path));
  const rest = sort.filter(
    (field) => !(constant.has(field.path) && conditions.fields.get(field.path)?.points?.length === 1),
  );
  const fields = index.fields.slice(fixed);
  if (rest.length > fields.length) return undefined;
  let direction: 'forward' | 'reverse' | undefined;
  for (let i = 0; i < rest.length; i++) {
    const field = fields[i];
    if (!field || field.path !== rest[i]?.path) return undefined;
    const here = field.descending === rest[i]?.descending ? 'forward' : 'reverse';
    if (direction !== undefined && direction !== here) return undefined;
    direction = here;
  }
  return direction ?? 'forward';
}

export interface PlanRequest {
  filter: Doc;
  sort: SortField[];
  hint: unknown;
  /** Strings compare by a collation, which no index follows. */
  collated: boolean;
}

/** Chooses how to find the documents: the index whose bounds use most of the filter, else the collection. */
export function choosePlan(indexes: readonly IndexSpec[], request: PlanRequest): Plan {
  const { filter, sort, hint } = request;
  const [natural] = sort;
  if (natural?.path === '$natural') return { kind: 'collection', reverse: natural.descending, sorted: true };
  const wanted = hintedIndex(indexes, hint);
  if (wanted === 'natural' || request.collated)
    return {
      kind: 'collection',
      reverse: isDoc(hint) && toNumber(hint.$natural) === -1,
      sorted: sort.length === 0,
    };
  const conditions: Conditions = { fields: new Map(), onlyPoints: true };
  readConditions(filter, conditions);
  if (wanted) {
    const candidate = considerIndex(wanted, filter, conditions, sort);
    if (candidate) return { kind: 'index', scan: candidate.scan };
    if (!wanted.partialFilterExpression && !wanted.sparse && !wanted.multikey) {
      return {
        kind: 'index',
        scan: {
          index: wanted,
          bounds: [{ low: '', high: '\xff'.repeat(8), point: false }],
          reverse: false,
          sorted: false,
          exact: false,
          bounded: false,
        },
      };
    }
    return { kind: 'collection', reverse: false, sorted: sort.length === 0 };
  }
  let best: Candidate | undefined;
  for (const index of indexes) {
    const candidate = considerIndex(index, filter, conditions, sort);
    if (candidate && (!best || candidate.score > best.score)) best = candidate;
  }
  if (best?.scan.bounded) return { kind: 'index', scan: best.scan };
  const scans = orScans(indexes, filter);
  if (scans) return { kind: 'or', scans };
  if (best) return { kind: 'index', scan: best.scan };
  return { kind: 'collection', reverse: false, sorted: sort.length === 0 };
}

/** A `$or` all of whose branches have an index. */
function orScans(indexes: readonly IndexSpec[], filter: Doc): IndexScan[] | undefined {
  const alternatives = filter.$or;
  if (!Array.isArray(alternatives)) return undefined;
  const scans: IndexScan[] = [];
  for (const branch of alternatives) {
    if (!isDoc(branch)) return undefined;
    const plan = choosePlan(indexes, { filter: branch, sort: [], hint: undefined, collated: false });
    if (plan.kind !== 'index' || !plan.scan.bounded) return undefined;
    scans.push({ ...plan.scan, exact: false, sorted: false });
  }
  return scans;
}

function hintedIndex(indexes: readonly IndexSpec[], hint: unknown): IndexSpec | 'natural' | undefined {
  if (hint === undefined || (isDoc(hint) && Object.keys(hint).length === 0)) return undefined;
  if (isDoc(hint) && '$natural' in hint) return 'natural';
  const found = indexes.find((index) =>
    typeof hint === 'string' ? index.name === hint : isDoc(hint) && samePattern(index.keyPattern, hint),
  );
  if (!found)
    throw new ServerError(
      'BadValue',
      'error processing query: planner returned error :: caused by :: hint provided does not correspond to an existing index',
    );
  return found;
}
