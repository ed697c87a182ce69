import { ServerError } from '../errors.ts';
import { encodeComponent } from '../indexes/key.ts';
import { parseSort, sortKey } from '../query/sort.ts';
import { arithmetic, integer } from '../values/arithmetic.ts';
import { compareValues, type StringOrder } from '../values/compare.ts';
import {
  type Doc,
  Double,
  Int32,
  isDoc,
  isNumeric,
  numericValue,
  TYPE,
  toNumber,
  typeOf,
} from '../values/types.ts';
import { describeType, isMissing } from './arguments.ts';
import { type Compiler, compileExpression, type Expression } from './compile.ts';
import { percentiles } from './percentile.ts';

/** Takes in values one by one. */
export interface Accumulator {
  add(value: unknown): void;
  result(): unknown;
}

/** Sums ints and longs exactly, and doubles with Neumaier's compensation, so that order hardly matters. */
export function sum(): Accumulator & { count: number; total(): unknown } {
  let integers = 0n;
  let high = 0;
  let low = 0;
  let decimal: unknown;
  let widest: number = TYPE.int;
  return {
    count: 0,
    add(value) {
      if (!isNumeric(value)) return;
      this.count++;
      const type = typeOf(value);
      if (type === TYPE.decimal) {
        widest = TYPE.decimal;
        decimal = decimal === undefined ? value : arithmetic('add', decimal, value);
      } else if (type === TYPE.double) {
        if (widest !== TYPE.decimal) widest = TYPE.double;
        const x = Number(numericValue(value));
        const next = high + x;
        if (Number.isFinite(next)) low += Math.abs(high) >= Math.abs(x) ? high - next + x : x - next + high;
        high = next;
      } else {
        if (type === TYPE.long && widest === TYPE.int) widest = TYPE.long;
        integers += BigInt(numericValue(value));
      }
    },
    total() {
      if (widest === TYPE.int || widest === TYPE.long) return integer(integers, widest === TYPE.long);
      const double = new Double(high + low + Number(integers));
      if (widest === TYPE.double) return double;
      const rest = high === 0 && low === 0 ? integer(integers, true) : double;
      return arithmetic('add', decimal, rest);
    },
    result() {
      return this.total();
    },
  };
}

function average(): Accumulator {
  const inner = sum();
  return {
    add: (value) => inner.add(value),
    result: () => (inner.count === 0 ? null : arithmetic('divide', inner.total(), new Int32(inner.count))),
  };
}

function extreme(sign: 1 | -1, strings: StringOrder | undefined): Accumulator {
  let best: unknown = null;
  return {
    add(value) {
      if (isMissing(value)) return;
      if (best === null || sign * compareValues(value, best, strings) > 0) best = value;
    },
    result: () => best,
  };
}

function deviation(sample: boolean): Accumulator {
  let count = 0;
  let mean = 0;
  let squares = 0;
  return {
    add(value) {
      if (!isNumeric(value)) return;
      const x = Number(numericValue(value));
      count++;
      const step = x - mean;
      mean += step / count;
      squares += step * (x - mean);
    },
    result() {
      const divisor = sample ? count - 1 : count;
      return divisor <= 0 ? null : new Double(Math.sqrt(squares / divisor));
    },
  };
}

function edge(last: boolean): Accumulator {
  let held: unknown;
  let any = false;
  return {
    add(value) {
      if (any && !last) return;
      any = true;
      held = value;
    },
    result: () => held ?? null,
  };
}

function list(distinct: boolean, strings: StringOrder | undefined): Accumulator {
  const values: unknown[] = [];
  const seen = new Set<string>();
  return {
    add(value) {
      if (value === undefined) return;
      if (distinct) {
        const key = encodeComponent(value);
        if (seen.has(key)) return;
        seen.add(key);
        if (strings && values.some((other) => compareValues(other, value, strings) === 0)) return;
      }
      values.push(value);
    },
    result: () => values,
  };
}

export function merged(): Accumulator {
  const result: Doc = {};
  return {
    add(value) {
      if (isMissing(value)) return;
      if (!isDoc(value))
        throw new ServerError(
          40400,
          `$mergeObjects requires object inputs, but input is of type ${describeType(value)}`,
        );
      Object.assign(result, value);
    },
    result: () => result,
  };
}

type Create = () => Accumulator;

/** An accumulator of a `$group` field: what it takes from each document, and how it gathers that. */
export interface Accumulation {
  input: Expression;
  create: Create;
}

const SIMPLE: Record<string, (strings: StringOrder | undefined) => Accumulator> = {
  $sum: sum,
  $avg: average,
  $min: (strings) => extreme(-1, strings),
  $max: (strings) => extreme(1, strings),
  $stdDevPop: () => deviation(false),
  $stdDevSamp: () => deviation(true),
  $first: () => edge(false),
  $last: () => edge(true),
  $push: () => list(false, undefined),
  $addToSet: (strings) => list(true, strings),
  $mergeObjects: merged,
};

export function simpleAccumulator(name: string, strings: StringOrder | undefined): Accumulator | undefined {
  return SIMPLE[name]?.(strings);
}

/** Keeps all values and works the result out of them in the end. */
function gathered(finish: (values: unknown[]) => unknown): Accumulator {
  const values: unknown[] = [];
  return { add: (value) => void values.push(value), result: () => finish(values) };
}

function countOf(name: string, n: unknown, compiler: Compiler): number {
  const count = toNumber(compileExpression(n, compiler.context)({}));
  if (count === undefined || !Number.isInteger(count))
    throw new ServerError(5787902, `Value for 'n' must be of integral type, but found ${describeType(n)}`);
  if (count <= 0) throw new ServerError(5787908, `'n' must be greater than 0, found ${count} for ${name}`);
  return count;
}

function fieldsOf(name: string, argument: unknown, required: readonly string[]): Doc {
  if (!isDoc(argument))
    throw new ServerError(
      5787900,
      `specification must be an object; found ${name}: ${describeType(argument)}`,
    );
  for (const key of Object.keys(argument))
    if (!required.includes(key)) throw new ServerError(5787901, `Unknown argument for ${name}: ${key}`);
  for (const key of required)
    if (!(key in argument)) throw new ServerError(5787906, `Missing value for '${key}' in ${name}`);
  return argument;
}

/** The elements that `$firstN` and its kin take of a list. */
export function someOf(
  name: string,
  values: readonly unknown[],
  n: number,
  strings: StringOrder | undefined,
): unknown[] {
  if (name === '$firstN') return values.slice(0, n);
  if (name === '$lastN') return values.slice(-n);
  const sign = name === '$maxN' ? -1 : 1;
  return values
    .filter((value) => !isMissing(value))
    .sort((a, b) => sign * compareValues(a, b, strings))
    .slice(0, n);
}

function ranked(name: string, argument: unknown, compiler: Compiler): Accumulation {
  const many = name.endsWith('N');
  const fields = fieldsOf(name, argument, many ? ['n', 'sortBy', 'output'] : ['sortBy', 'output']);
  const n = many ? countOf(name, fields.n, compiler) : 1;
  const sort = parseSort(fields.sortBy);
  const output = compiler.compile(fields.output);
  const { strings } = compiler.context;
  return {
    input: (scope) => ({
      keys: sort.map((field) => sortKey(isDoc(scope.current) ? scope.current : {}, field, strings)),
      value: output(scope) ?? null,
    }),
    create: () =>
      gathered((values) => {
        const rows = values as { keys: unknown[]; value: unknown }[];
        rows.sort((a, b) => {
          for (const [i, field] of sort.entries()) {
            const order = compareValues(a.keys[i], b.keys[i], strings);
            if (order !== 0) return field.descending ? -order : order;
          }
          return 0;
        });
        const kept = name.startsWith('$top') ? rows.slice(0, n) : rows.slice(-n);
        return many ? kept.map((row) => row.value) : (kept[0]?.value ?? null);
      }),
  };
}

/** Compiles `{$name: argument}` of a `$group` field; undefined if there is no such accumulator. */
export function compileAccumulation(
  name: string,
  argument: unknown,
  compiler: Compiler,
): Accumulation | undefined {
  const { strings } = compiler.context;
  if (Object.hasOwn(SIMPLE, name)) {
    if (Array.isArray(argument) && argument.length !== 1 && name !== '$push' && name !== '$addToSet')
      throw new ServerError(40237, `The ${name} accumulator is a unary operator`);
    const [only] = Array.isArray(argument) && argument.length === 1 ? argument : [argument];
    return {
      input: compiler.compile(only),
      create: () => simpleAccumulator(name, strings) as Accumulator,
    };
  }
  switch (name) {
    case '$count':
      if (!isDoc(argument) || Object.keys(argument).length > 0)
        throw new ServerError('TypeMismatch', '$count takes no arguments, i.e. $count:{}');
      return { input: () => integer(1n, false), create: sum };
    case '$firstN':
    case '$lastN':
    case '$minN':
    case '$maxN': {
      const fields = fieldsOf(name, argument, ['input', 'n']);
      const n = countOf(name, fields.n, compiler);
      const input = compiler.compile(fields.input);
      return {
        input: (scope) => input(scope) ?? null,
        create: () => gathered((values) => someOf(name, values, n, strings)),
      };
    }
    case '$top':
    case '$bottom':
    case '$topN':
    case '$bottomN':
      return ranked(name, argument, compiler);
    case '$median':
    case '$percentile': {
      const { input, finish } = percentiles(name, argument, compiler);
      return { input, create: () => gathered(finish) };
    }
    default:
      return undefined;
  }
}
