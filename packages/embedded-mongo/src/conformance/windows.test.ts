import type { Document } from 'mongodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { fails, useServer } from './server.ts';

const server = useServer();

beforeEach(async () => {
  await server.items.insertMany([
    { _id: 1, g: 'a', n: 1, v: 10, d: new Date('2024-01-01') },
    { _id: 2, g: 'a', n: 3, v: null, d: new Date('2024-01-02') },
    { _id: 3, g: 'b', n: 3, v: 2.5, d: new Date('2024-01-05') },
    { _id: 4, g: 'a', n: 6, v: 40, d: new Date('2024-01-09') },
    { _id: 5, g: 'b', n: 8, d: new Date('2024-02-01') },
  ]);
});

const run = (...stages: Document[]) => server.items.aggregate(stages).toArray();

/** The values of one output field, in the order of _id. */
async function windowed(spec: Document, output: Document): Promise<unknown[]> {
  const found = await run({ $setWindowFields: { ...spec, output: { w: output } } }, { $sort: { _id: 1 } });
  return found.map(({ w }) => w);
}

describe('$setWindowFields', () => {
  test.each<[Document, Document, unknown[]]>([
    [{ sortBy: { n: 1 } }, { $rank: {} }, [1, 2, 2, 4, 5]],
    [{ sortBy: { n: 1 } }, { $denseRank: {} }, [1, 2, 2, 3, 4]],
    [{ partitionBy: '$g', sortBy: { n: 1 } }, { $documentNumber: {} }, [1, 2, 1, 3, 2]],
    [{ partitionBy: '$g' }, { $sum: '$n' }, [10, 10, 11, 10, 11]],
    [
      { sortBy: { _id: 1 } },
      { $sum: '$n', window: { documents: ['unbounded', 'current'] } },
      [1, 4, 7, 13, 21],
    ],
    [
      { sortBy: { _id: 1 } },
      { $push: '$n', window: { documents: [-1, 0] } },
      [[1], [1, 3], [3, 3], [3, 6], [6, 8]],
    ],
    [{ sortBy: { n: 1 } }, { $sum: '$n', window: { range: [-2, 2] } }, [7, 7, 7, 14, 14]],
    [{ sortBy: { d: 1 } }, { $sum: '$n', window: { range: [-4, 0], unit: 'day' } }, [1, 4, 7, 9, 8]],
    [{ sortBy: { _id: 1 } }, { $shift: { output: '$n', by: 1, default: 'none' } }, [3, 3, 6, 8, 'none']],
    [{ sortBy: { _id: 1 } }, { $locf: '$v' }, [10, 10, 2.5, 40, 40]],
    [{ sortBy: { _id: 1 } }, { $linearFill: '$v' }, [10, 6.25, 2.5, 40, null]],
    [
      { sortBy: { d: 1 } },
      { $derivative: { input: '$n', unit: 'day' }, window: { documents: [-1, 0] } },
      [null, 2, 0, 0.75, 2 / 23],
    ],
    [
      { sortBy: { _id: 1 } },
      { $integral: { input: '$n' }, window: { documents: ['unbounded', 'current'] } },
      [0, 2, 5, 9.5, 16.5],
    ],
    [{ sortBy: { _id: 1 } }, { $covariancePop: ['$n', '$_id'] }, [3.4, 3.4, 3.4, 3.4, 3.4]],
    [{ sortBy: { _id: 1 } }, { $minN: { input: '$n', n: 2 } }, Array.from({ length: 5 }, () => [1, 3])],
  ])('%j %j', async (spec, output, expected) => {
    expect(await windowed(spec, output)).toEqual(expected);
  });

  test('$derivative between equal values is null', async (context) => {
    server.needs('equalSortValues', context);
    const output = { $derivative: { input: '$_id' }, window: { documents: [-1, 0] } };
    expect(await windowed({ sortBy: { n: 1 } }, output)).toEqual([null, 0.5, null, 1 / 3, 0.5]);
  });

  test('$expMovingAvg weighs the last values more', async () => {
    const values = await windowed({ sortBy: { _id: 1 } }, { $expMovingAvg: { input: '$n', N: 2 } });
    expect(values.map((value) => Math.round((value as number) * 1000))).toEqual([
      1000, 2333, 2778, 4926, 6975,
    ]);
  });

  test.for<[Document, number]>([
    [{ output: { w: { $sum: '$n', window: { documents: [-1, 1] } } } }, 5339901],
    [{ sortBy: { n: 1 }, output: { w: { $sum: '$n', window: { documents: [1, -1] } } } }, 5339900],
    [{ sortBy: { n: 1, _id: 1 }, output: { w: { $rank: {} } } }, 5371602],
    [{ sortBy: { g: 1 }, output: { w: { $sum: '$n', window: { range: [-1, 1] } } } }, 5429414],
    ...(
      [
        ['g', { $derivative: { input: '$n' } }, 5624902],
        ['d', { $derivative: { input: '$n' } }, 5624901],
        ['n', { $derivative: { input: '$n', unit: 'day' } }, 5624900],
        ['n', { $derivative: { input: '$v' } }, 5624903],
        ['d', { $integral: { input: '$n' } }, 5423902],
        ['n', { $integral: { input: '$n', unit: 'day' } }, 5423901],
      ] as const
    ).map(([field, w, code]): [Document, number] => [
      { sortBy: { [field]: 1 }, output: { w: { ...w, window: { documents: [-1, 0] } } } },
      code,
    ]),
  ])('%j: %i', async ([spec, code], context) => {
    server.needs('codes', context);
    expect(await fails(run({ $setWindowFields: spec }))).toEqual({ code });
  });

  test.each<[Document, number]>([
    [{ sortBy: { n: 1 }, output: { w: { $nope: '$n' } } }, 9],
    [{ sortBy: { n: 1 } }, 40414],
    [{ sortBy: { n: 1 }, foo: 1, output: {} }, 40415],
    [{ partitionBy: ['$g'], output: { w: { $sum: 1 } } }, 14],
  ])('%j: %i', async (spec, code) => {
    expect(await fails(run({ $setWindowFields: spec }))).toEqual({ code });
  });
});

describe('gaps', () => {
  test('$densify makes what is missing', async () => {
    const found = await run(
      { $densify: { field: 'n', partitionByFields: ['g'], range: { step: 2, bounds: 'partition' } } },
      { $project: { _id: 0, g: 1, n: 1 } },
      { $sort: { g: 1, n: 1 } },
    );
    expect(found.map(({ g, n }) => `${g}${n}`)).toEqual(['a1', 'a3', 'a5', 'a6', 'b3', 'b5', 'b7', 'b8']);
  });

  test('$densify goes through dates', async () => {
    const found = await run(
      { $densify: { field: 'd', range: { step: 1, unit: 'week', bounds: 'full' } } },
      { $match: { _id: { $exists: false } } },
    );
    expect(found.map(({ d }) => (d as Date).toISOString().slice(5, 10))).toEqual([
      '01-08',
      '01-15',
      '01-22',
      '01-29',
    ]);
  });

  test('$fill takes values from before, from between, or as they are given', async () => {
    const filled = async (how: Document): Promise<unknown[]> =>
      (await run({ $fill: { sortBy: { _id: 1 }, output: { v: how } } }, { $sort: { _id: 1 } })).map(
        ({ v }) => v,
      );
    expect(await filled({ method: 'locf' })).toEqual([10, 10, 2.5, 40, 40]);
    expect(await filled({ method: 'linear' })).toEqual([10, 6.25, 2.5, 40, null]);
    expect(await filled({ value: 0 })).toEqual([10, 0, 2.5, 40, 0]);
  });
});

describe('$bucketAuto', () => {
  test('makes buckets of one size, with equal values together', async () => {
    expect(await run({ $bucketAuto: { groupBy: '$n', buckets: 2 } })).toEqual([
      { _id: { min: 1, max: 6 }, count: 3 },
      { _id: { min: 6, max: 8 }, count: 2 },
    ]);
  });

  test('rounds to preferred numbers', async () => {
    expect(await run({ $bucketAuto: { groupBy: '$n', buckets: 2, granularity: 'POWERSOF2' } })).toEqual([
      { _id: { min: 0.5, max: 4 }, count: 3 },
      { _id: { min: 4, max: 16 }, count: 2 },
    ]);
  });
});

test('$graphLookup follows nulls, but not what is missing', async () => {
  const found = await run(
    { $sort: { _id: 1 } },
    {
      $graphLookup: {
        from: server.items.collectionName,
        startWith: '$v',
        connectFromField: 'x',
        connectToField: 'n',
        as: 'f',
      },
    },
    { $project: { f: { $size: '$f' } } },
  );
  expect(found.map(({ f }) => f)).toEqual([0, 0, 0, 0, 0]);
});
