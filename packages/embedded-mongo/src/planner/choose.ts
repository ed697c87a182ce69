import { ServerError } from '../errors.ts';
import { type IndexSpec, samePattern } from '../indexes/spec.ts';
import type { SortField } from '../query/sort.ts';
import { type Doc, isDoc, toNumber } from '../values/types.ts';
import { type Candidate, considerIndex } from './candidate.ts';
import { conditionsOf } from './conditions.ts';
import type { IndexScan, Plan } from './plan.ts';

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
  const conditions = conditionsOf(filter);
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
