import { ServerError } from '../errors.ts';
import { Double, isDoc, isNumeric, numericValue, toNumber } from '../values/types.ts';
import { type Compiler, compileExpression, type Expression } from './compile.ts';

/** `$percentile` and `$median`: each is the least value that at least that share of the values does not exceed. */
export function percentiles(
  name: '$median' | '$percentile',
  argument: unknown,
  compiler: Compiler,
): { input: Expression; finish: (values: unknown[]) => unknown } {
  const median = name === '$median';
  if (!isDoc(argument)) throw new ServerError(7436100, `${name} specification must be an object`);
  for (const field of median ? ['input', 'method'] : ['input', 'p', 'method']) {
    if (!(field in argument))
      throw new ServerError(40414, `BSON field '${name}.${field}' is missing but a required field`);
  }
  if (argument.method !== 'approximate')
    throw new ServerError('BadValue', "Currently only 'approximate' can be used as percentile 'method'.");
  const wanted = median ? [0.5] : compileExpression(argument.p, compiler.context)({});
  if (
    !Array.isArray(wanted) ||
    wanted.length === 0 ||
    !wanted.every((p) => (toNumber(p) ?? -1) >= 0 && (toNumber(p) ?? 2) <= 1)
  )
    throw new ServerError(
      7750301,
      "The $percentile 'p' field must be an array of constant numbers between 0 and 1",
    );
  return {
    input: compiler.compile(argument.input),
    finish(values) {
      const numbers = values
        .filter(isNumeric)
        .map((value) => Number(numericValue(value)))
        .sort((a, b) => a - b);
      const results = wanted.map((p) => {
        if (numbers.length === 0) return null;
        const rank = Math.max(0, Math.ceil((toNumber(p) ?? 0) * numbers.length) - 1);
        return new Double(numbers[rank] as number);
      });
      return median ? results[0] : results;
    },
  };
}
