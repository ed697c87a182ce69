import fc from 'fast-check';
import { type Document, Int32 } from 'mongodb';
import { expression } from './expressions.ts';
import { filter, filterOfOne, sort } from './filters.ts';
import { pipeline } from './pipelines.ts';
import { filteredModification, modification, replacement } from './updates.ts';
import { document, id, path, scalar } from './values.ts';

/** A collection with indexes and documents, and what is then asked of it. The collection is always `items`. */
export interface Sequence {
  indexes: Document[];
  documents: Document[];
  commands: Document[];
}

const direction = fc.constantFrom(1, -1).map((n) => new Int32(n));

/** Two paths of one index lead into different fields only if one holds no arrays; see the known differences. */
const indexed: fc.Arbitrary<string[]> = fc.oneof(
  path.map((at) => [at]),
  fc.constant(null).map((): string[] => ['c', '_id', 'a']),
  fc.tuple(path, fc.boolean()).map(([at, first]) => {
    const other = at === 'c' ? 'a' : 'c';
    return first ? [at, other] : [other, at];
  }),
);

const index: fc.Arbitrary<Document> = fc
  .tuple(
    indexed,
    fc.tuple(direction, direction, direction),
    fc.constantFrom('', '', '', 'unique', 'sparse', 'partial', 'exists'),
    scalar,
  )
  .map(([paths, ways, kind, low]) => ({
    key: Object.fromEntries(paths.map((at, i) => [at, ways[i]])),
    name: paths.map((at, i) => `${at}_${ways[i]?.value}`).join('_'),
    ...(kind === 'unique' || kind === 'sparse' ? { [kind]: true } : {}),
    ...(kind === 'partial' ? { partialFilterExpression: { c: { $gte: low } } } : {}),
    ...(kind === 'exists' ? { partialFilterExpression: { a: { $exists: true } }, unique: true } : {}),
  }));

const projection: fc.Arbitrary<Document> = fc.oneof(
  path.map((at) => ({ [at]: new Int32(1) })),
  path.map((at) => ({ [at]: new Int32(0) })),
  path.map((at) => ({ [at]: new Int32(1), _id: new Int32(0) })),
  fc
    .tuple(fc.constantFrom('a', 'b'), fc.integer({ min: -2, max: 2 }))
    .map(([at, n]) => ({ [at]: { $slice: new Int32(n) } })),
  fc.tuple(fc.constantFrom('a', 'b'), scalar).map(([at, low]) => ({ [at]: { $elemMatch: { $gte: low } } })),
  fc.tuple(fc.constantFrom('a', 'b'), scalar).map(([at, x]) => ({ [at]: { $elemMatch: { x } } })),
  fc.tuple(path, expression).map(([at, to]) => ({ c: new Int32(1), [at === 'c' ? 'd' : at]: to })),
);

const small = fc.integer({ min: 0, max: 3 }).map((n) => new Int32(n));

/** Of the kinds of collation that every ICU orders alike. */
const collation = fc.constantFrom(
  { locale: 'en', strength: new Int32(1) },
  { locale: 'en', strength: new Int32(2) },
  { locale: 'en', caseLevel: true, strength: new Int32(1) },
);

const find: fc.Arbitrary<Document> = fc
  .record({ filter, sort, projection, skip: small, limit: small }, { requiredKeys: ['filter', 'sort'] })
  .map((options) => ({ find: 'items', ...options }));

/** Plain comparisons only: a collation changes nothing else, and not every server gets through all operators. */
const collated: fc.Arbitrary<Document> = fc
  .tuple(
    fc.constantFrom('a', 'c', 'b.x'),
    fc.oneof(
      scalar,
      fc.constantFrom('$gt', '$lte').chain((name) => scalar.map((value) => ({ [name]: value }))),
      fc.array(scalar, { minLength: 1, maxLength: 2 }).map(($in) => ({ $in })),
    ),
    sort,
    collation,
  )
  .map(([at, test, order, chosen]) => ({
    find: 'items',
    filter: { [at]: test },
    sort: order,
    collation: chosen,
  }));

/** These make the documents on their path in an upsert; see the known differences. */
const removes = (change: unknown): boolean =>
  /\$(pull|pullAll|pop|unset|rename)"/.test(JSON.stringify(change));

const update = fc.oneof(
  fc
    .tuple(filterOfOne, modification, fc.boolean())
    .map(([q, u, upsert]) => ({ q, u, ...(upsert && !removes(u) ? { upsert } : {}) })),
  fc.tuple(filter, modification).map(([q, u]) => ({ q, u, multi: true })),
  fc
    .tuple(filterOfOne, replacement, fc.boolean())
    .map(([q, u, upsert]) => ({ q, u, ...(upsert ? { upsert } : {}) })),
  fc.tuple(filterOfOne, filteredModification).map(([q, change]) => ({ q, ...change })),
  fc
    .tuple(id, scalar, fc.constantFrom('$set', '$inc'), scalar)
    .map(([_id, element, name, to]) => ({ q: { _id, a: element }, u: { [name]: { 'a.$': to } } })),
);

const remove = fc.oneof(
  filterOfOne.map((q) => ({ q, limit: new Int32(1) })),
  filter.map((q) => ({ q, limit: new Int32(0) })),
);

const findAndModify: fc.Arbitrary<Document> = fc
  .tuple(
    filter,
    sort,
    fc.oneof(
      modification.map((change) => ({ update: change })),
      replacement.map((change) => ({ update: change })),
      fc.constant({ remove: true }),
    ),
    fc.boolean(),
    fc.option(path, { nil: undefined }),
  )
  .map(([query, order, change, after, field]) => ({
    findAndModify: 'items',
    query,
    sort: order,
    ...change,
    ...(after && !('remove' in change) ? { new: true } : {}),
    ...(field ? { fields: { [field]: new Int32(1) } } : {}),
  }));

const command: fc.Arbitrary<Document> = fc.oneof(
  { weight: 6, arbitrary: find },
  { weight: 1, arbitrary: collated },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.array(document, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([documents, ordered]) => ({ insert: 'items', documents, ordered })),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.array(update, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([updates, ordered]) => ({ update: 'items', updates, ordered })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(remove, { minLength: 1, maxLength: 2 }), fc.boolean())
      .map(([deletes, ordered]) => ({ delete: 'items', deletes, ordered })),
  },
  { weight: 2, arbitrary: findAndModify },
  {
    weight: 2,
    arbitrary: fc
      .record(
        // Without a condition some servers only estimate.
        { query: filter.map((q) => ({ _id: { $exists: true }, ...q })), skip: small, limit: small },
        { requiredKeys: ['query'] },
      )
      .map((options) => ({ count: 'items', ...options })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(path, filter).map(([key, query]) => ({ distinct: 'items', key, query })),
  },
  {
    weight: 6,
    arbitrary: pipeline.map((stages) => ({ aggregate: 'items', pipeline: stages, cursor: {} })),
  },
);

export const sequence: fc.Arbitrary<Sequence> = fc.record({
  indexes: fc.array(index, { maxLength: 2 }),
  documents: fc.uniqueArray(document, { maxLength: 6, selector: (doc) => doc._id.value }),
  commands: fc.array(command, { minLength: 1, maxLength: 6 }),
});
