import { EJSON } from 'bson';
import { Binary, Decimal128, type Document, Double, Int32, Long, Timestamp } from 'mongodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { fails, useServer } from './server.ts';

const server = useServer();

const decimal = (text: string): Decimal128 => Decimal128.fromString(text);
const typed = { promoteValues: false, bsonRegExp: true } as const;

beforeEach(async () => {
  await server.items.insertOne({
    _id: 1,
    d: new Date('2024-03-10T08:30:15.123Z'),
    s: 'héllo wörld',
    n: new Int32(5),
    none: null,
  });
});

/** The value of an expression on the document above, as canonical extended JSON. */
async function evaluated(expression: unknown): Promise<string> {
  const [found] = await server.items.aggregate([{ $project: { _id: 0, v: expression } }], typed).toArray();
  return EJSON.stringify(found?.v, { relaxed: false });
}

const json = (value: unknown): string => EJSON.stringify(value, { relaxed: false });

describe('numbers', () => {
  test.each<[Document, unknown]>([
    [{ $add: [new Int32(2_147_483_647), new Int32(1)] }, Long.fromNumber(2_147_483_648)],
    [{ $add: [decimal('1.10'), new Double(2)] }, decimal('3.10000000000000')],
    [{ $multiply: [decimal('1.10'), new Int32(2)] }, decimal('2.20')],
    [{ $divide: [decimal('1'), new Int32(3)] }, decimal('0.3333333333333333333333333333333333')],
    [{ $mod: [decimal('7.5'), new Int32(2)] }, decimal('1.5')],
    [{ $eq: [decimal('0.1'), new Double(0.1)] }, false],
    [{ $lt: [decimal('0.1'), new Double(0.1)] }, true],
    [{ $eq: [decimal('9007199254740993'), Long.fromString('9007199254740993')] }, true],
    [{ $ceil: decimal('-1.5') }, decimal('-1')],
    [{ $round: [decimal('2.5')] }, decimal('2')],
    [{ $round: [new Double(2.675), new Int32(2)] }, new Double(2.68)],
    [{ $round: [new Int32(12_345), new Int32(-2)] }, new Int32(12_300)],
    [{ $trunc: [new Double(-2.567), new Int32(1)] }, new Double(-2.5)],
    [{ $abs: decimal('-1.50') }, decimal('1.50')],
    [{ $sqrt: decimal('2') }, decimal('1.414213562373095048801688724209698')],
    [{ $exp: decimal('1') }, decimal('2.718281828459045235360287471352662')],
    [{ $ln: decimal('10') }, decimal('2.302585092994045684017991454684364')],
    [{ $log: [decimal('8'), new Int32(2)] }, decimal('3')],
    [{ $pow: [new Int32(2), new Int32(62)] }, Long.fromString('4611686018427387904')],
    [{ $pow: [new Int32(2), new Int32(-1)] }, new Double(0.5)],
    [{ $acos: new Int32(-1) }, new Double(Math.PI)],
    [{ $bitAnd: ['$n', Long.fromNumber(3)] }, Long.fromNumber(1)],
    [{ $bitAnd: [] }, new Int32(-1)],
    [{ $bitXor: ['$n', '$none'] }, null],
    [{ $bitNot: '$n' }, new Int32(-6)],
    [{ $toDecimal: new Double(0.1) }, decimal('0.100000000000000')],
    [{ $toLong: '9007199254740993' }, Long.fromString('9007199254740993')],
  ])('%j', async (expression, expected) => {
    expect(await evaluated(expression)).toBe(json(expected));
  });

  test('an average of decimals is a decimal', async (context) => {
    server.needs('averages', context);
    expect(await evaluated({ $avg: [decimal('1.10'), new Int32(1)] })).toBe(json(decimal('1.05')));
  });
});

describe('dates', () => {
  const at = (text: string): Date => new Date(text);
  test.each<[Document, unknown]>([
    [{ $year: '$d' }, new Int32(2024)],
    [{ $hour: { date: '$d', timezone: 'Asia/Kolkata' } }, new Int32(14)],
    [{ $hour: { date: '$d', timezone: '+0530' } }, new Int32(14)],
    [{ $isoWeekYear: '$d' }, Long.fromNumber(2024)],
    [{ $isoDayOfWeek: '$d' }, new Int32(7)],
    [{ $week: '$d' }, new Int32(10)],
    [{ $dayOfYear: '$none' }, null],
    [
      { $dateToString: { date: '$d', format: '%U %V %G %u %w %j %z %Z', timezone: 'America/New_York' } },
      '10 10 2024 7 1 070 -0400 -240',
    ],
    [{ $dateToString: { date: '$none', onNull: 'no date' } }, 'no date'],
    [
      { $dateFromString: { dateString: '2017-02-08T12:10:40.787', timezone: 'America/New_York' } },
      at('2017-02-08T17:10:40.787Z'),
    ],
    [{ $dateFromString: { dateString: '06-15-2018', format: '%m-%d-%Y' } }, at('2018-06-15T00:00:00Z')],
    [{ $dateFromString: { dateString: 'x', onError: 'bad' } }, 'bad'],
    [{ $dateFromParts: { year: 2017, month: 14, day: 1, hour: 12 } }, at('2018-02-01T12:00:00Z')],
    [{ $dateFromParts: { isoWeekYear: 2017, isoWeek: 6, isoDayOfWeek: 3 } }, at('2017-02-08T00:00:00Z')],
    [{ $dateAdd: { startDate: at('2024-01-31'), unit: 'month', amount: 1 } }, at('2024-02-29')],
    [
      {
        $dateAdd: {
          startDate: at('2024-03-30T01:30:00Z'),
          unit: 'day',
          amount: 1,
          timezone: 'Europe/Berlin',
        },
      },
      at('2024-03-31T01:30:00Z'),
    ],
    [{ $dateSubtract: { startDate: '$d', unit: 'week', amount: 2 } }, at('2024-02-25T08:30:15.123Z')],
    [{ $dateDiff: { startDate: at('2020-01-01'), endDate: '$d', unit: 'week' } }, Long.fromNumber(219)],
    [{ $dateDiff: { startDate: at('2023-12-31'), endDate: '$d', unit: 'year' } }, Long.fromNumber(1)],
    [{ $dateTrunc: { date: '$d', unit: 'week', binSize: 2, startOfWeek: 'monday' } }, at('2024-02-26')],
    [
      { $dateTrunc: { date: '$d', unit: 'hour', binSize: 5, timezone: 'Asia/Kolkata' } },
      at('2024-03-10T04:30:00Z'),
    ],
  ])('%j', async (expression, expected) => {
    expect(await evaluated(expression)).toBe(json(expected));
  });

  test('$dateToParts', async () => {
    expect(JSON.parse(await evaluated({ $dateToParts: { date: '$d', iso8601: true } }))).toMatchObject({
      isoWeekYear: { $numberInt: '2024' },
      isoWeek: { $numberInt: '10' },
      millisecond: { $numberInt: '123' },
    });
  });
});

describe('strings and arrays', () => {
  test.each<[Document, unknown]>([
    [{ $arrayElemAt: [[1, 2], -1] }, new Int32(2)],
    [{ $size: { $concatArrays: [{ $range: [0, 300_000] }, { $range: [0, 1] }] } }, new Int32(300_001)],
    [{ $size: { $setUnion: [{ $range: [0, 300_000] }] } }, new Int32(300_000)],
  ])('%j', async (expression, expected) => {
    expect(await evaluated(expression)).toBe(json(expected));
  });
});

test('$trim takes off what counts as white space there', async (context) => {
  server.needs('whiteSpace', context);
  expect(await evaluated({ $trim: { input: '\t\0 a\u3000\u00a0' } })).toBe(json('a\u3000'));
});

describe('regular expressions', () => {
  test.each<[Document, unknown]>([
    [{ $regexMatch: { input: '$s', regex: 'HÉ', options: 'i' } }, true],
    [{ $regexMatch: { input: '$none', regex: 'a' } }, false],
    [{ $regexFind: { input: '$s', regex: '\\bw(.)' } }, { match: 'wö', idx: new Int32(6), captures: ['ö'] }],
    [{ $regexFind: { input: '$s', regex: '[[:digit:]]' } }, null],
    [
      { $regexFindAll: { input: 'aXb', regex: 'x*', options: 'i' } },
      [
        { match: '', idx: new Int32(0), captures: [] },
        { match: 'X', idx: new Int32(1), captures: [] },
        { match: '', idx: new Int32(2), captures: [] },
      ],
    ],
  ])('%j', async (expression, expected) => {
    expect(await evaluated(expression)).toBe(json(expected));
  });
});

describe('conversions', () => {
  test.each<[Document, unknown]>([
    [
      { $convert: { input: 'aGVsbG8=', to: { type: 'binData' }, format: 'base64' } },
      new Binary(Buffer.from('hello')),
    ],
    [{ $convert: { input: '$s', to: 'int', onError: 'bad' } }, 'bad'],
    [{ $convert: { input: '$none', to: 'int', onNull: 'none' } }, 'none'],
    [{ $toDate: '2020-01-01T10:00:00' }, new Date('2020-01-01T10:00:00Z')],
    [{ $tsSecond: { $literal: new Timestamp({ t: 5, i: 1 }) } }, Long.fromNumber(5)],
  ])('%j', async (expression, expected) => {
    expect(await evaluated(expression)).toBe(json(expected));
  });
});

describe('refusals', () => {
  test.for<[Document, number]>([
    [{ $year: 'x' }, 16006],
    [{ $year: { date: '$d', timezone: 5 } }, 40533],
    [{ $year: { date: '$d', timezone: 'Mars/X' } }, 40485],
    [{ $year: { date: '$d', foo: 1 } }, 40535],
    [{ $year: [] }, 40536],
    [{ $dateFromParts: { month: 1 } }, 40516],
    [{ $dateToString: { date: '$d', format: '%q' } }, 18536],
    [{ $dateAdd: { startDate: 'x', unit: 'day', amount: 1 } }, 5166403],
    [{ $dateAdd: { startDate: '$d', unit: 5, amount: 1 } }, 5166404],
    [{ $dateDiff: { startDate: '$d', endDate: '$d' } }, 5166305],
    [{ $dateTrunc: { date: '$d', unit: 'day', binSize: 0 } }, 5439018],
    [{ $regexMatch: { input: 5, regex: 'a' } }, 51104],
    [{ $regexMatch: { input: '$s', regex: '(' } }, 51111],
    [{ $sin: 'a' }, 28765],
    [{ $acos: 2 }, 50989],
    [{ $ln: 0 }, 28766],
    [{ $sqrt: -1 }, 28714],
    [{ $pow: [0, -1] }, 28764],
    [{ $rand: 1 }, 3040501],
    [{ $map: { input: [] } }, 16882],
    [{ $convert: { input: 'a', to: { type: 'binData' } } }, 4341115],
    [{ $range: [0, 2 ** 31 - 1] }, 146],
    [{ $range: [0, 2 ** 31] }, 34446],
    [{ $arrayElemAt: [[1], 2 ** 31] }, 28691],
    [{ $filter: { input: [1], cond: true, limit: 1.5 } }, 327391],
    [{ $filter: { input: [1], cond: true, limit: 0 } }, 327392],
    [{ $substrCP: ['$s', 0.5, 1] }, 34451],
    [{ $zip: { inputs: '$s' } }, 34461],
    [{ $zip: { inputs: [[1]], defaults: 1, useLongestLength: true } }, 34462],
    [{ $zip: { inputs: [[1]], useLongestLength: 1 } }, 34463],
    [{ $zip: { inputs: [] } }, 34465],
    [{ $zip: { inputs: [[1]], defaults: [0] } }, 34466],
    [{ $zip: { inputs: [[1]], defaults: [0, 0], useLongestLength: true } }, 34467],
    [{ $zip: { inputs: ['$n', '$none'] } }, 34468],
  ])('%j: %i', async ([expression, code], context) => {
    server.needs('codes', context);
    expect(await fails(server.items.aggregate([{ $project: { v: expression } }]).toArray())).toEqual({
      code,
    });
  });
});
