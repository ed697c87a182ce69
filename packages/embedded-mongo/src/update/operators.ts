import { ServerError } from '../errors.ts';
import { compileFilter, elementTest, type QueryContext } from '../query/filter.ts';
import { isOperatorDoc, leafPredicate } from '../query/predicates.ts';
import { parseSort, sortBy } from '../query/sort.ts';
import { show } from '../storage/duplicate.ts';
import { calculate, integer } from '../values/arithmetic.ts';
import { compareValues, valuesEqual } from '../values/compare.ts';
import {
  cloneValue,
  Int32,
  isDoc,
  isNumeric,
  Long,
  numericValue,
  Timestamp,
  TYPE,
  toNumber,
  typeName,
  typeOf,
} from '../values/types.ts';
import { erase, type Place, readPlace, write } from './path.ts';

export interface OperatorContext extends QueryContext {
  id: unknown;
}

/** Applies one operator at one place. Places of operators that do not create are undefined if nothing is there. */
export type Apply = (
  place: Place | undefined,
  argument: unknown,
  path: string,
  context: OperatorContext,
) => void;

export interface UpdateOperator {
  creates: boolean;
  apply: Apply;
  /** Refuses, before any document is looked for, an argument that no document could take. */
  check?: (argument: unknown, path: string) => void;
}

function checkNumber(name: '$inc' | '$mul') {
  return (argument: unknown, path: string): void => {
    if (!isNumeric(argument))
      throw new ServerError(
        'TypeMismatch',
        `Cannot ${name === '$inc' ? 'increment' : 'multiply'} with non-numeric argument: {${path}: ${show(argument)}}`,
      );
  };
}

function checkEach(name: '$push' | '$addToSet', argument: unknown): void {
  if (!isDoc(argument) || !('$each' in argument)) return;
  if (!Array.isArray(argument.$each))
    throw new ServerError(
      name === '$push' ? 'BadValue' : 'TypeMismatch',
      `The argument to $each in ${name} must be an array but it was of type: ${typeName(argument.$each)}`,
    );
}

function checkPush(argument: unknown): void {
  checkEach('$push', argument);
  if (!isDoc(argument) || !('$each' in argument)) return;
  for (const key of Object.keys(argument))
    if (!['$each', '$slice', '$sort', '$position'].includes(key))
      throw new ServerError('BadValue', `Unrecognized clause in $push: ${key}`);
  for (const key of ['$slice', '$position']) {
    const value = toNumber(argument[key]);
    if (key in argument && (value === undefined || !Number.isInteger(value)))
      throw new ServerError(
        'BadValue',
        `The value for ${key} must be an integer value but was given type: ${typeName(argument[key])}`,
      );
  }
  if (!('$sort' in argument)) return;
  const order = argument.$sort;
  const directions = isDoc(order) ? Object.values(order) : [order];
  if (directions.length === 0)
    throw new ServerError('BadValue', 'The $sort pattern is empty when it should be a set of fields.');
  if (isDoc(order) && Object.keys(order).some((path) => path.split('.').includes('')))
    throw new ServerError('BadValue', 'The $sort field is a dotted field but has an empty part');
  if (!directions.every((direction) => Math.abs(toNumber(direction) ?? 0) === 1))
    throw new ServerError(
      'BadValue',
      'The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields',
    );
}

function checkAddToSet(argument: unknown): void {
  checkEach('$addToSet', argument);
  if (isDoc(argument) && Object.keys(argument)[0] === '$each' && Object.keys(argument).length > 1)
    throw new ServerError('BadValue', `Found unexpected fields after $each in $addToSet: ${show(argument)}`);
}

function checkBit(argument: unknown): void {
  if (!isDoc(argument))
    throw new ServerError(
      'BadValue',
      `The $bit modifier is not compatible with a ${typeName(argument)}. You must pass in an embedded document: {$bit: {field: {and/or/xor: #}}`,
    );
  if (Object.keys(argument).length === 0)
    throw new ServerError('BadValue', 'You must pass in at least one bitwise operation.');
  for (const [name, operand] of Object.entries(argument)) {
    if (!['and', 'or', 'xor'].includes(name))
      throw new ServerError(
        'BadValue',
        `The $bit modifier only supports 'and', 'or', and 'xor', not '${name}'`,
      );
    const type = typeOf(operand);
    if (type !== TYPE.int && type !== TYPE.long)
      throw new ServerError(
        'BadValue',
        `The $bit modifier field must be an Integer(32/64 bit); a '${typeName(operand)}' is not supported here`,
      );
  }
}

function checkCurrentDate(argument: unknown): void {
  if (typeof argument === 'boolean') return;
  if (!isDoc(argument))
    throw new ServerError(
      'BadValue',
      `${typeName(argument)} is not valid type for $currentDate. Please use a boolean ('true') or a $type expression ({$type: 'timestamp/date'}).`,
    );
  for (const key of Object.keys(argument))
    if (key !== '$type') throw new ServerError('BadValue', `Unrecognized $currentDate option: ${key}`);
  if (argument.$type !== 'date' && argument.$type !== 'timestamp')
    throw new ServerError('BadValue', "The '$type' string field is required to be 'date' or 'timestamp'");
}

function checkPop(argument: unknown): void {
  const end = toNumber(argument);
  if (end !== 1 && end !== -1)
    throw new ServerError('FailedToParse', `$pop expects 1 or -1, found: ${show(argument)}`);
}

function checkPullAll(argument: unknown): void {
  if (!Array.isArray(argument))
    throw new ServerError('BadValue', '$pullAll requires an array argument but was given a non-array');
}

function arithmetic(name: '$inc' | '$mul'): Apply {
  return (place, argument, path, context) => {
    if (!place) return;
    const current = readPlace(place);
    if (current === undefined) {
      write(place, name === '$inc' ? argument : combine(new Int32(0), argument, name));
      return;
    }
    if (!isNumeric(current)) {
      throw new ServerError(
        'TypeMismatch',
        `Cannot apply ${name} to a value of non-numeric type. {_id: ${String(context.id)}} has the field '${path.split('.').pop()}' of non-numeric type ${typeName(current)}`,
      );
    }
    write(place, combine(current, argument, name));
  };
}

/** Sum or product, in the wider of the two types; an int that overflows becomes a long, a long is refused. */
function combine(a: unknown, b: unknown, name: '$inc' | '$mul'): unknown {
  const result = calculate(name === '$inc' ? 'add' : 'multiply', a, b);
  if (typeof result !== 'bigint') return result;
  if (result < -(2n ** 63n) || result >= 2n ** 63n)
    throw new ServerError(
      'BadValue',
      `Failed to apply ${name} operations to current value: the result does not fit a long`,
    );
  return integer(result, [typeOf(a), typeOf(b)].includes(TYPE.long));
}

function extreme(sign: 1 | -1): Apply {
  return (place, argument, _path, { strings }) => {
    if (!place) return;
    const current = readPlace(place);
    if (current === undefined || sign * compareValues(argument, current, strings) > 0) write(place, argument);
  };
}

function arrayAt(place: Place, name: string, path: string, context: OperatorContext): unknown[] | undefined {
  const current = readPlace(place);
  if (current === undefined) return undefined;
  if (!Array.isArray(current)) {
    throw new ServerError(
      'BadValue',
      `The field '${path}' must be an array but is of type ${typeName(current)} in document {_id: ${String(context.id)}} (${name})`,
    );
  }
  return current;
}

const push: Apply = (place, argument, path, context) => {
  if (!place) return;
  const modifiers = isDoc(argument) && '$each' in argument ? argument : undefined;
  const items = (modifiers ? modifiers.$each : [argument]) as unknown[];
  const current = readPlace(place);
  if (current !== undefined && !Array.isArray(current)) {
    throw new ServerError(
      'BadValue',
      `The field '${path}' must be an array but is of type ${typeName(current)} in document {_id: ${String(context.id)}}`,
    );
  }
  const held = (current as unknown[] | undefined) ?? [];
  if (!modifiers) {
    write(place, [...held, ...items]);
    return;
  }
  const given = toNumber(modifiers.$position) ?? held.length;
  const position = given < 0 ? Math.max(0, held.length + given) : given;
  // Not by splice: what a function takes as arguments is limited, and an array may have more.
  let array = [...held.slice(0, position), ...items, ...held.slice(position)];
  if ('$sort' in modifiers) array = sorted(array, modifiers.$sort, context);
  if ('$slice' in modifiers) {
    const count = toNumber(modifiers.$slice) ?? 0;
    array = count < 0 ? array.slice(count) : array.slice(0, count);
  }
  write(place, array);
};

function sorted(array: unknown[], order: unknown, { strings }: OperatorContext): unknown[] {
  const direction = toNumber(order);
  if (direction !== undefined) {
    return [...array].sort((a, b) => direction * compareValues(a, b, strings));
  }
  return sortBy(array, (item) => (isDoc(item) ? item : {}), parseSort(order), strings);
}

const addToSet: Apply = (place, argument, path, context) => {
  if (!place) return;
  const each = isDoc(argument) && '$each' in argument;
  const items = (each ? argument.$each : [argument]) as unknown[];
  const current = arrayAt(place, '$addToSet', path, context);
  const array = [...(current ?? [])];
  for (const item of items)
    if (!array.some((other) => valuesEqual(other, item, context.strings))) array.push(item);
  if (!current || array.length !== current.length) write(place, array);
};

const pull: Apply = (place, argument, path, context) => {
  if (!place) return;
  const array = arrayAt(place, '$pull', path, context);
  if (!array) return;
  let test: (item: unknown) => boolean;
  if (isOperatorDoc(argument)) {
    // As a field's conditions: of an element that is an array, one of its own elements may satisfy them.
    const matches = compileFilter({ v: argument }, context);
    test = (item) => matches({ v: item });
  } else if (isDoc(argument)) {
    const matches = elementTest(argument, context, '$pull');
    test = (item) => isDoc(item) && matches(item);
  } else if (typeOf(argument) === TYPE.regex)
    test = leafPredicate('$eq', argument, context).scalar ?? (() => false);
  else test = (item) => valuesEqual(item, argument, context.strings);
  const kept = array.filter((item) => !test(item));
  if (kept.length !== array.length) write(place, kept);
};

const pullAll: Apply = (place, argument, path, context) => {
  if (!place || !Array.isArray(argument)) return;
  const array = arrayAt(place, '$pullAll', path, context);
  if (array)
    write(
      place,
      array.filter((item) => !argument.some((other) => valuesEqual(item, other, context.strings))),
    );
};

const pop: Apply = (place, argument, path, context) => {
  const end = toNumber(argument);
  if (!place) return;
  const current = readPlace(place);
  if (current === undefined) return;
  if (!Array.isArray(current))
    throw new ServerError(
      'TypeMismatch',
      `Path '${path}' contains an element of non-array type '${typeName(current)}' (_id ${String(context.id)})`,
    );
  write(place, end === 1 ? current.slice(0, -1) : current.slice(1));
};

const currentDate: Apply = (place, argument, _path, context) => {
  if (!place) return;
  const type = isDoc(argument) ? argument.$type : 'date';
  if (type === 'timestamp')
    write(place, new Timestamp({ t: Math.floor(context.now.getTime() / 1000), i: 1 }));
  else write(place, context.now);
};

const bit: Apply = (place, argument, path) => {
  if (!place || !isDoc(argument)) return;
  for (const name of Object.keys(argument)) {
    const operand = argument[name];
    const type = typeOf(operand);
    const held = readPlace(place);
    const current = held === undefined ? new Int32(0) : held;
    const currentType = typeOf(current);
    if (currentType !== TYPE.int && currentType !== TYPE.long)
      throw new ServerError(
        'BadValue',
        `Cannot apply $bit to a value of non-integral type. The field '${path}' is of type ${typeName(current)}`,
      );
    const x = BigInt(numericValue(current));
    const y = BigInt(numericValue(operand));
    const value = name === 'and' ? x & y : name === 'or' ? x | y : x ^ y;
    write(
      place,
      type === TYPE.long || currentType === TYPE.long ? Long.fromBigInt(value) : new Int32(Number(value)),
    );
  }
};

export const UPDATE_OPERATORS: Record<string, UpdateOperator> = {
  $set: { creates: true, apply: (place, argument) => place && write(place, cloneValue(argument)) },
  $setOnInsert: { creates: true, apply: (place, argument) => place && write(place, cloneValue(argument)) },
  $unset: { creates: false, apply: (place) => place && readPlace(place) !== undefined && erase(place) },
  $inc: { creates: true, apply: arithmetic('$inc'), check: checkNumber('$inc') },
  $mul: { creates: true, apply: arithmetic('$mul'), check: checkNumber('$mul') },
  $min: { creates: true, apply: extreme(-1) },
  $max: { creates: true, apply: extreme(1) },
  $push: { creates: true, apply: push, check: checkPush },
  $addToSet: { creates: true, apply: addToSet, check: checkAddToSet },
  $pull: { creates: false, apply: pull },
  $pullAll: { creates: false, apply: pullAll, check: checkPullAll },
  $pop: { creates: false, apply: pop, check: checkPop },
  $currentDate: { creates: true, apply: currentDate, check: checkCurrentDate },
  $bit: { creates: true, apply: bit, check: checkBit },
};
