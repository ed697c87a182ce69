import { ServerError } from '../errors.ts';
import { parseSort, sortBy } from '../query/sort.ts';
import { int } from '../values/arithmetic.ts';
import { compareValues } from '../values/compare.ts';
import { type Doc, isDoc, isNumeric, isTruthy, toNumber, typeName } from '../values/types.ts';
import {
  type Builders,
  binary,
  describeType,
  isMissing,
  named,
  operator,
  unary,
  variadic,
} from './arguments.ts';
import type { Compiler } from './compile.ts';
import { checkVariableName } from './logic.ts';

const isInt32 = (value: number): boolean => Number.isInteger(value) && Math.abs(value + 0.5) < 2 ** 31;

function elementAt(value: unknown, at: unknown): unknown {
  if (isMissing(value) || isMissing(at)) return null;
  if (!Array.isArray(value))
    throw new ServerError(
      28689,
      `$arrayElemAt's first argument must be an array, but is ${describeType(value)}`,
    );
  if (!isNumeric(at))
    throw new ServerError(
      28690,
      `$arrayElemAt's second argument must be a numeric value, but is ${describeType(at)}`,
    );
  const index = toNumber(at) as number;
  if (!isInt32(index))
    throw new ServerError(
      28691,
      `$arrayElemAt's second argument must be representable as a 32-bit integer: ${index}`,
    );
  return value.at(index);
}

function edge(name: '$first' | '$last'): Builders {
  return unary(name, (value) => {
    if (isMissing(value)) return null;
    if (!Array.isArray(value))
      throw new ServerError(28689, `${name}'s argument must be an array, but is ${describeType(value)}`);
    return value.at(name === '$first' ? 0 : -1);
  });
}

function integral(value: unknown, codes: [number, number], what: string): number {
  if (!isNumeric(value))
    throw new ServerError(codes[0], `${what} must be numeric, but is of type: ${describeType(value)}`);
  const number = toNumber(value) as number;
  if (!isInt32(number))
    throw new ServerError(codes[1], `${what} can't be represented as a 32-bit integer: ${number}`);
  return number;
}

function slice(values: unknown[]): unknown {
  const [array, second, third] = values;
  if (values.some(isMissing)) return null;
  if (!Array.isArray(array))
    throw new ServerError(
      28724,
      `First argument to $slice must be an array, but is of type: ${describeType(array)}`,
    );
  const first = integral(second, [28725, 28726], 'Second argument to $slice');
  if (values.length === 2) return first < 0 ? array.slice(first) : array.slice(0, first);
  const count = integral(third, [28727, 28728], 'Third argument to $slice');
  if (count <= 0) throw new ServerError(28729, `Third argument to $slice must be positive: ${count}`);
  const start = first < 0 ? Math.max(0, array.length + first) : first;
  return array.slice(start, start + count);
}

function indexOf([array, wanted, from, to]: unknown[], { context }: Compiler): unknown {
  if (isMissing(array)) return null;
  if (!Array.isArray(array))
    throw new ServerError(
      40090,
      `$indexOfArray requires an array as a first argument, found: ${describeType(array)}`,
    );
  const start = from === undefined ? 0 : bound(from);
  const end = to === undefined ? array.length : Math.min(array.length, bound(to));
  for (let i = start; i < end; i++) if (compareValues(array[i], wanted, context.strings) === 0) return int(i);
  return int(-1);
}

function bound(value: unknown): number {
  const index = toNumber(value);
  if (index === undefined || !Number.isInteger(index))
    throw new ServerError(40096, `$indexOfArray requires an integral index, found: ${describeType(value)}`);
  if (index < 0) throw new ServerError(40097, `$indexOfArray requires a nonnegative index, found: ${index}`);
  return index;
}

/** MongoDB stops at 100 MB of them. */
const MAX_RANGE = (100 * 1024 * 1024) / 16;

function range(values: unknown[]): unknown {
  const [start, end, step = 1] = values.map((value, i) =>
    integral(value, [34443 + 2 * i, 34444 + 2 * i], `$range's argument ${i + 1}`),
  ) as [number, number, number?];
  if (step === 0) throw new ServerError(34449, '$range requires a non-zero step value');
  if ((end - start) / step > MAX_RANGE)
    throw new ServerError('ExceededMemoryLimit', '$range would use too much memory');
  const result: unknown[] = [];
  for (let i = start; step > 0 ? i < end : i > end; i += step) result.push(int(i));
  return result;
}

function concatenate(values: unknown[]): unknown {
  const result: unknown[] = [];
  for (const value of values) {
    if (isMissing(value)) return null;
    if (!Array.isArray(value))
      throw new ServerError(28664, `$concatArrays only supports arrays, not ${describeType(value)}`);
    // One by one: what a function takes as arguments is limited, and an array may have more.
    for (const item of value) result.push(item);
  }
  return result;
}

const filter = named(
  '$filter',
  { notObject: 28646, unknown: 28647, missing: { input: 28648, cond: 28650 } },
  ['input', 'cond'],
  ['as', 'limit'],
  (fields, compiler) => {
    const name = typeof fields.as === 'string' ? fields.as : 'this';
    checkVariableName(name);
    const input = compiler.compile(fields.input);
    const test = compiler.with([name]).compile(fields.cond);
    const limit = fields.limit === undefined ? undefined : compiler.compile(fields.limit);
    return (scope) => {
      const array = input(scope);
      if (isMissing(array)) return null;
      if (!Array.isArray(array))
        throw new ServerError(28651, `input to $filter must be an array not ${describeType(array)}`);
      const given = limit?.(scope);
      const most = isMissing(given) ? Number.POSITIVE_INFINITY : (toNumber(given) ?? Number.NaN);
      if (!isMissing(given) && !isInt32(most))
        throw new ServerError(327391, '$filter: limit must be represented as a 32-bit integral value');
      if (most < 1) throw new ServerError(327392, `$filter: limit must be greater than 0: ${most}`);
      const kept: unknown[] = [];
      for (const item of array) {
        if (kept.length >= most) break;
        if (isTruthy(test({ ...scope, variables: { ...scope.variables, [name]: item } }))) kept.push(item);
      }
      return kept;
    };
  },
);

const map = named(
  '$map',
  { notObject: 16878, unknown: 16879, missing: { input: 16880, in: 16882 } },
  ['input', 'in'],
  ['as'],
  (fields, compiler) => {
    const name = typeof fields.as === 'string' ? fields.as : 'this';
    checkVariableName(name);
    const input = compiler.compile(fields.input);
    const body = compiler.with([name]).compile(fields.in);
    return (scope) => {
      const array = input(scope);
      if (isMissing(array)) return null;
      if (!Array.isArray(array))
        throw new ServerError(16883, `input to $map must be an array not ${describeType(array)}`);
      return array.map((item) => body({ ...scope, variables: { ...scope.variables, [name]: item } }) ?? null);
    };
  },
);

const reduce = named(
  '$reduce',
  { notObject: 40075, unknown: 40076, missing: { input: 40077, initialValue: 40078, in: 40079 } },
  ['input', 'initialValue', 'in'],
  [],
  (fields, compiler) => {
    const input = compiler.compile(fields.input);
    const initial = compiler.compile(fields.initialValue);
    const body = compiler.with(['this', 'value']).compile(fields.in);
    return (scope) => {
      const array = input(scope);
      if (isMissing(array)) return null;
      if (!Array.isArray(array))
        throw new ServerError(
          40080,
          `$reduce requires that 'input' be an array, found: ${describeType(array)}`,
        );
      return array.reduce<unknown>(
        (value, item) => body({ ...scope, variables: { ...scope.variables, this: item, value } }),
        initial(scope),
      );
    };
  },
);

const zip = named(
  '$zip',
  { notObject: 34460, unknown: 34464, missing: 34465 },
  ['inputs'],
  ['useLongestLength', 'defaults'],
  ({ inputs, defaults = [], useLongestLength = false }, compiler) => {
    if (!Array.isArray(inputs))
      throw new ServerError(34461, `inputs must be an array of expressions, found ${typeName(inputs)}`);
    if (!Array.isArray(defaults))
      throw new ServerError(34462, `defaults must be an array of expressions, found ${typeName(defaults)}`);
    if (typeof useLongestLength !== 'boolean')
      throw new ServerError(34463, `useLongestLength must be a bool, found ${typeName(useLongestLength)}`);
    if (inputs.length === 0) throw new ServerError(34465, '$zip requires at least one input array');
    if (defaults.length > 0 && !useLongestLength)
      throw new ServerError(34466, 'cannot specify defaults unless useLongestLength is true');
    if (defaults.length > 0 && defaults.length !== inputs.length)
      throw new ServerError(34467, 'defaults and inputs must have the same length');
    const columns = inputs.map((input) => compiler.compile(input));
    const fills = defaults.map((one) => compiler.compile(one));
    return (scope) => {
      const lists: unknown[][] = [];
      for (const column of columns) {
        const list = column(scope);
        if (isMissing(list)) return null;
        if (!Array.isArray(list))
          throw new ServerError(34468, `$zip found a non-array expression in input: ${describeType(list)}`);
        lists.push(list);
      }
      const lengths = lists.map((one) => one.length);
      const length = useLongestLength ? Math.max(...lengths) : Math.min(...lengths);
      return Array.from({ length }, (_, i) =>
        lists.map((one, j) => (i < one.length ? one[i] : (fills[j]?.(scope) ?? null))),
      );
    };
  },
);

const sortArray = named(
  '$sortArray',
  { notObject: 2942500, unknown: 2942501, missing: { input: 2942502, sortBy: 2942503 } },
  ['input', 'sortBy'],
  [],
  (fields, compiler) => {
    const input = compiler.compile(fields.input);
    const direction = toNumber(fields.sortBy);
    if (direction !== undefined && direction !== 1 && direction !== -1)
      throw new ServerError(2942506, 'The $sort element value must be either 1 or -1');
    const fieldsToSort = direction === undefined ? parseSort(fields.sortBy) : [];
    const { strings } = compiler.context;
    return (scope) => {
      const array = input(scope);
      if (isMissing(array)) return null;
      if (!Array.isArray(array))
        throw new ServerError(
          2942504,
          `The input argument to $sortArray must be an array, but was of type: ${describeType(array)}`,
        );
      if (direction !== undefined) return [...array].sort((a, b) => direction * compareValues(a, b, strings));
      return sortBy([...array], (item): Doc => (isDoc(item) ? item : {}), fieldsToSort, strings);
    };
  },
);

export const ARRAYS: Builders = {
  ...binary('$arrayElemAt', elementAt),
  ...edge('$first'),
  ...edge('$last'),
  ...operator('$slice', 2, 3, slice),
  ...operator('$indexOfArray', 2, 4, indexOf),
  ...operator('$range', 2, 3, range),
  ...variadic('$concatArrays', concatenate),
  ...unary('$size', (value) => {
    if (!Array.isArray(value))
      throw new ServerError(
        17124,
        `The argument to $size must be an array, but was of type: ${describeType(value)}`,
      );
    return int(value.length);
  }),
  ...unary('$isArray', (value) => Array.isArray(value)),
  ...unary('$reverseArray', (value) => {
    if (isMissing(value)) return null;
    if (!Array.isArray(value))
      throw new ServerError(
        34435,
        `The argument to $reverseArray must be an array, but was of type: ${describeType(value)}`,
      );
    return [...value].reverse();
  }),
  ...binary('$in', (wanted, array, { context }) => {
    if (!Array.isArray(array))
      throw new ServerError(
        40081,
        `$in requires an array as a second argument, found: ${describeType(array)}`,
      );
    return array.some((item) => compareValues(item, wanted, context.strings) === 0);
  }),
  ...filter,
  ...map,
  ...reduce,
  ...zip,
  ...sortArray,
};
