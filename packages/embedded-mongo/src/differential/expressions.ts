import fc from 'fast-check';
import { type Document, Int32 } from 'mongodb';
import { scalar } from './values.ts';

const operand: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('$a', '$b', '$c', '$_id', '$a.x', '$b.x', '$b.y') },
  { weight: 3, arbitrary: scalar },
);

const one = (name: string) => operand.map((argument): Document => ({ [name]: argument }));
const two = (name: string) => fc.tuple(operand, operand).map((args): Document => ({ [name]: args }));
const int = (min: number, max: number) => fc.integer({ min, max }).map((n) => new Int32(n));

/** One operator on fields and constants. Type errors are wanted too: their codes are compared. */
export const expression: fc.Arbitrary<unknown> = fc.oneof(
  operand,
  ...['$add', '$subtract', '$multiply', '$divide', '$mod'].map(two),
  ...['$cmp', '$eq', '$gt', '$lte', '$and', '$or', '$ifNull', '$concat', '$in', '$concatArrays'].map(two),
  ...['$setUnion', '$setIntersection', '$setDifference', '$mergeObjects', '$max', '$min', '$sum', '$avg'].map(
    two,
  ),
  ...['$not', '$abs', '$ceil', '$floor', '$size', '$isArray', '$type', '$toString', '$toInt', '$toBool'].map(
    one,
  ),
  ...[
    '$sum',
    '$avg',
    '$max',
    '$first',
    '$last',
    '$reverseArray',
    '$objectToArray',
    '$toUpper',
    '$strLenCP',
  ].map(one),
  ...['$isNumber', '$toDouble', '$trunc', '$sqrt', '$year', '$toLong', '$allElementsTrue'].map(one),
  fc.tuple(operand, operand, operand).map((args) => ({ $cond: args })),
  fc.tuple(operand, int(-2, 2)).map((args) => ({ $arrayElemAt: args })),
  fc.tuple(operand, int(-2, 2)).map((args) => ({ $slice: args })),
  fc.tuple(operand, operand).map((args) => ({ $indexOfArray: args })),
  fc.tuple(operand, operand).map(([input, low]) => ({ $filter: { input, cond: { $gte: ['$$this', low] } } })),
  operand.map((input) => ({ $map: { input, as: 'e', in: { x: '$$e', y: '$c' } } })),
  operand.map((input) => ({
    $reduce: { input, initialValue: new Int32(0), in: { $add: ['$$value', '$$this'] } },
  })),
  fc.tuple(operand, operand).map(([x, y]) => ({ x, y })),
  fc.tuple(operand, operand).map((items) => items),
);
