import { ServerError } from '../errors.ts';
import { int } from '../values/arithmetic.ts';
import { type DateParts, datePartsOf, isoYearStart } from '../values/calendar.ts';
import { fromLocal, type TimeZone, timeZone, UTC, utcInstant } from '../values/time-zone.ts';
import { isDoc, Long, ObjectId, Timestamp, toNumber } from '../values/types.ts';
import { type Builder, type Builders, describeType, isMissing, named } from './arguments.ts';
import type { Compiler, Expression, Scope } from './compile.ts';
import { checkFormat, formatDate, readAnyDate, readDate } from './date-format.ts';

/** The instant of a date, or of what says one: a timestamp, an object id. */
export function instantOf(value: unknown): number | undefined {
  if (value instanceof Date) return value.getTime();
  if (value instanceof ObjectId) return value.getTimestamp().getTime();
  if (value instanceof Timestamp) return value.getHighBitsUnsigned() * 1000;
  return undefined;
}

export function demandInstant(value: unknown): number {
  const instant = instantOf(value);
  if (instant === undefined)
    throw new ServerError(16006, `can't convert from BSON type ${describeType(value)} to Date`);
  return instant;
}

/** The zone that an argument names: UTC if it is not given, null if it is null or missing. */
export function zoneArgument(
  argument: unknown,
  compiler: Compiler,
  code = 40517,
): (scope: Scope) => TimeZone | null {
  if (argument === undefined) return () => UTC;
  // A constant that is no zone is refused before any document comes.
  if (typeof argument === 'string' && !argument.startsWith('$')) {
    const zone = timeZone(argument);
    return () => zone;
  }
  const compiled = compiler.compile(argument);
  return (scope) => {
    const name = compiled(scope);
    if (isMissing(name)) return null;
    if (typeof name !== 'string')
      throw new ServerError(code, `timezone must evaluate to a string, found ${describeType(name)}`);
    return timeZone(name);
  };
}

/** `{$year: date}`, `{$year: [date]}` or `{$year: {date, timezone}}`. */
function part(name: string, pick: (parts: DateParts) => unknown): Builders {
  const build: Builder = (argument, compiler) => {
    let date: Expression;
    let zone: (scope: Scope) => TimeZone | null = () => UTC;
    if (isDoc(argument) && !Object.keys(argument)[0]?.startsWith('$')) {
      for (const key of Object.keys(argument))
        if (key !== 'date' && key !== 'timezone')
          throw new ServerError(40535, `unrecognized option to ${name}: "${key}"`);
      if (!('date' in argument)) throw new ServerError(40539, `missing 'date' argument to ${name}`);
      date = compiler.compile(argument.date);
      zone = zoneArgument(argument.timezone, compiler, 40533);
    } else if (Array.isArray(argument)) {
      if (argument.length !== 1)
        throw new ServerError(
          40536,
          `${name} accepts exactly one argument if given an array, but was given ${argument.length}`,
        );
      date = compiler.compile(argument[0]);
    } else date = compiler.compile(argument);
    return (scope) => {
      const value = date(scope);
      if (isMissing(value)) return null;
      const instant = demandInstant(value);
      const at = zone(scope);
      return at && pick(datePartsOf(instant, at));
    };
  };
  return { [name]: build };
}

const dateToParts = named(
  '$dateToParts',
  { notObject: 40524, unknown: 40520, missing: 40522 },
  ['date'],
  ['timezone', 'iso8601'],
  (fields, compiler) => {
    const date = compiler.compile(fields.date);
    const zone = zoneArgument(fields.timezone, compiler);
    const iso = fields.iso8601 === undefined ? () => false : compiler.compile(fields.iso8601);
    return (scope) => {
      const at = zone(scope);
      if (!at) return null;
      const wantsIso = iso(scope);
      if (isMissing(wantsIso)) return null;
      if (typeof wantsIso !== 'boolean')
        throw new ServerError(40521, `iso8601 must evaluate to a bool, found ${describeType(wantsIso)}`);
      const value = date(scope);
      if (isMissing(value)) return null;
      const { year, month, day, isoWeekYear, isoWeek, isoDayOfWeek, hour, minute, second, millisecond } =
        datePartsOf(demandInstant(value), at);
      const days = wantsIso ? { isoWeekYear, isoWeek, isoDayOfWeek } : { year, month, day };
      return Object.fromEntries(
        Object.entries({ ...days, hour, minute, second, millisecond }).map(([key, n]) => [key, int(n)]),
      );
    };
  },
);

const NATURAL = ['year', 'month', 'day'] as const;
const ISO = ['isoWeekYear', 'isoWeek', 'isoDayOfWeek'] as const;
const TIME = ['hour', 'minute', 'second', 'millisecond'] as const;

const dateFromParts: Builder = (argument, compiler) => {
  if (!isDoc(argument))
    throw new ServerError(40519, '$dateFromParts only supports an object as its argument');
  const known: string[] = [...NATURAL, ...ISO, ...TIME, 'timezone'];
  for (const key of Object.keys(argument))
    if (!known.includes(key)) throw new ServerError(40518, `Unrecognized argument to $dateFromParts: ${key}`);
  const iso = 'isoWeekYear' in argument;
  if (!iso && !('year' in argument))
    throw new ServerError(40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present");
  if ((iso ? NATURAL : ISO).some((key) => key in argument))
    throw new ServerError(
      iso ? 40489 : 40525,
      '$dateFromParts does not allow mixing natural dates with ISO dates.',
    );
  const fields = [...TIME, ...(iso ? ISO : NATURAL)].map(
    (name) => [name, name in argument ? compiler.compile(argument[name]) : undefined] as const,
  );
  const zone = zoneArgument(argument.timezone, compiler);
  return (scope) => {
    const parts: Record<string, number> = {};
    for (const [name, expression] of fields) {
      const fallback = /^(hour|minute|second|millisecond)$/.test(name) ? 0 : 1;
      const value = expression ? expression(scope) : int(fallback);
      if (isMissing(value)) return null;
      const number = toNumber(value);
      if (number === undefined || !Number.isInteger(number))
        throw new ServerError(40515, `'${name}' must evaluate to an integer, found ${describeType(value)}`);
      const bounded = !/^(year|isoWeekYear|second|millisecond)$/.test(name);
      if (bounded && (number < -32_768 || number > 32_767))
        throw new ServerError(31034, `'${name}' must evaluate to a value in the range [-32768, 32767]`);
      parts[name] = number;
    }
    const at = zone(scope);
    if (!at) return null;
    const { year = 1, month = 1, day = 1, isoWeekYear = 1, isoWeek = 1, isoDayOfWeek = 1 } = parts;
    const [code, given] = iso ? [31095, isoWeekYear] : [40523, year];
    if (given < 1 || given > 9999)
      throw new ServerError(
        code,
        `'${iso ? 'isoWeekYear' : 'year'}' must evaluate to an integer in the range 1 to 9999, found ${given}`,
      );
    const start = iso
      ? isoYearStart(isoWeekYear) + ((isoWeek - 1) * 7 + isoDayOfWeek - 1) * 86_400_000
      : utcInstant(year, month, day);
    const { hour = 0, minute = 0, second = 0, millisecond = 0 } = parts;
    const local = start + hour * 3_600_000 + minute * 60_000 + second * 1000 + millisecond;
    const instant = fromLocal(local, at);
    if (Number.isNaN(new Date(instant).getTime()))
      throw new ServerError('DurationOverflow', 'the resulting date is out of range');
    return new Date(instant);
  };
};

/** A `format` argument: undefined if not given, null if it is null or missing. */
function formatArgument(
  argument: unknown,
  compiler: Compiler,
  code: number,
  reading: boolean,
): (scope: Scope) => string | null | undefined {
  if (argument === undefined) return () => undefined;
  const compiled = compiler.compile(argument);
  return (scope) => {
    const format = compiled(scope);
    if (isMissing(format)) return null;
    if (typeof format !== 'string')
      throw new ServerError(code, `'format' must be a string, found: ${describeType(format)}`);
    checkFormat(format, reading);
    return format;
  };
}

const optional = (argument: unknown, compiler: Compiler): Expression | undefined =>
  argument === undefined ? undefined : compiler.compile(argument);

const dateToString = named(
  '$dateToString',
  { notObject: 18629, unknown: 18534, missing: 18628 },
  ['date'],
  ['format', 'timezone', 'onNull'],
  (fields, compiler) => {
    const date = compiler.compile(fields.date);
    const formatOf = formatArgument(fields.format, compiler, 18533, false);
    if (typeof fields.format === 'string' && !fields.format.startsWith('$'))
      checkFormat(fields.format, false);
    const zone = zoneArgument(fields.timezone, compiler);
    const onNull = optional(fields.onNull, compiler);
    return (scope) => {
      const value = date(scope);
      const format = formatOf(scope);
      const at = zone(scope);
      if (isMissing(value)) return onNull ? onNull(scope) : null;
      if (!at || format === null) return null;
      return formatDate(format ?? `%Y-%m-%dT%H:%M:%S.%L${at.utc ? 'Z' : ''}`, demandInstant(value), at);
    };
  },
);

const dateFromString = named(
  '$dateFromString',
  { notObject: 40540, unknown: 40541, missing: 40542 },
  ['dateString'],
  ['format', 'timezone', 'onNull', 'onError'],
  (fields, compiler) => {
    const input = compiler.compile(fields.dateString);
    const formatOf = formatArgument(fields.format, compiler, 40684, true);
    if (typeof fields.format === 'string' && !fields.format.startsWith('$')) checkFormat(fields.format, true);
    const zone = zoneArgument(fields.timezone, compiler);
    const [onNull, onError] = [optional(fields.onNull, compiler), optional(fields.onError, compiler)];
    return (scope) => {
      const text = input(scope);
      const format = formatOf(scope);
      const at = zone(scope);
      if (isMissing(text)) return onNull ? onNull(scope) : null;
      try {
        if (typeof text !== 'string')
          throw new ServerError(
            'ConversionFailure',
            `$dateFromString requires that 'dateString' be a string, found: ${describeType(text)}`,
          );
        if (!at || format === null) return null;
        return format === undefined ? readAnyDate(text, at) : readDate(text, format, at);
      } catch (error) {
        if (onError && error instanceof ServerError && error.codeName === 'ConversionFailure')
          return onError(scope);
        throw error;
      }
    };
  },
);

export const DATES: Builders = {
  ...part('$year', ({ year }) => int(year)),
  ...part('$month', ({ month }) => int(month)),
  ...part('$dayOfMonth', ({ day }) => int(day)),
  ...part('$dayOfYear', ({ dayOfYear }) => int(dayOfYear)),
  ...part('$dayOfWeek', ({ dayOfWeek }) => int(dayOfWeek)),
  ...part('$hour', ({ hour }) => int(hour)),
  ...part('$minute', ({ minute }) => int(minute)),
  ...part('$second', ({ second }) => int(second)),
  ...part('$millisecond', ({ millisecond }) => int(millisecond)),
  ...part('$week', ({ week }) => int(week)),
  ...part('$isoWeek', ({ isoWeek }) => int(isoWeek)),
  ...part('$isoDayOfWeek', ({ isoDayOfWeek }) => int(isoDayOfWeek)),
  ...part('$isoWeekYear', ({ isoWeekYear }) => Long.fromNumber(isoWeekYear)),
  ...dateToParts,
  $dateFromParts: dateFromParts,
  ...dateToString,
  ...dateFromString,
};
