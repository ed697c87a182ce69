import { ServerError } from '../errors.ts';
import { compileExpression } from '../expression/compile.ts';
import { timeUnit } from '../expression/date-arithmetic.ts';
import type { SortField } from '../query/sort.ts';
import { arithmetic } from '../values/arithmetic.ts';
import { addUnits, type TimeUnit } from '../values/calendar.ts';
import { compareValues } from '../values/compare.ts';
import { UTC } from '../values/time-zone.ts';
import { isDoc, isNumeric, toNumber, typeName } from '../values/types.ts';
import type { PipelineContext } from './stage.ts';

/** One end of a window: an offset from the document at hand. */
type Bound = 'unbounded' | 'current' | { offset: unknown };

export interface WindowBounds {
  kind: 'documents' | 'range';
  lower: Bound;
  upper: Bound;
  unit: TimeUnit | undefined;
}

export const WHOLE_PARTITION: WindowBounds = {
  kind: 'documents',
  lower: 'unbounded',
  upper: 'unbounded',
  unit: undefined,
};

const refuse = (message: string): ServerError => new ServerError('FailedToParse', message);

function parseBound(value: unknown, documents: boolean, context: PipelineContext): Bound {
  if (value === 'unbounded' || value === 'current') return value;
  if (typeof value === 'string') throw refuse("Window bounds must be 'unbounded', 'current', or a number.");
  const offset = compileExpression(value, context)({});
  const number = toNumber(offset);
  if (number === undefined || (documents && !Number.isInteger(number)))
    throw refuse(
      documents
        ? 'Numeric document-based bounds must be an integer'
        : "Window bounds must be 'unbounded', 'current', or a number.",
    );
  return { offset };
}

export function parseBounds(
  spec: unknown,
  sort: readonly SortField[],
  context: PipelineContext,
): WindowBounds {
  if (!isDoc(spec)) throw refuse("'window' field must be an object");
  for (const key of Object.keys(spec))
    if (!['documents', 'range', 'unit'].includes(key))
      throw refuse(
        "'window' field can only contain 'documents' as the only argument or 'range' with an optional 'unit' field",
      );
  if (Object.keys(spec).length === 0) return WHOLE_PARTITION;
  if ('documents' in spec === 'range' in spec || ('documents' in spec && 'unit' in spec))
    throw refuse(
      "'window' field can only contain 'documents' as the only argument or 'range' with an optional 'unit' field",
    );
  const kind = 'documents' in spec ? 'documents' : 'range';
  const given = spec[kind];
  if (!Array.isArray(given) || given.length !== 2)
    throw refuse(`Window bounds must be a 2-element array: ${kind}`);
  const [lower, upper] = given.map((bound) => parseBound(bound, kind === 'documents', context)) as [
    Bound,
    Bound,
  ];
  const limit = (bound: Bound, infinite: number): unknown =>
    bound === 'unbounded' ? infinite : bound === 'current' ? 0 : bound.offset;
  if (compareValues(limit(lower, Number.NEGATIVE_INFINITY), limit(upper, Number.POSITIVE_INFINITY)) > 0)
    throw new ServerError(5339900, 'Lower bound must not exceed upper bound');
  const all = lower === 'unbounded' && upper === 'unbounded';
  if (kind === 'documents' && sort.length === 0 && !all)
    throw new ServerError(5339901, 'Document-based bounds require a sortBy');
  if (kind === 'range' && (sort.length !== 1 || sort[0]?.descending) && !all)
    throw new ServerError(5339902, 'Range-based bounds require sortBy a single field, ascending');
  let unit: TimeUnit | undefined;
  if ('unit' in spec) {
    if (typeof spec.unit !== 'string') throw refuse("'unit' must be a string");
    unit = timeUnit(spec.unit, 'window');
    for (const bound of [lower, upper])
      if (typeof bound === 'object' && !Number.isInteger(toNumber(bound.offset)))
        throw refuse('With a unit, range-based bounds must be an integer');
  }
  return { kind, lower, upper, unit };
}

/** The value at a range's end, seen from a document with this sort key. */
function reached(key: unknown, bound: Bound, unit: TimeUnit | undefined): unknown {
  if (typeof bound !== 'object') return key;
  if (unit) {
    if (!(key instanceof Date))
      throw new ServerError(
        5429513,
        `Invalid range: Expected the sortBy field to be a Date, but it was ${typeName(key)}`,
      );
    return new Date(addUnits(key.getTime(), unit, toNumber(bound.offset) ?? 0, UTC));
  }
  if (key instanceof Date)
    throw new ServerError(
      5429513,
      'Invalid range: For windows that involve date or time ranges, a unit must be provided.',
    );
  if (!isNumeric(key))
    throw new ServerError(
      5429414,
      `Invalid range: Expected the sortBy field to be a number, but it was ${typeName(key)}`,
    );
  return arithmetic('add', key, bound.offset);
}

export interface Span {
  from: number;
  /** The first place behind the window. */
  to: number;
}

/** The places that a window takes, for the document at each place; both ends only ever grow. */
export function spans(bounds: WindowBounds, keys: readonly unknown[]): Span[] {
  const count = keys.length;
  const clamp = (at: number): number => Math.min(count, Math.max(0, at));
  const { lower, upper, unit } = bounds;
  if (bounds.kind === 'documents') {
    const at = (bound: Bound): number => (typeof bound === 'object' ? (toNumber(bound.offset) ?? 0) : 0);
    return keys.map((_key, i) => ({
      from: lower === 'unbounded' ? 0 : clamp(i + at(lower)),
      to: upper === 'unbounded' ? count : clamp(i + at(upper) + 1),
    }));
  }
  let [from, to] = [0, 0];
  return keys.map((key) => {
    if (lower !== 'unbounded') {
      const first = reached(key, lower, unit);
      while (from < count && compareValues(keys[from], first) < 0) from++;
    }
    if (upper === 'unbounded') to = count;
    else {
      const last = reached(key, upper, unit);
      while (to < count && compareValues(keys[to], last) <= 0) to++;
    }
    return { from, to: Math.max(from, to) };
  });
}
