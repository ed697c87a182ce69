import { Context, evalExpr } from 'mingo/core';
import * as accumulators from 'mingo/operators/accumulator';
import * as expressions from 'mingo/operators/expression';
import { ServerError } from '../errors.ts';
import { fromPlain, toPlain } from '../values/codec.ts';
import { isDoc } from '../values/types.ts';
import type { Builder, Builders } from './arguments.ts';

/** Operators that mingo evaluates: it sees plain numbers, and its whole numbers come back as ints or longs. */
const NAMES = [
  '$acos',
  '$acosh',
  '$asin',
  '$asinh',
  '$atan',
  '$atan2',
  '$atanh',
  '$bitAnd',
  '$bitNot',
  '$bitOr',
  '$bitXor',
  '$cos',
  '$cosh',
  '$dateAdd',
  '$dateDiff',
  '$dateFromParts',
  '$dateFromString',
  '$dateSubtract',
  '$dateToParts',
  '$dateToString',
  '$dateTrunc',
  '$dayOfMonth',
  '$dayOfWeek',
  '$dayOfYear',
  '$degreesToRadians',
  '$hour',
  '$isoDayOfWeek',
  '$isoWeek',
  '$isoWeekYear',
  '$millisecond',
  '$minute',
  '$month',
  '$radiansToDegrees',
  '$rand',
  '$regexFind',
  '$regexFindAll',
  '$regexMatch',
  '$second',
  '$sigmoid',
  '$sin',
  '$sinh',
  '$tan',
  '$tanh',
  '$week',
  '$year',
] as const;

const operators = Object.fromEntries(
  Object.entries({ ...accumulators, ...expressions }).filter(([name]) => name.startsWith('$')),
) as Record<string, never>;
const context = Context.init({ expression: operators });

/** Operators on a date alone; the argument may also be `{date, timezone}`. */
const OF_DATES = /^\$(year|month|dayOf|hour|minute|second|millisecond|week|iso)/;

/** What `mingo` throws is plain text; the most likely of MongoDB's codes stands for it. */
function failed(name: string, error: unknown): never {
  if (error instanceof ServerError) throw error;
  const message = error instanceof Error ? error.message : String(error);
  throw new ServerError(OF_DATES.test(name) ? 16006 : 'BadValue', message);
}

const literal = (value: unknown) => ({ $literal: value === undefined ? null : toPlain(value) });

function delegate(name: string): Builder {
  return (argument, compiler) => {
    const fields = isDoc(argument) && !Object.keys(argument).some((key) => key.startsWith('$'));
    const compiled = compiler.compile(argument);
    return (scope) => {
      const value = compiled(scope);
      if (OF_DATES.test(name)) {
        const listed = Array.isArray(argument) && Array.isArray(value);
        const [date] = listed ? value : [fields && isDoc(value) ? value.date : value];
        if (Array.isArray(date)) throw new ServerError(16006, `can't convert from BSON type array to Date`);
        if (date === null || date === undefined) return null;
      }
      const list = Array.isArray(argument) && Array.isArray(value);
      const given = list
        ? value.map(literal)
        : fields && isDoc(value)
          ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, literal(item)]))
          : literal(value);
      try {
        return fromPlain(
          evalExpr({} as never, { [name]: given } as never, { context, scriptEnabled: false } as never),
        );
      } catch (error) {
        return failed(name, error);
      }
    };
  };
}

export const DELEGATED: Builders = Object.fromEntries(NAMES.map((name) => [name, delegate(name)]));
