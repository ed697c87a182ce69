import { ServerError } from '../errors.ts';
import { compileAccumulation } from '../expression/accumulators.ts';
import { divide, isZero, subtract } from '../expression/arithmetic.ts';
import { type Compiler, compileExpression, compiler, scopeOf } from '../expression/compile.ts';
import { timeUnit } from '../expression/date-arithmetic.ts';
import type { SortField } from '../query/sort.ts';
import { arithmetic, integer } from '../values/arithmetic.ts';
import { compareValues } from '../values/compare.ts';
import {
  Decimal128,
  type Doc,
  Double,
  isDoc,
  isNumeric,
  numericValue,
  TYPE,
  toNumber,
  typeName,
  typeOf,
} from '../values/types.ts';
import type { PipelineContext } from './stage.ts';
import { parseBounds, type Span, spans, WHOLE_PARTITION, type WindowBounds } from './window-bounds.ts';

/** The documents of a partition in their order, and the first sort field of each. */
export interface Partition {
  documents: readonly Doc[];
  keys: readonly unknown[];
  /** Whether a document sorts apart from the one before it. */
  isNew: (at: number) => boolean;
}

/** Gives the value of one output field for every document of a partition. */
export type WindowFunction = (partition: Partition) => unknown[];

const refuse = (message: string): ServerError => new ServerError('FailedToParse', message);

interface Parsed {
  name: string;
  argument: unknown;
  bounds: WindowBounds | undefined;
  sort: readonly SortField[];
  context: PipelineContext;
  compiler: Compiler;
}

function inputs(parsed: Parsed, expression: unknown): (partition: Partition) => unknown[] {
  const evaluate = compileExpression(expression, parsed.context);
  return ({ documents }) => documents.map((doc) => evaluate(doc));
}

function noWindow({ name, bounds }: Parsed): void {
  if (bounds) throw refuse(`${name} does not accept a 'window' field`);
}

function accumulated(parsed: Parsed): WindowFunction | undefined {
  const { name, argument, context } = parsed;
  const accumulation = compileAccumulation(name, argument, parsed.compiler);
  if (!accumulation) return undefined;
  const bounds = parsed.bounds ?? WHOLE_PARTITION;
  const own = (value: unknown): unknown =>
    Array.isArray(value) ? [...value] : isDoc(value) ? { ...value } : value;
  return ({ documents, keys }) => {
    const values = documents.map((doc) => accumulation.input(scopeOf(doc, context)));
    let state = accumulation.create();
    let held: Span = { from: 0, to: 0 };
    return spans(bounds, keys).map((span) => {
      // Accumulators only take in; a window that leaves something behind is begun anew.
      if (span.from !== held.from || span.to < held.to) {
        state = accumulation.create();
        held = { from: span.from, to: span.from };
      }
      for (let i = held.to; i < span.to; i++) state.add(values[i]);
      held = span;
      return own(state.result());
    });
  };
}

function rank(parsed: Parsed): WindowFunction {
  const { name, argument, bounds, sort } = parsed;
  if (!isDoc(argument) || Object.keys(argument).length > 0)
    throw new ServerError(5371603, `${name} must be specified with '{}' as the value`);
  if (bounds) throw new ServerError(5371601, 'Rank style window functions take no other arguments');
  if (sort.length === 0 || (sort.length > 1 && name !== '$documentNumber'))
    throw new ServerError(
      5371602,
      `${name} must be specified with a top level sortBy expression with exactly one element`,
    );
  return ({ documents, isNew }) => {
    let [current, dense] = [0, 0];
    return documents.map((_doc, i) => {
      if (i === 0 || isNew(i)) {
        current = i + 1;
        dense++;
      }
      return integer(BigInt(name === '$documentNumber' ? i + 1 : name === '$rank' ? current : dense), false);
    });
  };
}

function fieldsOf({ name, argument }: Parsed, required: readonly string[], optional: readonly string[]): Doc {
  if (!isDoc(argument)) throw refuse(`Argument to ${name} must be an object`);
  for (const key of Object.keys(argument))
    if (!required.includes(key) && !optional.includes(key))
      throw refuse(`Unknown argument in ${name}: ${key}`);
  for (const key of required) if (!(key in argument)) throw refuse(`${name} requires an '${key}' expression`);
  return argument;
}

function shift(parsed: Parsed): WindowFunction {
  noWindow(parsed);
  const { by, output, default: fallback } = fieldsOf(parsed, ['output', 'by'], ['default']);
  if (parsed.sort.length === 0) throw refuse("'$shift' requires a sortBy");
  const offset = toNumber(by);
  if (offset === undefined || !Number.isInteger(offset)) throw refuse("'$shift:by' field must be an integer");
  const otherwise = fallback === undefined ? null : compileExpression(fallback, parsed.context)({});
  const values = inputs(parsed, output);
  return (partition) => {
    const all = values(partition);
    return all.map((_value, i) => (i + offset in all ? (all[i + offset] ?? null) : otherwise));
  };
}

/** The codes of what is wrong with a sort key: no date though there is a unit, a date without one, no number. */
const POSITION_CODES: Record<string, readonly [number, number, number]> = {
  $derivative: [5624900, 5624901, 5624902],
  $integral: [5423901, 5423902, 5423902],
};

/** A number, or the milliseconds of a date. */
function position(key: unknown, unit: number | undefined, name: string): unknown {
  const [notDate, date, notNumber] = POSITION_CODES[name] ?? [2, 2, 2];
  if (unit !== undefined) {
    if (key instanceof Date) return new Double(key.getTime());
    throw new ServerError(notDate, `${name} with 'unit' expects the sortBy field to be a Date`);
  }
  if (key instanceof Date)
    throw new ServerError(date, `${name} where the sortBy is a Date requires an 'unit'`);
  if (!isNumeric(key))
    throw new ServerError(notNumber, `${name} (with no 'unit') expects the sortBy field to be numeric`);
  return key;
}

const UNITS: Record<string, number> = {
  week: 604_800_000,
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
};

function unitOf(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw refuse("'unit' must be a string");
  const size = UNITS[timeUnit(value, 'unit')];
  if (size === undefined) throw new ServerError(5490710, "unit must be 'week' or smaller");
  return size;
}

function slope(parsed: Parsed): WindowFunction {
  const { name } = parsed;
  const { input, unit } = fieldsOf(parsed, ['input'], ['unit']);
  const derivative = name === '$derivative';
  if (parsed.sort.length !== 1 || (!derivative && parsed.sort[0]?.descending))
    throw refuse(`${name} requires a sortBy with one field`);
  if (derivative && !parsed.bounds) throw refuse(`${name} requires explicit window bounds`);
  const size = unitOf(unit);
  const values = inputs(parsed, input);
  const scaled = (value: unknown): unknown =>
    size === undefined ? value : arithmetic('divide', value, new Double(size));
  return (partition) => {
    const all = values(partition);
    const { keys } = partition;
    const number = (i: number): unknown => {
      if (!isNumeric(all[i]))
        throw new ServerError(5423900, `${name} requires numeric input, not ${typeName(all[i])}`);
      return all[i];
    };
    const at = (i: number): unknown => position(keys[i], size, name);
    const run = (i: number, j: number): unknown => scaled(arithmetic('subtract', at(j), at(i)));
    return spans(parsed.bounds ?? WHOLE_PARTITION, keys).map(({ from, to }) => {
      if (derivative) {
        if (to <= from) return null;
        // A window of one document too: its ends are compared like any two.
        const width = run(from, to - 1);
        const height = subtract(all[to - 1], all[from]);
        if (height === null) throw new ServerError(5624903, '$derivative input must not be null or missing');
        return isZero(width) ? null : divide(height, width);
      }
      if (to <= from) return null;
      let total: unknown = new Double(0);
      for (let i = from; i < to; i++) {
        number(i);
        at(i);
        if (i === from) continue;
        const height = arithmetic('divide', arithmetic('add', number(i - 1), number(i)), new Double(2));
        total = arithmetic('add', total, arithmetic('multiply', height, run(i - 1, i)));
      }
      return total;
    });
  };
}

function movingAverage(parsed: Parsed): WindowFunction {
  noWindow(parsed);
  const { input, N, alpha } = fieldsOf(parsed, ['input'], ['N', 'alpha']);
  if ((N === undefined) === (alpha === undefined))
    throw refuse(
      "$expMovingAvg sub object must have exactly two fields: An 'input' field, and either an 'N' field or an 'alpha' field",
    );
  if (parsed.sort.length === 0) throw refuse("$expMovingAvg requires an explicit 'sortBy'");
  let weight: unknown;
  if (N !== undefined) {
    const count = toNumber(N);
    if (count === undefined || !Number.isInteger(count)) throw refuse("'N' field must be an integer");
    if (count <= 0) throw refuse(`'N' must be greater than zero. Got ${count}`);
    weight = arithmetic('divide', Decimal128.fromString('2'), Decimal128.fromString(String(count + 1)));
  } else {
    const share = toNumber(alpha);
    if (share === undefined) throw refuse("'alpha' must be a number");
    if (share <= 0 || share >= 1) throw refuse(`'alpha' must be between 0 and 1 (exclusive), found ${share}`);
    weight = arithmetic('multiply', Decimal128.fromString('1'), alpha);
  }
  const rest = arithmetic('subtract', Decimal128.fromString('1'), weight);
  const values = inputs(parsed, input);
  return (partition) => {
    let current: unknown;
    let decimal = false;
    return values(partition).map((value) => {
      if (isNumeric(value)) {
        decimal ||= typeOf(value) === TYPE.decimal;
        current =
          current === undefined
            ? arithmetic('multiply', Decimal128.fromString('1'), value)
            : arithmetic('add', arithmetic('multiply', weight, value), arithmetic('multiply', rest, current));
      }
      if (current === undefined) return null;
      return decimal ? current : new Double(Number(numericValue(current)));
    });
  };
}

function covariance(parsed: Parsed): WindowFunction {
  const { argument, name } = parsed;
  const values = inputs(parsed, argument);
  return (partition) => {
    const pairs = values(partition).map((value) =>
      Array.isArray(value) && value.length === 2 && value.every(isNumeric)
        ? (value.map((one) => Number(numericValue(one))) as [number, number])
        : undefined,
    );
    return spans(parsed.bounds ?? WHOLE_PARTITION, partition.keys).map(({ from, to }) => {
      const seen = pairs.slice(from, to).filter((pair) => pair !== undefined);
      const divisor = name === '$covariancePop' ? seen.length : seen.length - 1;
      if (divisor <= 0) return null;
      const mean = (side: 0 | 1): number => seen.reduce((sum, pair) => sum + pair[side], 0) / seen.length;
      const [x, y] = [mean(0), mean(1)];
      return new Double(seen.reduce((sum, pair) => sum + (pair[0] - x) * (pair[1] - y), 0) / divisor);
    });
  };
}

function locf(parsed: Parsed): WindowFunction {
  noWindow(parsed);
  const values = inputs(parsed, parsed.argument);
  return (partition) => {
    let last: unknown = null;
    return values(partition).map((value) => {
      last = value ?? last;
      return last;
    });
  };
}

function linearFill(parsed: Parsed): WindowFunction {
  noWindow(parsed);
  if (parsed.sort.length !== 1)
    throw new ServerError(
      605001,
      '$linearFill must be specified with a top level sortBy expression with exactly one element',
    );
  const values = inputs(parsed, parsed.argument);
  return (partition) => {
    const all = values(partition).map((value) => value ?? null);
    for (const value of all)
      if (value !== null && !isNumeric(value))
        throw new ServerError(
          'TypeMismatch',
          `Value to be filled must be numeric or nullish, but found ${typeName(value)}`,
        );
    const { keys } = partition;
    for (let i = 1; i < keys.length; i++)
      if (compareValues(keys[i], keys[i - 1]) === 0)
        throw new ServerError(6050106, 'There can be no repeated values in the sort field');
    const at = (i: number): unknown => {
      const key = keys[i];
      if (key instanceof Date) return new Double(key.getTime());
      if (isNumeric(key)) return key;
      throw new ServerError(
        'TypeMismatch',
        `Value used to sort must be numeric or a date, but found ${typeName(key)}`,
      );
    };
    let before = -1;
    let after = 0;
    return all.map((value, i) => {
      if (value !== null) {
        before = i;
        return value;
      }
      if (after <= i) {
        after = i;
        while (after < all.length && all[after] === null) after++;
      }
      if (before < 0 || after >= all.length) return null;
      const share = arithmetic(
        'divide',
        arithmetic('subtract', at(i), at(before)),
        arithmetic('subtract', at(after), at(before)),
      );
      return arithmetic(
        'add',
        all[before],
        arithmetic('multiply', arithmetic('subtract', all[after], all[before]), share),
      );
    });
  };
}

const FUNCTIONS: Record<string, (parsed: Parsed) => WindowFunction | undefined> = {
  $rank: rank,
  $denseRank: rank,
  $documentNumber: rank,
  $shift: shift,
  $derivative: slope,
  $integral: slope,
  $expMovingAvg: movingAverage,
  $covariancePop: covariance,
  $covarianceSamp: covariance,
  $locf: locf,
  $linearFill: linearFill,
};

/** Compiles `{$name: argument, window: {...}}`. */
export function compileWindowFunction(
  spec: Doc,
  sort: readonly SortField[],
  context: PipelineContext,
): WindowFunction {
  const names = Object.keys(spec).filter((key) => key.startsWith('$'));
  const [name] = names;
  if (name === undefined) throw refuse('Expected a $-prefixed window function');
  for (const key of Object.keys(spec))
    if (key !== name && key !== 'window')
      throw refuse(`Window function ${name} found an unknown argument: ${key}`);
  const parsed: Parsed = {
    name,
    argument: spec[name],
    bounds: 'window' in spec ? parseBounds(spec.window, sort, context) : undefined,
    sort,
    context,
    compiler: compiler(context),
  };
  const make = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : accumulated;
  const made = make?.(parsed);
  if (!made) throw refuse(`Unrecognized window function, ${name}`);
  return made;
}
