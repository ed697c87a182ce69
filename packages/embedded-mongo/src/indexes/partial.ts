import { isOperatorDoc } from '../query/predicates.ts';
import { valuesEqual } from '../values/compare.ts';
import { type Doc, isDoc, isTruthy, TYPE, toNumber, typeOf } from '../values/types.ts';

/** Whether everything that the filter accepts is in the partial index. Sound, not complete. */
export function impliesPartial(filter: Doc, partial: Doc): boolean {
  return Object.keys(partial).every((key) => {
    const demanded = partial[key];
    if (key === '$and')
      return Array.isArray(demanded) && demanded.every((part) => isDoc(part) && impliesPartial(filter, part));
    if (key.startsWith('$')) return false;
    const given = conditionsOn(filter, key);
    if (!isOperatorDoc(demanded))
      return given.some((value) => pointsOf(value)?.every((point) => valuesEqual(point, demanded)));
    return Object.keys(demanded).every((operator) =>
      given.some((value) => implies(value, operator, demanded[operator])),
    );
  });
}

function conditionsOn(filter: Doc, path: string): unknown[] {
  const found = Object.hasOwn(filter, path) ? [filter[path]] : [];
  if (Array.isArray(filter.$and))
    for (const part of filter.$and) if (isDoc(part)) found.push(...conditionsOn(part, path));
  return found;
}

function pointsOf(condition: unknown): unknown[] | undefined {
  if (!isOperatorDoc(condition)) return typeOf(condition) === TYPE.regex ? undefined : [condition];
  if ('$eq' in condition) return [condition.$eq];
  return Array.isArray(condition.$in) ? condition.$in : undefined;
}

function implies(condition: unknown, operator: string, bound: unknown): boolean {
  const points = pointsOf(condition);
  switch (operator) {
    case '$exists':
      if (!isTruthy(bound))
        return isOperatorDoc(condition) && '$exists' in condition && !isTruthy(condition.$exists);
      if (points) return points.every((point) => point !== null);
      return (
        isOperatorDoc(condition) &&
        (('$exists' in condition && isTruthy(condition.$exists)) ||
          ['$gt', '$gte', '$lt', '$lte', '$type'].some(
            (name) => name in condition && condition[name] !== null,
          ))
      );
    case '$eq':
      return points?.every((point) => valuesEqual(point, bound)) ?? false;
    case '$in':
      return (
        (points &&
          Array.isArray(bound) &&
          points.every((point) => bound.some((value) => valuesEqual(value, point)))) ??
        false
      );
    case '$type':
      if (points) return points.every((point) => point !== null && typeMatches(point, bound));
      return isOperatorDoc(condition) && '$type' in condition && valuesEqual(condition.$type, bound);
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return isOperatorDoc(condition) && operator in condition && valuesEqual(condition[operator], bound);
    default:
      return false;
  }
}

function typeMatches(value: unknown, type: unknown): boolean {
  const wanted = Array.isArray(type) ? type : [type];
  return wanted.some((item) =>
    typeof item === 'string'
      ? TYPE[item as keyof typeof TYPE] === typeOf(value) ||
        (item === 'number' && toNumber(value) !== undefined)
      : toNumber(item) === typeOf(value),
  );
}
