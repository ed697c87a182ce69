import fc from 'fast-check';
import { type Document, Int32 } from 'mongodb';
import { expression } from './expressions.ts';
import { filter, sort } from './filters.ts';
import { scalar } from './values.ts';

const top = fc.constantFrom('a', 'b', 'c');
const path = fc.constantFrom('a', 'b', 'c', 'a.x', 'b.x');

/** Accumulators whose result does not depend on the order of the documents. */
const accumulator: fc.Arbitrary<Document> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('$sum', '$avg', '$min', '$max', '$stdDevPop'),
      fc.oneof(
        path.map((at) => `$${at}`),
        expression,
      ),
    )
    .map(([name, argument]) => ({ [name]: argument })),
  fc.constant({ $sum: new Int32(1) }),
  fc.constant({ $count: {} }),
);

const projection: fc.Arbitrary<Document> = fc.oneof(
  path.map((at) => ({ [at]: new Int32(1) })),
  path.map((at) => ({ [at]: new Int32(0) })),
  fc.tuple(top, expression).map(([at, to]) => ({ b: new Int32(1), [at]: to })),
  fc.tuple(path, expression).map(([at, to]) => ({ _id: new Int32(0), [at]: to })),
);

const byId = { $sort: { _id: new Int32(1) } };

const frame = fc.constantFrom(
  undefined,
  { documents: ['unbounded', 'current'] },
  { documents: [new Int32(-1), new Int32(1)] },
  { range: [new Int32(-1), new Int32(1)] },
);

/** Sorted by _id, so that every document has its place. */
const windowed = fc
  .tuple(
    fc.oneof(
      fc
        .tuple(
          fc.constantFrom('$sum', '$avg', '$min', '$max', '$push', '$first', '$last', '$stdDevPop'),
          fc.constantFrom('$a', '$c', '$_id'),
          frame,
        )
        .map(([name, input, window]): Document => ({ [name]: input, ...(window ? { window } : {}) })),
      fc.constantFrom<Document>(
        { $rank: {} },
        { $denseRank: {} },
        { $documentNumber: {} },
        { $shift: { output: '$c', by: new Int32(-1), default: 'none' } },
        { $locf: '$c' },
        { $derivative: { input: '$_id' }, window: { documents: [new Int32(-1), new Int32(0)] } },
        { $integral: { input: '$_id' }, window: { documents: ['unbounded', 'current'] } },
      ),
    ),
    fc.constantFrom(undefined, '$c'),
  )
  .map(([w, part]) => [
    {
      $setWindowFields: {
        ...(part ? { partitionBy: part } : {}),
        sortBy: { _id: new Int32(1) },
        output: { w },
      },
    },
    byId,
  ]);

const stage: fc.Arbitrary<readonly Document[]> = fc.oneof(
  filter.map((test) => [{ $match: test }]),
  expression.map((test) => [{ $match: { $expr: test } }]),
  projection.map((shape) => [{ $project: shape }]),
  fc
    .tuple(fc.constantFrom('$addFields', '$set'), fc.constantFrom('a', 'c', 'a.x', 'b.y', 'd.e'), expression)
    .map(([name, at, to]) => [{ [name]: { [at]: to } }]),
  path.map((at) => [{ $unset: at }]),
  fc
    .tuple(
      fc.oneof(
        path.map((at) => `$${at}`),
        expression,
      ),
      accumulator,
      accumulator,
    )
    .map(([_id, m, n]) => [{ $group: { _id, m, n } }]),
  fc.tuple(path, fc.boolean(), fc.boolean()).map(([at, keep, index]) => [
    {
      $unwind: {
        path: `$${at}`,
        preserveNullAndEmptyArrays: keep,
        ...(index ? { includeArrayIndex: 'i' } : {}),
      },
    },
  ]),
  fc.tuple(sort, fc.integer({ min: 1, max: 3 })).map(([by, n]) => [{ $sort: by }, { $limit: new Int32(n) }]),
  fc.tuple(sort, fc.integer({ min: 1, max: 3 })).map(([by, n]) => [{ $sort: by }, { $skip: new Int32(n) }]),
  // Over nothing, see the known differences, some servers count 0.
  fc.constant([{ $count: 'n' }, { $match: { n: { $gt: new Int32(0) } } }]),
  fc.constantFrom('$a', '$b', { x: '$a', y: '$c' }).map((newRoot) => [{ $replaceRoot: { newRoot } }]),
  fc
    .tuple(path, path)
    .map(([localField, foreignField]) => [
      byId,
      { $lookup: { from: 'items', localField, foreignField, as: 'found' } },
      { $addFields: { found: { $size: '$found' } } },
    ]),
  scalar.map((low) => [
    {
      $lookup: {
        from: 'items',
        let: { v: '$a' },
        pipeline: [{ $match: { $expr: { $gte: ['$a', '$$v'] } } }, { $match: { c: { $gte: low } } }, byId],
        as: 'found',
      },
    },
  ]),
  fc.constant([{ $unionWith: 'items' }]),
  fc.constant([{ $sortByCount: '$c' }]),
  windowed,
  fc.tuple(fc.constantFrom('$_id', '$c'), fc.integer({ min: 1, max: 3 })).map(([groupBy, buckets]) => [
    {
      $bucketAuto: {
        groupBy,
        buckets: new Int32(buckets),
        output: { m: { $min: '$c' }, n: { $sum: new Int32(1) } },
      },
    },
  ]),
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('full', [new Int32(0), new Int32(5)]))
    .map(([step, bounds]) => [{ $densify: { field: '_id', range: { step: new Int32(step), bounds } } }]),
  fc
    .constantFrom({ value: 'none' }, { method: 'locf' })
    .map((how) => [{ $fill: { sortBy: { _id: new Int32(1) }, output: { b: how } } }]),
  fc.tuple(path, path).map(([connectFromField, connectToField]) => [
    byId,
    {
      $graphLookup: {
        from: 'items',
        startWith: '$a',
        connectFromField,
        connectToField,
        as: 'found',
        maxDepth: new Int32(2),
      },
    },
    { $addFields: { found: { $size: '$found' } } },
  ]),
  expression.map((test) => [{ $redact: { $cond: [test, '$$KEEP', '$$PRUNE'] } }]),
  fc.constantFrom('$a', '$b', { $ifNull: ['$b', {}] }).map((to) => [{ $replaceWith: to }]),
  filter.map((test) => [
    { $facet: { all: [{ $sort: { _id: new Int32(1) } }], some: [{ $match: test }, byId] } },
  ]),
  fc.constant([
    { $bucket: { groupBy: '$a', boundaries: [new Int32(0), new Int32(1), new Int32(3)], default: 'other' } },
  ]),
);

export const pipeline: fc.Arbitrary<Document[]> = fc
  .array(stage, { minLength: 1, maxLength: 3 })
  .map((stages) => stages.flat());
