import fc from 'fast-check';
import { type Document, Double, Int32 } from 'mongodb';
import { scalar } from './values.ts';

const operand: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('$a', '$b', '$c', '$_id', '$a.x', '$b.x', '$b.y') },
  { weight: 3, arbitrary: scalar },
);

const text = fc.constantFrom('$c', '$a', 'a', 'aBa', 'b a');
const date = fc.oneof(fc.constantFrom('$c', '$a'), fc.constantFrom(new Date(0), new Date(1_710_059_415_123)));
const zone = fc.constantFrom('UTC', '+05:30', 'Europe/Berlin', 'America/New_York');
const unit = fc.constantFrom('year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second');

const one = (name: string) => operand.map((argument): Document => ({ [name]: argument }));
const two = (name: string) => fc.tuple(operand, operand).map((args): Document => ({ [name]: args }));
const int = (min: number, max: number) => fc.integer({ min, max }).map((n) => new Int32(n));

const plain: fc.Arbitrary<unknown> = fc.oneof(
  operand,
  ...['$add', '$subtract', '$multiply', '$divide', '$mod', '$pow', '$bitAnd', '$bitOr', '$bitXor'].map(two),
  ...['$cmp', '$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$and', '$or', '$ifNull', '$concat'].map(two),
  ...['$in', '$concatArrays', '$setUnion', '$setIntersection', '$setDifference', '$setIsSubset'].map(two),
  ...['$setEquals', '$mergeObjects', '$max', '$min', '$sum', '$avg', '$strcasecmp', '$split'].map(two),
  ...['$not', '$abs', '$ceil', '$floor', '$size', '$isArray', '$type', '$toString', '$toInt', '$toBool'].map(
    one,
  ),
  ...['$sum', '$avg', '$max', '$min', '$first', '$last', '$reverseArray', '$objectToArray', '$toUpper'].map(
    one,
  ),
  ...['$toLower', '$strLenCP', '$strLenBytes', '$isNumber', '$toDouble', '$trunc', '$round', '$sqrt'].map(
    one,
  ),
  ...[
    '$year',
    '$toLong',
    '$toDecimal',
    '$allElementsTrue',
    '$anyElementTrue',
    '$bitNot',
    '$arrayToObject',
  ].map(one),
  ...['$stdDevPop', '$bsonSize', '$binarySize', '$toDate', '$literal'].map(one),
);

const shaped: fc.Arbitrary<unknown> = fc.oneof(
  fc.tuple(operand, operand, operand).map((args) => ({ $cond: args })),
  fc.tuple(operand, operand, operand).map(([test, yes, no]) => ({
    // biome-ignore lint/suspicious/noThenProperty: the operator's own name for it
    $switch: { branches: [{ case: { $gt: [test, new Int32(1)] }, then: yes }], default: no },
  })),
  fc.tuple(operand, int(-2, 2)).map((args) => ({ $arrayElemAt: args })),
  fc.tuple(operand, int(-2, 2)).map((args) => ({ $slice: args })),
  fc.tuple(operand, int(-2, 2), int(1, 2)).map((args) => ({ $slice: args })),
  fc.tuple(operand, operand).map((args) => ({ $indexOfArray: args })),
  fc
    .tuple(int(-2, 2), int(-2, 3), fc.constantFrom(new Int32(1), new Int32(2), new Int32(-1)))
    .map((args) => ({ $range: args })),
  fc.tuple(operand, operand).map(([input, low]) => ({ $filter: { input, cond: { $gte: ['$$this', low] } } })),
  operand.map((input) => ({ $map: { input, as: 'e', in: { x: '$$e', y: '$c' } } })),
  operand.map((input) => ({
    $reduce: { input, initialValue: new Int32(0), in: { $add: ['$$value', '$$this'] } },
  })),
  fc.tuple(operand, operand, fc.boolean()).map(([x, y, longest]) => ({
    $zip: { inputs: [x, y], ...(longest ? { useLongestLength: true } : {}) },
  })),
  fc
    .tuple(operand, fc.constantFrom(new Int32(1), new Int32(-1)))
    .map(([input, sortBy]) => ({ $sortArray: { input, sortBy } })),
  fc
    .tuple(fc.constantFrom('$firstN', '$lastN', '$maxN', '$minN'), operand, int(1, 2))
    .map(([name, input, n]) => ({ [name]: { input, n } })),
  fc
    .tuple(fc.constantFrom('$trim', '$ltrim', '$rtrim'), operand)
    .map(([name, input]) => ({ [name]: { input, chars: 'a' } })),
  fc
    .tuple(fc.constantFrom('$replaceOne', '$replaceAll'), text)
    .map(([name, input]) => ({ [name]: { input, find: 'a', replacement: 'é' } })),
  fc
    .tuple(
      fc.constantFrom('$regexMatch', '$regexFind', '$regexFindAll'),
      text,
      fc.constantFrom('a', '(a)(b)?', '^A', '[[:alpha:]]+'),
    )
    .map(([name, input, regex]) => ({ [name]: { input, regex, options: 'i' } })),
  fc
    .tuple(fc.constantFrom('$substrCP', '$substrBytes'), text, int(0, 2), int(0, 2))
    .map(([name, ...args]) => ({ [name]: args })),
  fc
    .tuple(fc.constantFrom('$indexOfCP', '$indexOfBytes'), text, fc.constantFrom('a', 'B'))
    .map(([name, ...args]) => ({ [name]: args })),
  fc.tuple(operand, operand).map(([v, w]) => ({ $let: { vars: { v }, in: { $ifNull: ['$$v', w] } } })),
  fc.tuple(operand, operand).map(([input, value]) => ({ $setField: { field: 'x', input, value } })),
  operand.map((input) => ({ $getField: { field: 'x', input } })),
  fc
    .tuple(operand, fc.constantFrom('int', 'double', 'string', 'bool', 'long', 'decimal', 'date'))
    .map(([input, to]) => ({
      $convert: { input, to, onError: 'bad', onNull: 'none' },
    })),
  fc
    .tuple(fc.oneof(operand, fc.constantFrom(new Double(2.675), new Double(-1234.5))), int(-2, 2))
    .map((args) => ({ $round: args })),
  fc.tuple(operand, operand).map(([x, y]) => ({ x, y })),
  fc.tuple(operand, operand).map((items) => items),
);

const dated: fc.Arbitrary<unknown> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        '$year',
        '$month',
        '$dayOfMonth',
        '$dayOfYear',
        '$dayOfWeek',
        '$hour',
        '$minute',
        '$week',
        '$isoWeek',
        '$isoWeekYear',
        '$isoDayOfWeek',
        '$millisecond',
      ),
      date,
      zone,
    )
    .map(([name, given, timezone]) => ({ [name]: { date: given, timezone } })),
  fc
    .tuple(date, zone, fc.constantFrom('%Y-%m-%dT%H:%M:%S.%L%z', '%j %U %V %G %u %w'))
    .map(([given, timezone, format]) => ({
      $dateToString: { date: given, format, timezone },
    })),
  fc
    .tuple(date, zone, fc.boolean())
    .map(([given, timezone, iso8601]) => ({ $dateToParts: { date: given, timezone, iso8601 } })),
  fc
    .tuple(fc.constantFrom('$dateAdd', '$dateSubtract'), date, unit, int(-3, 14), zone)
    .map(([name, startDate, by, amount, timezone]) => ({
      [name]: { startDate, unit: by, amount, timezone },
    })),
  fc
    .tuple(
      date,
      date,
      unit.filter((by) => by !== 'hour'),
      zone,
    )
    .map(([startDate, endDate, by, timezone]) => ({
      $dateDiff: { startDate, endDate, unit: by, timezone },
    })),
  fc.tuple(date, unit, int(1, 3), zone).map(([given, by, binSize, timezone]) => ({
    $dateTrunc: { date: given, unit: by, binSize, timezone },
  })),
  fc.tuple(int(1999, 2001), int(-1, 14), int(-1, 40), zone).map(([year, month, day, timezone]) => ({
    $dateFromParts: { year, month, day, timezone },
  })),
);

/** One operator on fields and constants. Type errors are wanted too: their codes are compared. */
export const expression: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: plain },
  { weight: 4, arbitrary: shaped },
  { weight: 1, arbitrary: dated },
);
