import type { IndexSpec } from '../indexes/spec.ts';

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
