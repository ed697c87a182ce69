import { isOperatorDoc } from '../query/predicates.ts';
import { type Doc, isDoc, isTruthy, numericValue, regexParts, TYPE, typeOf } from '../values/types.ts';

/** What a filter says about one field, as far as an index can use it. */
export interface FieldConditions {
  /** The field equals one of these. */
  points: unknown[] | undefined;
  lower: { value: unknown; inclusive: boolean } | undefined;
  upper: { value: unknown; inclusive: boolean } | undefined;
  prefix: string | undefined;
  /** `{$type: ...}`, `$exists: true` and the like: rules out a missing field, but gives no bounds. */
  present: boolean;
}

export interface Conditions {
  fields: Map<string, FieldConditions>;
  /** All conditions of the filter are equalities and `$in`s that index points express exactly. */
  onlyPoints: boolean;
}

export function conditionsOf(filter: Doc): Conditions {
  const conditions: Conditions = { fields: new Map(), onlyPoints: true };
  readConditions(filter, conditions);
  return conditions;
}

function readConditions(filter: Doc, into: Conditions): void {
  for (const key of Object.keys(filter)) {
    const value = filter[key];
    if (key === '$and' && Array.isArray(value)) {
      into.onlyPoints = false;
      for (const part of value) if (isDoc(part)) readConditions(part, into);
    } else if (key.startsWith('$')) into.onlyPoints = key === '$comment' ? into.onlyPoints : false;
    else {
      const before = into.fields.get(key);
      const conditions: FieldConditions = before ?? {
        points: undefined,
        lower: undefined,
        upper: undefined,
        prefix: undefined,
        present: false,
      };
      into.fields.set(key, conditions);
      if (before) into.onlyPoints = false;
      if (isOperatorDoc(value)) readOperators(value, conditions, into);
      else addPoints(conditions, [value], into);
    }
  }
}

function readOperators(operators: Doc, conditions: FieldConditions, all: Conditions): void {
  if (Object.keys(operators).length > 1) all.onlyPoints = false;
  for (const operator of Object.keys(operators)) {
    const argument = operators[operator];
    // `$eq` means a regular expression itself, not what it matches.
    if (operator === '$eq' && typeOf(argument) === TYPE.regex) all.onlyPoints = false;
    else if (operator === '$eq') addPoints(conditions, [argument], all);
    else if (operator === '$in' && Array.isArray(argument)) addPoints(conditions, argument, all);
    else {
      all.onlyPoints = false;
      const rangeable = isRangeable(argument);
      if ((operator === '$gt' || operator === '$gte') && rangeable) {
        conditions.lower ??= { value: argument, inclusive: operator === '$gte' };
        conditions.present = true;
      } else if ((operator === '$lt' || operator === '$lte') && rangeable) {
        conditions.upper ??= { value: argument, inclusive: operator === '$lte' };
        conditions.present = true;
      } else if (operator === '$exists' && isTruthy(argument)) conditions.present = true;
      else if (operator === '$regex') conditions.prefix ??= regexPrefix(argument, operators.$options);
      if (operator === '$regex') conditions.present = true;
    }
  }
}

function isRangeable(value: unknown): boolean {
  const type = typeOf(value);
  if (type === TYPE.double && Number.isNaN(numericValue(value))) return false;
  return (
    type !== TYPE.array &&
    type !== TYPE.regex &&
    type !== TYPE.null &&
    type !== TYPE.minKey &&
    type !== TYPE.maxKey &&
    type !== TYPE.undefined
  );
}

function addPoints(conditions: FieldConditions, values: unknown[], all: Conditions): void {
  if (values.length === 1 && typeOf(values[0]) === TYPE.regex) {
    conditions.prefix ??= regexPrefix(values[0], undefined);
    conditions.present = true;
    all.onlyPoints = false;
    return;
  }
  // An array equals a field as a whole or one of its elements, and a regex matches strings: no points.
  if (
    values.some(
      (value) =>
        typeOf(value) === TYPE.array || typeOf(value) === TYPE.regex || typeOf(value) === TYPE.undefined,
    )
  ) {
    all.onlyPoints = false;
    return;
  }
  const hasNull = values.some((value) => value === null);
  if (hasNull) all.onlyPoints = false;
  else conditions.present = true;
  conditions.points ??= values;
}

/** `/^abc/` as the prefix `abc`, if the expression starts with plain characters at the start of the string. */
function regexPrefix(value: unknown, options: unknown): string | undefined {
  const { pattern, flags } = typeof value === 'string' ? { pattern: value, flags: '' } : regexParts(value);
  if (flags !== '' || (options !== undefined && options !== '')) return undefined;
  const found = /^\^([A-Za-z0-9 _\-@:/]+)(.*)$/s.exec(pattern);
  const literal = found?.[1];
  if (literal === undefined || pattern.includes('|')) return undefined;
  return /^[*?{+]/.test(found?.[2] ?? '') ? literal.slice(0, -1) || undefined : literal;
}
