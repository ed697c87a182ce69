import { ServerError } from '../errors.ts';
import { timeUnit } from '../expression/date-arithmetic.ts';
import { encodeComponent } from '../indexes/key.ts';
import { sortKey } from '../query/sort.ts';
import { arithmetic } from '../values/arithmetic.ts';
import { addUnits, type TimeUnit } from '../values/calendar.ts';
import { compareValues } from '../values/compare.ts';
import { compareNumeric } from '../values/numbers.ts';
import { UTC } from '../values/time-zone.ts';
import { type Doc, isDoc, isNumeric, toNumber, typeName, typeOf } from '../values/types.ts';
import { compileValues } from './shape.ts';
import type { StageCompiler, Stream } from './stage.ts';

interface Range {
  step: unknown;
  unit: TimeUnit | undefined;
  bounds: 'full' | 'partition' | [unknown, unknown];
}

/** What one stage may make of nothing. */
const MOST_GENERATED = 500_000;

function refuseUnknown(
  spec: Doc,
  where: string,
  known: readonly string[],
  required: readonly string[],
): void {
  for (const key of Object.keys(spec))
    if (!known.includes(key))
      throw new ServerError(40415, `BSON field '${where}.${key}' is an unknown field.`);
  for (const key of required)
    if (!(key in spec))
      throw new ServerError(40414, `BSON field '${where}.${key}' is missing but a required field`);
}

function parseRange(value: unknown, partitions: number): Range {
  if (!isDoc(value))
    throw new ServerError(
      'TypeMismatch',
      "BSON field '$densify.range' is the wrong type, expected type 'object'",
    );
  refuseUnknown(value, '$densify.range', ['step', 'unit', 'bounds'], ['step', 'bounds']);
  const { step, bounds } = value;
  if (!isNumeric(step) || compareNumeric(step, 0) <= 0)
    throw new ServerError(
      5733401,
      'the step parameter in a range statement must be a strictly positive numeric value',
    );
  let unit: TimeUnit | undefined;
  if (value.unit !== undefined) {
    if (typeof value.unit !== 'string')
      throw new ServerError(
        'TypeMismatch',
        "BSON field '$densify.range.unit' is the wrong type, expected type 'string'",
      );
    unit = timeUnit(value.unit, '$densify');
    if (!Number.isInteger(toNumber(step)))
      throw new ServerError(
        6586400,
        'The step parameter in a range satement must be a whole number when densifying a date range',
      );
  }
  if (bounds === 'full') return { step, unit, bounds };
  if (bounds === 'partition') {
    if (partitions === 0)
      throw new ServerError(
        5733408,
        "one may not specify the bounds as 'partition' without specifying a non-empty array of partitionByFields. You may have meant to specify 'full' bounds.",
      );
    return { step, unit, bounds };
  }
  if (typeof bounds === 'string')
    throw new ServerError(5946802, "Bounds string must either be 'full' or 'partition'");
  if (!Array.isArray(bounds))
    throw new ServerError(
      5733404,
      "the bounds in a range statement must be the string 'full', 'partition', or an ascending array of two numbers or two dates",
    );
  if (bounds.length !== 2)
    throw new ServerError(5733403, 'a bounding array in a range statement must have exactly two elements');
  const [low, high] = bounds;
  if (low instanceof Date && high instanceof Date) {
    if (!unit) throw new ServerError(5733409, 'a unit must be given to densify dates');
  } else if (isNumeric(low) && isNumeric(high)) {
    if (unit) throw new ServerError(5733409, 'numeric bounds may not have unit parameter');
    if (typeOf(low) !== typeOf(high) || typeOf(low) !== typeOf(step))
      throw new ServerError(5876900, 'Upper bound, lower bound, and step must all have the same type');
  } else
    throw new ServerError(5733406, 'a bounding array must contain either both dates or both numeric types');
  if (compareValues(low, high) > 0)
    throw new ServerError(5733402, 'the bounds in a range statement must be an ascending array');
  return { step, unit, bounds: [low, high] };
}

/** Makes documents where a field's values leave gaps. */
export const densify: StageCompiler = (argument, context) => {
  if (!isDoc(argument)) throw new ServerError(5733301, 'The $densify specification must be an object');
  refuseUnknown(argument, '$densify', ['field', 'partitionByFields', 'range'], ['field', 'range']);
  const { field, partitionByFields: parts = [] } = argument;
  if (typeof field !== 'string')
    throw new ServerError(
      'TypeMismatch',
      "BSON field '$densify.field' is the wrong type, expected type 'string'",
    );
  if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'string'))
    throw new ServerError(
      'TypeMismatch',
      "BSON field '$densify.partitionByFields' is the wrong type, expected an array of strings",
    );
  if (field.startsWith('$')) throw new ServerError(16410, "FieldPath field names may not start with '$'.");
  for (const part of parts)
    if (part === field || part.startsWith(`${field}.`) || field.startsWith(`${part}.`))
      throw new ServerError(8993000, `$densify field '${field}' and partitionByFields '${part}' overlap`);
  const range = parseRange(argument.range, parts.length);
  const { strings } = context;
  const sortField = (path: string) => ({ path, parts: path.split('.'), descending: false });
  const [byField, byParts] = [sortField(field), parts.map(sortField)];
  const make = compileValues([...parts, field]);
  const next = (value: unknown): unknown =>
    value instanceof Date
      ? new Date(addUnits(value.getTime(), range.unit ?? 'millisecond', toNumber(range.step) ?? 1, UTC))
      : arithmetic('add', value, range.step);

  return function* (input): Stream {
    const rows: { doc: Doc; key: unknown; part: unknown[] }[] = [];
    for (const doc of input) {
      if (!doc) {
        yield undefined;
        continue;
      }
      const key = sortKey(doc, byField, strings) ?? null;
      if (key !== null && !isNumeric(key) && !(key instanceof Date))
        throw new ServerError(5733201, `Densify field type must be numeric or a date, not ${typeName(key)}`);
      if (key !== null && key instanceof Date !== (range.unit !== undefined))
        throw new ServerError(6053600, 'a unit is needed to densify dates, and none for numbers');
      rows.push({ doc, key, part: byParts.map((one) => sortKey(doc, one, strings)) });
    }
    const { bounds } = range;
    rows.sort(
      (a, b) =>
        (bounds === 'partition' ? compareValues(a.part, b.part, strings) : 0) || compareValues(a.key, b.key),
    );
    let made = 0;
    /** The values that a partition has yet to have, up to (not with) a limit. */
    function* before(
      state: { part: unknown[]; value: unknown },
      isOver: (value: unknown) => boolean,
    ): Stream {
      while (!isOver(state.value)) {
        if (++made > MOST_GENERATED)
          throw new ServerError(5897900, `Generated ${made} documents in $densify, which is over the limit`);
        yield make({}, [...state.part, state.value]);
        state.value = next(state.value);
      }
    }
    const first = rows.find((row) => row.key !== null)?.key;
    const last = rows.at(-1)?.key ?? null;
    const isPast = Array.isArray(bounds)
      ? (value: unknown) => compareValues(value, bounds[1]) >= 0
      : (value: unknown) => last === null || compareValues(value, last) > 0;
    const states = new Map<string, { part: unknown[]; value: unknown }>();
    for (const { doc, key, part } of rows) {
      if (key === null) {
        yield doc;
        continue;
      }
      const id = encodeComponent(part);
      let state = states.get(id);
      if (!state) {
        state = { part, value: Array.isArray(bounds) ? bounds[0] : bounds === 'full' ? first : key };
        states.set(id, state);
      }
      yield* before(state, (value) => isPast(value) || compareValues(value, key) >= 0);
      if (compareValues(state.value, key) === 0) state.value = next(state.value);
      yield doc;
    }
    if (Array.isArray(bounds) && states.size === 0 && parts.length === 0)
      states.set('', { part: [], value: bounds[0] });
    if (bounds !== 'partition') for (const state of states.values()) yield* before(state, isPast);
  };
};
