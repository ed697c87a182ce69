import { ACCUMULATOR_EXPRESSIONS } from './accumulated.ts';
import type { Builders } from './arguments.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { ARRAYS } from './arrays.ts';
import { CONVERSIONS } from './conversions.ts';
import { DELEGATED } from './delegated.ts';
import { LOGIC } from './logic.ts';
import { OBJECTS } from './objects.ts';
import { SETS } from './sets.ts';
import { STRINGS } from './strings.ts';

/** Every operator that may stand in an expression. */
export const OPERATORS: Builders = {
  ...DELEGATED,
  ...ARITHMETIC,
  ...LOGIC,
  ...ARRAYS,
  ...SETS,
  ...OBJECTS,
  ...STRINGS,
  ...CONVERSIONS,
  ...ACCUMULATOR_EXPRESSIONS,
};
