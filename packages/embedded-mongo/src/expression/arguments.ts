import { ServerError } from '../errors.ts';
import { isDoc, typeName } from '../values/types.ts';
import type { Compiler, Expression, Scope } from './compile.ts';

/** Builds an operator's function from the argument that stands in the client's expression. */
export type Builder = (argument: unknown, compiler: Compiler) => Expression;
export type Builders = Record<string, Builder>;

const CONSTANTS = new WeakSet<Expression>();
const NOWHERE: Scope = { root: {}, current: {}, variables: {} };

export function constant(value: unknown): Expression {
  const expression: Expression = () => value;
  CONSTANTS.add(expression);
  return expression;
}

function isConstant(expression: Expression): boolean {
  return CONSTANTS.has(expression);
}

export function isMissing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** A type as aggregation's messages call it. */
export function describeType(value: unknown): string {
  return value === undefined ? 'missing' : typeName(value);
}

export function argumentList(argument: unknown, compiler: Compiler): Expression[] {
  return (Array.isArray(argument) ? argument : [argument]).map((item) => compiler.compile(item));
}

/** An operator that takes between `least` and `most` arguments; one argument may stand without its array. */
export function operator(
  name: string,
  least: number,
  most: number,
  apply: (values: unknown[], compiler: Compiler, scope: Scope) => unknown,
): Builders {
  return {
    [name]: (argument, compiler) => {
      const args = argumentList(argument, compiler);
      if (args.length < least || args.length > most) {
        throw least === most
          ? new ServerError(
              16020,
              `Expression ${name} takes exactly ${least} arguments. ${args.length} were passed in.`,
            )
          : new ServerError(
              28667,
              `Expression ${name} takes at least ${least} arguments, and at most ${most}, but ${args.length} were passed in.`,
            );
      }
      const whole: Expression = (scope) =>
        apply(
          args.map((one) => one(scope)),
          compiler,
          scope,
        );
      // Worked out now, as MongoDB does, so that a mistake among constants is told even if no document comes by.
      return args.length > 0 && args.every(isConstant) ? constant(whole(NOWHERE)) : whole;
    },
  };
}

export function unary(name: string, apply: (value: unknown, compiler: Compiler) => unknown): Builders {
  return operator(name, 1, 1, (values, compiler) => apply(values[0], compiler));
}

export function binary(
  name: string,
  apply: (a: unknown, b: unknown, compiler: Compiler) => unknown,
): Builders {
  return operator(name, 2, 2, (values, compiler) => apply(values[0], values[1], compiler));
}

export function variadic(name: string, apply: (values: unknown[], compiler: Compiler) => unknown): Builders {
  return operator(name, 0, Number.POSITIVE_INFINITY, apply);
}

/** An operator with named arguments; those in `required` must be there, others than `known` must not. */
export function named(
  name: string,
  codes: { notObject: number; unknown: number; missing: number | Readonly<Record<string, number>> },
  required: readonly string[],
  optional: readonly string[],
  build: (fields: Record<string, unknown>, compiler: Compiler) => Expression,
): Builders {
  return {
    [name]: (argument, compiler) => {
      if (!isDoc(argument))
        throw new ServerError(
          codes.notObject,
          `${name} only supports an object as an argument, not ${describeType(argument)}`,
        );
      for (const key of Object.keys(argument)) {
        if (!required.includes(key) && !optional.includes(key))
          throw new ServerError(codes.unknown, `Unrecognized parameter to ${name}: ${key}`);
      }
      for (const key of required) {
        const { missing } = codes;
        if (!(key in argument))
          throw new ServerError(
            typeof missing === 'number' ? missing : (missing[key] ?? 9),
            `Missing '${key}' parameter to ${name}`,
          );
      }
      return build(argument, compiler);
    },
  };
}
