import { ServerError } from '../errors.ts';
import { isDoc, toNumber } from '../values/types.ts';
import { type Accumulator, merged, simpleAccumulator, someOf } from './accumulators.ts';
import {
  argumentList,
  type Builder,
  type Builders,
  describeType,
  isMissing,
  named,
  variadic,
} from './arguments.ts';
import { percentiles } from './percentile.ts';

/** An accumulator over a list of arguments, or over the elements of a single argument that is an array. */
function accumulating(name: string): Builder {
  return (argument, compiler) => {
    const args = argumentList(argument, compiler);
    return (scope) => {
      const values = args.map((one) => one(scope));
      const [only] = values;
      const accumulator = simpleAccumulator(name, compiler.context.strings) as Accumulator;
      for (const value of values.length === 1 && Array.isArray(only) ? only : values) accumulator.add(value);
      return accumulator.result();
    };
  };
}

function someElements(name: string): Builders {
  return named(
    name,
    { notObject: 5787801, unknown: 5787901, missing: 5787906 },
    ['n', 'input'],
    [],
    (fields, compiler) => {
      const count = compiler.compile(fields.n);
      const input = compiler.compile(fields.input);
      return (scope) => {
        const n = toNumber(count(scope));
        if (n === undefined || !Number.isInteger(n))
          throw new ServerError(5787902, "Value for 'n' must be of integral type");
        if (n <= 0) throw new ServerError(5787908, `'n' must be greater than 0, found ${n}`);
        const values = input(scope);
        if (isMissing(values)) return null;
        if (!Array.isArray(values))
          throw new ServerError(5788200, `Input must be an array, not ${describeType(values)}`);
        return someOf(name, values, n, compiler.context.strings);
      };
    },
  );
}

function percentile(name: '$median' | '$percentile'): Builder {
  return (argument, compiler) => {
    const { input, finish } = percentiles(name, isDoc(argument) ? argument : undefined, compiler);
    return (scope) => {
      const value = input(scope);
      return finish(Array.isArray(value) ? value : [value]);
    };
  };
}

/** Accumulators that are expressions too. `$first` and `$last` then are operators on arrays. */
export const ACCUMULATOR_EXPRESSIONS: Builders = {
  ...Object.fromEntries(
    ['$sum', '$avg', '$min', '$max', '$stdDevPop', '$stdDevSamp'].map((name) => [name, accumulating(name)]),
  ),
  ...variadic('$mergeObjects', (values) => {
    const accumulator = merged();
    const [only] = values;
    for (const value of values.length === 1 && Array.isArray(only) ? only : values) accumulator.add(value);
    return accumulator.result();
  }),
  ...someElements('$firstN'),
  ...someElements('$lastN'),
  ...someElements('$minN'),
  ...someElements('$maxN'),
  $median: percentile('$median'),
  $percentile: percentile('$percentile'),
};
