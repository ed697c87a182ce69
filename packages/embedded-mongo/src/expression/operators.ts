import { ACCUMULATOR_EXPRESSIONS } from './accumulated.ts';
import type { Builders } from './arguments.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { ARRAYS } from './arrays.ts';
import { BINARY_DATA } from './binary-data.ts';
import { BITS } from './bits.ts';
import { CONVERSIONS } from './conversions.ts';
import { DATE_ARITHMETIC } from './date-arithmetic.ts';
import { DATES } from './dates.ts';
import { LOGIC } from './logic.ts';
import { OBJECTS } from './objects.ts';
import { REGEX } from './regex.ts';
import { SETS } from './sets.ts';
import { STRINGS } from './strings.ts';
import { TRIGONOMETRY } from './trigonometry.ts';

/** Every operator that may stand in an expression. */
export const OPERATORS: Builders = {
  ...BINARY_DATA,
  ...BITS,
  ...DATES,
  ...DATE_ARITHMETIC,
  ...REGEX,
  ...TRIGONOMETRY,
  ...ARITHMETIC,
  ...LOGIC,
  ...ARRAYS,
  ...SETS,
  ...OBJECTS,
  ...STRINGS,
  ...CONVERSIONS,
  ...ACCUMULATOR_EXPRESSIONS,
};
