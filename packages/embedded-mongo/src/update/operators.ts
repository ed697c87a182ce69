import { ServerError } from '../errors.ts';
import { elementTest, type QueryContext } from '../query/filter.ts';
import { isOperatorDoc, leafPredicate } from '../query/predicates.ts';
import { parseSort, sortBy } from '../query/sort.ts';
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
}

function arithmetic(name: '$inc' | '$mul'): Apply {
  return (place, argument, path, context) => {
    if (!place) return;
    if (!isNumeric(argument)) {
      throw new ServerError(
        'TypeMismatch',
        `Cannot ${name === '$inc' ? 'increment' : 'multiply'} with non-numeric argument: {${path}: ${JSON.stringify(argument)}}`,
      );
    }
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
  return (place, argument) => {
    if (!place) return;
    const current = readPlace(place);
    if (current === undefined || sign * compareValues(argument, current) > 0) write(place, argument);
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
  const items = modifiers ? modifiers.$each : [argument];
  if (!Array.isArray(items))
    throw new ServerError(
      'BadValue',
      `The argument to $each in $push must be an array but it was of type: ${typeName(items)}`,
    );
  const current = readPlace(place);
  if (current !== undefined && !Array.isArray(current)) {
    throw new ServerError(
      'BadValue',
      `The field '${path}' must be an array but is of type ${typeName(current)} in document {_id: ${String(context.id)}}`,
    );
  }
  let array = [...((current as unknown[] | undefined) ?? [])];
  if (!modifiers) {
    array.push(...items);
    write(place, array);
    return;
  }
  for (const key of Object.keys(modifiers)) {
    if (!['$each', '$slice', '$sort', '$position'].includes(key))
      throw new ServerError('BadValue', `Unrecognized clause in $push: ${key}`);
  }
  if ('$position' in modifiers) {
    const position = toNumber(modifiers.$position);
    if (position === undefined || !Number.isInteger(position))
      throw new ServerError('BadValue', 'The value for $position must be an integer value');
    array.splice(position < 0 ? Math.max(0, array.length + position) : position, 0, ...items);
  } else array.push(...items);
  if ('$sort' in modifiers) array = sorted(array, modifiers.$sort);
  if ('$slice' in modifiers) {
    const count = toNumber(modifiers.$slice);
    if (count === undefined || !Number.isInteger(count))
      throw new ServerError('BadValue', 'The value for $slice must be an integer value');
    array = count < 0 ? array.slice(count) : array.slice(0, count);
  }
  write(place, array);
};

function sorted(array: unknown[], order: unknown): unknown[] {
  const direction = toNumber(order);
  if (direction !== undefined) {
    if (direction !== 1 && direction !== -1)
      throw new ServerError('BadValue', 'The $sort element value must be either 1 or -1');
    return [...array].sort((a, b) => direction * compareValues(a, b));
  }
  return sortBy(array, (item) => (isDoc(item) ? item : {}), parseSort(order));
}

const addToSet: Apply = (place, argument, path, context) => {
  if (!place) return;
  const each = isDoc(argument) && '$each' in argument;
  const items = each ? argument.$each : [argument];
  if (!Array.isArray(items))
    throw new ServerError(
      'TypeMismatch',
      `The argument to $each in $addToSet must be an array but it was of type ${typeName(items)}`,
    );
  const current = arrayAt(place, '$addToSet', path, context);
  const array = [...(current ?? [])];
  for (const item of items) if (!array.some((other) => valuesEqual(other, item))) array.push(item);
  if (!current || array.length !== current.length) write(place, array);
};

const pull: Apply = (place, argument, path, context) => {
  if (!place) return;
  const array = arrayAt(place, '$pull', path, context);
  if (!array) return;
  let test: (item: unknown) => boolean;
  if (isOperatorDoc(argument)) test = elementTest(argument, context, '$pull');
  else if (isDoc(argument)) {
    const matches = elementTest(argument, context, '$pull');
    test = (item) => isDoc(item) && matches(item);
  } else if (typeOf(argument) === TYPE.regex)
    test = leafPredicate('$eq', argument, context).scalar ?? (() => false);
  else test = (item) => valuesEqual(item, argument);
  const kept = array.filter((item) => !test(item));
  if (kept.length !== array.length) write(place, kept);
};

const pullAll: Apply = (place, argument, path, context) => {
  if (!Array.isArray(argument))
    throw new ServerError('BadValue', '$pullAll requires an array argument but was given a non-array');
  if (!place) return;
  const array = arrayAt(place, '$pullAll', path, context);
  if (array)
    write(
      place,
      array.filter((item) => !argument.some((other) => valuesEqual(item, other))),
    );
};

const pop: Apply = (place, argument, path, context) => {
  const end = toNumber(argument);
  if (end !== 1 && end !== -1)
    throw new ServerError('FailedToParse', `$pop expects 1 or -1, found: ${String(end)}`);
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

const currentDate: Apply = (place, argument, path, context) => {
  if (!place) return;
  const type = isDoc(argument) ? argument.$type : 'date';
  if (typeof argument !== 'boolean' && !isDoc(argument))
    throw new ServerError(
      'BadValue',
      `${typeName(argument)} is not valid type for $currentDate. Please use a boolean ('true') or a $type expression ({$type: 'timestamp/date'}). (${path})`,
    );
  if (type === 'timestamp')
    write(place, new Timestamp({ t: Math.floor(context.now.getTime() / 1000), i: 1 }));
  else if (type === 'date') write(place, context.now);
  else throw new ServerError('BadValue', "The '$type' string field is required to be 'date' or 'timestamp'");
};

const bit: Apply = (place, argument, path) => {
  if (!isDoc(argument))
    throw new ServerError(
      'BadValue',
      `The $bit modifier is not compatible with a ${typeName(argument)}. You must pass in an embedded document: {$bit: {field: {and/or/xor: #}}`,
    );
  if (!place) return;
  for (const name of Object.keys(argument)) {
    const operand = argument[name];
    const type = typeOf(operand);
    if (type !== TYPE.int && type !== TYPE.long)
      throw new ServerError(
        'BadValue',
        `The $bit modifier field must be an Integer(32/64 bit); a '${typeName(operand)}' is not supported here`,
      );
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
    const value = name === 'and' ? x & y : name === 'or' ? x | y : name === 'xor' ? x ^ y : undefined;
    if (value === undefined)
      throw new ServerError(
        'BadValue',
        `The $bit modifier only supports 'and', 'or', and 'xor', not '${name}'`,
      );
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
  $inc: { creates: true, apply: arithmetic('$inc') },
  $mul: { creates: true, apply: arithmetic('$mul') },
  $min: { creates: true, apply: extreme(-1) },
  $max: { creates: true, apply: extreme(1) },
  $push: { creates: true, apply: push },
  $addToSet: { creates: true, apply: addToSet },
  $pull: { creates: false, apply: pull },
  $pullAll: { creates: false, apply: pullAll },
  $pop: { creates: false, apply: pop },
  $currentDate: { creates: true, apply: currentDate },
  $bit: { creates: true, apply: bit },
};
