import { ServerError } from '../errors.ts';
import { type Doc, define, isDoc } from '../values/types.ts';
import { type Builder, type Builders, describeType, isMissing, named, unary } from './arguments.ts';
import type { Compiler } from './compile.ts';

function toPairs(value: unknown): unknown {
  if (isMissing(value)) return null;
  if (!isDoc(value))
    throw new ServerError(40390, `$objectToArray requires a document input, found: ${describeType(value)}`);
  return Object.keys(value).map((key) => ({ k: key, v: value[key] }));
}

function fromPairs(value: unknown): unknown {
  if (isMissing(value)) return null;
  if (!Array.isArray(value))
    throw new ServerError(40386, `$arrayToObject requires an array input, found: ${describeType(value)}`);
  const doc: Doc = {};
  for (const pair of value) {
    let key: unknown;
    let item: unknown;
    if (Array.isArray(pair)) {
      if (pair.length !== 2)
        throw new ServerError(40397, '$arrayToObject requires an array of size 2 arrays');
      [key, item] = pair;
      if (typeof key !== 'string')
        throw new ServerError(
          40395,
          `$arrayToObject requires an array of key-value pairs, where the key must be of type string. Found key type: ${describeType(key)}`,
        );
    } else if (isDoc(pair)) {
      if (Object.keys(pair).length !== 2)
        throw new ServerError(
          40392,
          "$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of keys",
        );
      if (!('k' in pair) || !('v' in pair))
        throw new ServerError(40393, "$arrayToObject requires an object with keys 'k' and 'v'");
      key = pair.k;
      item = pair.v;
      if (typeof key !== 'string')
        throw new ServerError(
          40394,
          `$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' must be of type string. Found type: ${describeType(key)}`,
        );
    } else
      throw new ServerError(
        40398,
        `Unrecognised input type format for $arrayToObject: ${describeType(pair)}`,
      );
    if (key.includes('\0')) throw new ServerError(4940400, 'Key field cannot contain an embedded null byte');
    define(doc, key, item);
  }
  return doc;
}

/** A name that is a constant: a string, or `{$literal: string}` for names that start with a dollar. */
function constantName(operator: string, code: number, field: unknown, compiler: Compiler): string {
  const name = isDoc(field) ? compiler.compile(field)({ root: {}, current: {}, variables: {} }) : field;
  if (typeof name !== 'string' || (typeof field === 'string' && field.startsWith('$')))
    throw new ServerError(
      code,
      `${operator} requires 'field' to evaluate to a constant of type String, but got ${describeType(name)}`,
    );
  return name;
}

const getField: Builder = (argument, compiler) => {
  const full = isDoc(argument) && ('field' in argument || 'input' in argument);
  if (full) {
    for (const key of Object.keys(argument))
      if (key !== 'field' && key !== 'input')
        throw new ServerError(3041701, `$getField found an unknown argument: ${key}`);
    if (!('field' in argument)) throw new ServerError(3041702, "$getField requires 'field' to be specified");
    if (!('input' in argument)) throw new ServerError(3041703, "$getField requires 'input' to be specified");
  }
  const name = compiler.compile(full ? argument.field : argument);
  const input = full ? compiler.compile(argument.input) : undefined;
  return (scope) => {
    const key = name(scope);
    if (typeof key !== 'string')
      throw new ServerError(
        3041704,
        `$getField requires 'field' to evaluate to type String, but got ${describeType(key)}`,
      );
    const holder = input ? input(scope) : scope.current;
    if (holder === null) return null;
    return isDoc(holder) && Object.hasOwn(holder, key) ? holder[key] : undefined;
  };
};

function changeField(operator: '$setField' | '$unsetField'): Builders {
  const setting = operator === '$setField';
  return named(
    operator,
    { notObject: 4161100, unknown: 4161101, missing: { field: 4161102, value: 4161103, input: 4161109 } },
    setting ? ['field', 'input', 'value'] : ['field', 'input'],
    [],
    (fields, compiler) => {
      const key = constantName(operator, 4161106, fields.field, compiler);
      const input = compiler.compile(fields.input);
      const value = setting ? compiler.compile(fields.value) : undefined;
      return (scope) => {
        const holder = input(scope);
        if (isMissing(holder)) return null;
        if (!isDoc(holder))
          throw new ServerError(4161105, `${operator} requires 'input' to evaluate to type Object`);
        const copy: Doc = { ...holder };
        const next = value?.(scope);
        if (next === undefined) delete copy[key];
        else define(copy, key, next);
        return copy;
      };
    },
  );
}

export const OBJECTS: Builders = {
  ...unary('$objectToArray', toPairs),
  ...unary('$arrayToObject', fromPairs),
  $getField: getField,
  ...changeField('$setField'),
  ...changeField('$unsetField'),
};
