import { ServerError } from '../errors.ts';
import { compareValues } from '../values/compare.ts';
import { type Doc, Int32, isDoc, isTruthy } from '../values/types.ts';
import {
  argumentList,
  type Builder,
  type Builders,
  binary,
  constant,
  isMissing,
  named,
  unary,
} from './arguments.ts';
import type { Expression } from './compile.ts';

function comparison(name: string, decide: (order: number) => unknown): Builders {
  return binary(name, (a, b, { context }) => decide(compareValues(a, b, context.strings)));
}

/** Stops at the first argument that decides, so that a guard can protect what follows it. */
function connective(decisive: boolean): Builder {
  return (argument, compiler) => {
    const args = argumentList(argument, compiler);
    return (scope) => (args.some((one) => isTruthy(one(scope)) === decisive) ? decisive : !decisive);
  };
}

const cond: Builder = (argument, compiler) => {
  let parts: unknown[];
  if (isDoc(argument)) {
    for (const key of Object.keys(argument)) {
      if (!['if', 'then', 'else'].includes(key))
        throw new ServerError(17083, `Unrecognized parameter to $cond: ${key}`);
    }
    for (const [i, key] of ['if', 'then', 'else'].entries()) {
      if (!(key in argument)) throw new ServerError(17080 + i, `Missing '${key}' parameter to $cond`);
    }
    parts = [argument.if, argument.then, argument.else];
  } else parts = Array.isArray(argument) ? argument : [argument];
  if (parts.length !== 3)
    throw new ServerError(
      16020,
      `Expression $cond takes exactly 3 arguments. ${parts.length} were passed in.`,
    );
  const [test, then, otherwise] = parts.map((part) => compiler.compile(part)) as [
    Expression,
    Expression,
    Expression,
  ];
  return (scope) => (isTruthy(test(scope)) ? then(scope) : otherwise(scope));
};

const ifNull: Builder = (argument, compiler) => {
  const args = argumentList(argument, compiler);
  if (args.length < 2)
    throw new ServerError(1257300, `$ifNull needs at least two arguments, had: ${args.length}`);
  return (scope) => {
    let value: unknown;
    for (const one of args) {
      value = one(scope);
      if (!isMissing(value)) return value;
    }
    return value;
  };
};

const choose: Builder = (argument, compiler) => {
  if (!isDoc(argument)) throw new ServerError(40060, '$switch requires an object as an argument');
  for (const key of Object.keys(argument)) {
    if (key !== 'branches' && key !== 'default')
      throw new ServerError(40067, `$switch found an unknown argument: ${key}`);
  }
  if (!Array.isArray(argument.branches))
    throw new ServerError(40061, "$switch expected an array for 'branches'");
  if (argument.branches.length === 0) throw new ServerError(40068, '$switch requires at least one branch');
  const branches = argument.branches.map((branch) => {
    if (!isDoc(branch)) throw new ServerError(40062, '$switch expected each branch to be an object');
    for (const key of Object.keys(branch))
      if (key !== 'case' && key !== 'then')
        throw new ServerError(40063, `$switch found an unknown argument to a branch: ${key}`);
    if (!('case' in branch))
      throw new ServerError(40064, "$switch requires each branch have a 'case' expression");
    if (!('then' in branch))
      throw new ServerError(40065, "$switch requires each branch have a 'then' expression");
    return { test: compiler.compile(branch.case), result: compiler.compile(branch.then) };
  });
  const otherwise = 'default' in argument ? compiler.compile(argument.default) : undefined;
  if (!otherwise && argument.branches.every((branch) => isDoc(branch) && branch.case === false))
    throw new ServerError(
      40069,
      'One cannot execute a switch statement where all the cases evaluate to false without a default.',
    );
  return (scope) => {
    for (const { test, result } of branches) if (isTruthy(test(scope))) return result(scope);
    if (!otherwise)
      throw new ServerError(
        40066,
        '$switch could not find a matching branch for an input, and no default was specified.',
      );
    return otherwise(scope);
  };
};

/** User variables begin with a lower-case letter; `CURRENT` may be set too. */
export function checkVariableName(name: string): void {
  if (name === '' || (!/^[a-z\u0080-\uffff]/.test(name) && name !== 'CURRENT'))
    throw new ServerError(
      'FailedToParse',
      `'${name}' starts with an invalid character for a user variable name`,
    );
}

const letVariables = named(
  '$let',
  { notObject: 16874, unknown: 16875, missing: { vars: 16876, in: 16877 } },
  ['vars', 'in'],
  [],
  (fields, compiler) => {
    const given = isDoc(fields.vars) ? fields.vars : {};
    const variables = Object.keys(given).map((name) => {
      checkVariableName(name);
      return [name, compiler.compile(given[name])] as const;
    });
    const body = compiler.with(Object.keys(given)).compile(fields.in);
    return (scope) => {
      const inner: Doc = { ...scope.variables };
      for (const [name, expression] of variables) inner[name] = expression(scope);
      return body({ ...scope, variables: inner });
    };
  },
);

export const LOGIC: Builders = {
  ...comparison('$cmp', (order) => new Int32(order)),
  ...comparison('$eq', (order) => order === 0),
  ...comparison('$ne', (order) => order !== 0),
  ...comparison('$gt', (order) => order > 0),
  ...comparison('$gte', (order) => order >= 0),
  ...comparison('$lt', (order) => order < 0),
  ...comparison('$lte', (order) => order <= 0),
  ...unary('$not', (value) => !isTruthy(value)),
  $and: connective(false),
  $or: connective(true),
  $cond: cond,
  $ifNull: ifNull,
  $switch: choose,
  ...letVariables,
  $literal: constant,
  $const: constant,
};
