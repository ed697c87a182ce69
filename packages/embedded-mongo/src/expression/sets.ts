import { ServerError } from '../errors.ts';
import { compareValues, type StringOrder } from '../values/compare.ts';
import { isTruthy } from '../values/types.ts';
import { type Builders, binary, describeType, isMissing, unary, variadic } from './arguments.ts';

/** Sorted, each value once: the order in which MongoDB gives sets. */
function setOf(values: readonly unknown[], strings: StringOrder | undefined): unknown[] {
  const sorted = [...values].sort((a, b) => compareValues(a, b, strings));
  return sorted.filter((value, i) => i === 0 || compareValues(value, sorted[i - 1], strings) !== 0);
}

function has(values: readonly unknown[], wanted: unknown, strings: StringOrder | undefined): boolean {
  return values.some((value) => compareValues(value, wanted, strings) === 0);
}

function demandArray(name: string, code: number, value: unknown): asserts value is unknown[] {
  if (!Array.isArray(value))
    throw new ServerError(
      code,
      `All operands of ${name} must be arrays. One argument is of type: ${describeType(value)}`,
    );
}

export const SETS: Builders = {
  ...variadic('$setUnion', (values, { context }) => {
    const all: unknown[] = [];
    for (const value of values) {
      if (isMissing(value)) return null;
      demandArray('$setUnion', 17043, value);
      for (const item of value) all.push(item);
    }
    return setOf(all, context.strings);
  }),
  ...variadic('$setIntersection', (values, { context }) => {
    let common: unknown[] | undefined;
    for (const value of values) {
      if (isMissing(value)) return null;
      demandArray('$setIntersection', 17047, value);
      common = common ? common.filter((item) => has(value, item, context.strings)) : value;
    }
    return setOf(common ?? [], context.strings);
  }),
  ...binary('$setDifference', (a, b, { context }) => {
    if (isMissing(a) || isMissing(b)) return null;
    demandArray('$setDifference', 17048, a);
    demandArray('$setDifference', 17049, b);
    const kept: unknown[] = [];
    for (const item of a)
      if (!has(b, item, context.strings) && !has(kept, item, context.strings)) kept.push(item);
    return kept;
  }),
  ...binary('$setIsSubset', (a, b, { context }) => {
    demandArray('$setIsSubset', 17046, a);
    demandArray('$setIsSubset', 17042, b);
    return a.every((item) => has(b, item, context.strings));
  }),
  ...variadic('$setEquals', (values, { context }) => {
    if (values.length < 2) throw new ServerError(17045, '$setEquals needs at least two arguments');
    const sets = values.map((value) => {
      demandArray('$setEquals', 17044, value);
      return setOf(value, context.strings);
    });
    return sets.every((one) => compareValues(one, sets[0], context.strings) === 0);
  }),
  ...unary('$allElementsTrue', (value) => {
    demandArray('$allElementsTrue', 17040, value);
    return value.every(isTruthy);
  }),
  ...unary('$anyElementTrue', (value) => {
    demandArray('$anyElementTrue', 17041, value);
    return value.some(isTruthy);
  }),
};
