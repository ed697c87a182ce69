import { ServerError } from '../errors.ts';
import { integer } from '../values/arithmetic.ts';
import { Double, Int32, Long, numericValue, TYPE, typeOf } from '../values/types.ts';
import { type Builder, type Builders, describeType, isMissing, unary, variadic } from './arguments.ts';

function demandInteger(name: string, value: unknown): bigint {
  const type = typeOf(value);
  if (type !== TYPE.int && type !== TYPE.long)
    throw new ServerError(
      'TypeMismatch',
      `${name} only supports int and long operands, not ${describeType(value)}`,
    );
  return BigInt(numericValue(value));
}

function combining(name: string, neutral: bigint, apply: (a: bigint, b: bigint) => bigint): Builders {
  return variadic(name, (values) => {
    let result = neutral;
    let wide = false;
    for (const value of values) {
      if (isMissing(value)) return null;
      result = apply(result, demandInteger(name, value));
      wide ||= typeOf(value) === TYPE.long;
    }
    return integer(result, wide);
  });
}

const random: Builder = (argument) => {
  const none = Array.isArray(argument)
    ? argument.length === 0
    : typeof argument === 'object' && argument !== null && Object.keys(argument).length === 0;
  if (!none) throw new ServerError(3040501, '$rand does not currently accept arguments');
  return () => new Double(Math.random());
};

export const BITS: Builders = {
  ...combining('$bitAnd', -1n, (a, b) => a & b),
  ...combining('$bitOr', 0n, (a, b) => a | b),
  ...combining('$bitXor', 0n, (a, b) => a ^ b),
  ...unary('$bitNot', (value) => {
    if (isMissing(value)) return null;
    const inverted = ~demandInteger('$bitNot', value);
    return typeOf(value) === TYPE.long ? Long.fromBigInt(inverted) : new Int32(Number(inverted));
  }),
  $rand: random,
};
