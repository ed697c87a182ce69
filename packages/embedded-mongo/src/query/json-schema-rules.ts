import { ServerError } from '../errors.ts';
import { type Doc, isNumeric, numericValue, TYPE, toNumber, typeName, typeOf } from '../values/types.ts';
import { leafPredicate } from './predicates.ts';

/** One rule that a value does not satisfy, in the form of the server's `errInfo`. */
export type Failure = Doc;
export type Rule = (value: unknown) => Failure | undefined;
/** Compiles a keyword's argument; some keywords depend on others of the same schema. */
export type Keyword = (argument: unknown, schema: Doc) => Rule;

const JSON_TYPES: Record<string, number[]> = {
  object: [TYPE.object],
  array: [TYPE.array],
  number: [TYPE.int, TYPE.long, TYPE.double, TYPE.decimal],
  boolean: [TYPE.bool],
  string: [TYPE.string],
  null: [TYPE.null],
};

export function mistake(
  keyword: string,
  expected: string,
  code: 'TypeMismatch' | 'FailedToParse' = 'TypeMismatch',
): ServerError {
  return new ServerError(code, `$jsonSchema keyword '${keyword}' must be ${expected}`);
}

export function strings(keyword: string, argument: unknown): string[] {
  if (!Array.isArray(argument) || !argument.every((item): item is string => typeof item === 'string'))
    throw mistake(keyword, 'an array of strings');
  if (argument.length === 0) throw mistake(keyword, 'a non-empty array', 'FailedToParse');
  if (new Set(argument).size < argument.length)
    throw mistake(keyword, 'an array of unique strings', 'FailedToParse');
  return argument;
}

export function count(keyword: string, argument: unknown): number {
  const number = toNumber(argument);
  if (number === undefined || !Number.isInteger(number) || number < 0)
    throw mistake(keyword, 'a non-negative integer', 'FailedToParse');
  return number;
}

/** A rule that only speaks about values of one kind. */
export function about(
  applies: (value: unknown) => boolean,
  keyword: string,
  argument: unknown,
  holds: (value: never) => boolean,
  reason: string,
): Rule {
  return (value) =>
    value === undefined || !applies(value) || holds(value as never)
      ? undefined
      : { operatorName: keyword, specifiedAs: { [keyword]: argument }, reason, consideredValue: value };
}

export const isText = (value: unknown): boolean => typeof value === 'string';

export function limit(
  keyword: string,
  applies: (value: unknown) => boolean,
  sizeOf: (value: never) => number,
  reason: string,
): Keyword {
  return (argument) => {
    const bound = count(keyword, argument);
    const least = keyword.startsWith('min');
    return about(
      applies,
      keyword,
      argument,
      (value) => (least ? sizeOf(value) >= bound : sizeOf(value) <= bound),
      reason,
    );
  };
}

export function bound(keyword: 'minimum' | 'maximum', exclusive: string): Keyword {
  return (argument, schema) => {
    if (!isNumeric(argument)) throw mistake(keyword, 'a number');
    const strict = schema[exclusive] === true;
    const limitValue = numericValue(argument);
    return about(
      isNumeric,
      keyword,
      argument,
      (value) => {
        const number = numericValue(value);
        if (strict && number === limitValue) return false;
        return keyword === 'minimum' ? number >= limitValue : number <= limitValue;
      },
      'comparison failed',
    );
  };
}

export function typeRule(keyword: 'bsonType' | 'type'): Keyword {
  return (argument) => {
    const names = Array.isArray(argument) ? argument : [argument];
    for (const name of names) {
      if (typeof name !== 'string') throw mistake(keyword, 'a string or an array of strings');
      if (keyword === 'type' && name === 'integer')
        throw new ServerError('FailedToParse', "$jsonSchema type 'integer' is not currently supported.");
      if (keyword === 'type' && !Object.hasOwn(JSON_TYPES, name))
        throw new ServerError('BadValue', `Unknown type name alias: ${name}`);
    }
    const codes = new Set(names.flatMap((name) => JSON_TYPES[String(name)] ?? []));
    const accepts =
      keyword === 'type'
        ? (value: unknown) => codes.has(typeOf(value))
        : leafPredicate('$type', argument, { now: new Date(0) }).scalar;
    return (value) =>
      value === undefined || accepts?.(value)
        ? undefined
        : {
            operatorName: keyword,
            specifiedAs: { [keyword]: argument },
            reason: 'type did not match',
            consideredValue: value,
            consideredType: typeName(value),
          };
  };
}
