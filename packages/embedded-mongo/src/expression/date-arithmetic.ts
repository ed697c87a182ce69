import { ServerError } from '../errors.ts';
import { addUnits, differenceIn, TIME_UNITS, type TimeUnit, truncateTo } from '../values/calendar.ts';
import { isNumeric, Long, toNumber } from '../values/types.ts';
import { type Builders, describeType, isMissing, named } from './arguments.ts';
import type { Compiler, Scope } from './compile.ts';
import { instantOf, zoneArgument } from './dates.ts';

export function timeUnit(value: string, name: string): TimeUnit {
  if (!TIME_UNITS.includes(value))
    throw new ServerError(
      'FailedToParse',
      `${name} parameter 'unit' value parsing failed :: unknown time unit value: ${value}`,
    );
  return value as TimeUnit;
}

function unitArgument(
  argument: unknown,
  name: string,
  compiler: Compiler,
  code: number,
): (scope: Scope) => TimeUnit | null {
  const read = (value: unknown): TimeUnit => {
    if (typeof value !== 'string')
      throw new ServerError(code, `${name} requires 'unit' to be a string, but got ${describeType(value)}`);
    return timeUnit(value, name);
  };
  if (typeof argument === 'string' && !argument.startsWith('$')) {
    const unit = read(argument);
    return () => unit;
  }
  const compiled = compiler.compile(argument);
  return (scope) => {
    const value = compiled(scope);
    return isMissing(value) ? null : read(value);
  };
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** The number of the day on which weeks begin; null if the argument is null or missing. */
function weekArgument(argument: unknown, name: string, compiler: Compiler): (scope: Scope) => number | null {
  if (argument === undefined) return () => 0;
  const compiled = compiler.compile(argument);
  return (scope) => {
    const value = compiled(scope);
    if (isMissing(value)) return null;
    if (typeof value !== 'string')
      throw new ServerError(
        5439015,
        `${name} requires 'startOfWeek' to be a string, but got ${describeType(value)}`,
      );
    const short = value.toLowerCase();
    const day = WEEKDAYS.findIndex((one) => one === short || one.slice(0, 3) === short);
    if (day < 0)
      throw new ServerError(
        5439016,
        `${name} parameter 'startOfWeek' value cannot be recognized as a day of a week: ${value}`,
      );
    return day;
  };
}

function shifting(name: '$dateAdd' | '$dateSubtract', sign: 1 | -1): Builders {
  return named(
    name,
    { notObject: 5166400, unknown: 5166401, missing: 5166402 },
    ['startDate', 'unit', 'amount'],
    ['timezone'],
    (fields, compiler) => {
      const start = compiler.compile(fields.startDate);
      const unitOf = unitArgument(fields.unit, name, compiler, 5166404);
      const amountOf = compiler.compile(fields.amount);
      const zone = zoneArgument(fields.timezone, compiler);
      return (scope) => {
        const value = start(scope);
        if (isMissing(value)) return null;
        const unit = unitOf(scope);
        if (!unit) return null;
        const amount = amountOf(scope);
        if (isMissing(amount)) return null;
        const at = zone(scope);
        if (!at) return null;
        const instant = instantOf(value);
        if (instant === undefined)
          throw new ServerError(5166403, `${name} requires startDate to be convertible to a date`);
        const number = toNumber(amount);
        if (number === undefined || !isNumeric(amount) || !Number.isInteger(number))
          throw new ServerError(5166405, `${name} expects integer amount of time units`);
        const date =
          Math.abs(number) > 1e16
            ? new Date(Number.NaN)
            : new Date(addUnits(instant, unit, sign * number, at));
        if (Number.isNaN(date.getTime()))
          throw new ServerError(5166406, `${name} overflowed the range of dates`);
        return date;
      };
    },
  );
}

/** The unit, the day that a week begins with, and the time zone; null if one of them is. */
function stepArguments(fields: Record<string, unknown>, name: string, compiler: Compiler) {
  const unitOf = unitArgument(fields.unit, name, compiler, 5439013);
  const week = weekArgument(fields.startOfWeek, name, compiler);
  const zone = zoneArgument(fields.timezone, compiler);
  return (scope: Scope) => {
    const unit = unitOf(scope);
    if (!unit) return null;
    const first = unit === 'week' ? week(scope) : 0;
    if (first === null) return null;
    const at = zone(scope);
    return at && { unit, first, at };
  };
}

const dateDiff = named(
  '$dateDiff',
  { notObject: 5166301, unknown: 5166302, missing: { startDate: 5166303, endDate: 5166304, unit: 5166305 } },
  ['startDate', 'endDate', 'unit'],
  ['timezone', 'startOfWeek'],
  (fields, compiler) => {
    const dates = (['startDate', 'endDate'] as const).map(
      (key) => [key, compiler.compile(fields[key])] as const,
    );
    const stepsOf = stepArguments(fields, '$dateDiff', compiler);
    return (scope) => {
      const values = dates.map(([key, date]) => [key, date(scope)] as const);
      if (values.some(([, value]) => isMissing(value))) return null;
      const steps = stepsOf(scope);
      if (!steps) return null;
      const { unit, first, at } = steps;
      const [start = 0, end = 0] = values.map(([key, value]) => {
        const instant = instantOf(value);
        if (instant === undefined)
          throw new ServerError(
            5166307,
            `$dateDiff requires '${key}' to be a date, but got ${describeType(value)}`,
          );
        return instant;
      });
      return Long.fromNumber(differenceIn(unit, start, end, at, first));
    };
  },
);

const dateTrunc = named(
  '$dateTrunc',
  { notObject: 5439007, unknown: 5439008, missing: { date: 5439009, unit: 5439010 } },
  ['date', 'unit'],
  ['binSize', 'timezone', 'startOfWeek'],
  (fields, compiler) => {
    const date = compiler.compile(fields.date);
    const sizeOf = fields.binSize === undefined ? undefined : compiler.compile(fields.binSize);
    const stepsOf = stepArguments(fields, '$dateTrunc', compiler);
    return (scope) => {
      const value = date(scope);
      if (isMissing(value)) return null;
      const given = sizeOf ? sizeOf(scope) : 1;
      if (isMissing(given)) return null;
      const steps = stepsOf(scope);
      if (!steps) return null;
      const { unit, first, at } = steps;
      const instant = instantOf(value);
      if (instant === undefined)
        throw new ServerError(
          5439012,
          `$dateTrunc requires 'date' to be a date, but got ${describeType(value)}`,
        );
      const size = toNumber(given);
      if (size === undefined || !Number.isInteger(size))
        throw new ServerError(
          5439017,
          `$dateTrunc requires 'binSize' to be a 64-bit integer, but got ${describeType(given)}`,
        );
      if (size <= 0)
        throw new ServerError(
          5439018,
          `$dateTrunc requires 'binSize' to be greater than 0, but got value ${size}`,
        );
      return new Date(truncateTo(unit, size, instant, at, first));
    };
  },
);

export const DATE_ARITHMETIC: Builders = {
  ...shifting('$dateAdd', 1),
  ...shifting('$dateSubtract', -1),
  ...dateDiff,
  ...dateTrunc,
};
