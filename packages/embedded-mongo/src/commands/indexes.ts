import { ServerError } from '../errors.ts';
import { describeIndex, type IndexSpec, sameOptions, samePattern } from '../indexes/spec.ts';
import { compileFilter } from '../query/filter.ts';
import type { Task } from '../task.ts';
import { valuesEqual } from '../values/compare.ts';
import { type Doc, Int32, isDoc, isTruthy, toNumber } from '../values/types.ts';
import { listing } from './collections.ts';
import { type Command, namespaceOf, type Reply, type Request } from './command.ts';

const INDEX_FIELDS = [
  'key',
  'name',
  'unique',
  'sparse',
  'background',
  'partialFilterExpression',
  'expireAfterSeconds',
  'v',
  'collation',
  'hidden',
  'prepareUnique',
  'ns',
];

function parseIndex(definition: unknown): Omit<IndexSpec, 'ident'> {
  if (!isDoc(definition))
    throw new ServerError('TypeMismatch', 'The elements of the indexes array must be objects');
  for (const name of Object.keys(definition)) {
    if (
      [
        'weights',
        'default_language',
        'textIndexVersion',
        '2dsphereIndexVersion',
        'wildcardProjection',
        'storageEngine',
        'bits',
        'min',
        'max',
      ].includes(name)
    ) {
      throw new ServerError(
        'CannotCreateIndex',
        `index option '${name}' is not supported by the embedded engine`,
      );
    }
  }
  const unknown = Object.keys(definition).find((name) => !INDEX_FIELDS.includes(name));
  if (unknown)
    throw new ServerError(
      'InvalidIndexSpecificationOption',
      `The field '${unknown}' is not valid for an index specification. Specification: ${JSON.stringify(definition)}`,
    );
  const key = definition.key;
  if (!isDoc(key))
    throw new ServerError(
      'FailedToParse',
      "The 'key' field is a required property of an index specification",
    );
  const paths = Object.keys(key);
  if (paths.length === 0) throw new ServerError('CannotCreateIndex', 'Index keys cannot be an empty object');
  if (typeof definition.name !== 'string')
    throw new ServerError(
      'FailedToParse',
      "The 'name' field is a required property of an index specification",
    );
  const fields = paths.map((path) => {
    const direction = toNumber(key[path]);
    if (typeof key[path] === 'string')
      throw new ServerError(
        'CannotCreateIndex',
        `Unknown index plugin or one that the embedded engine does not have: '${key[path]}'`,
      );
    if (direction === undefined || direction === 0 || Number.isNaN(direction))
      throw new ServerError(
        'CannotCreateIndex',
        `Values in v:2 index key pattern must be a number > 0, a number < 0, or a string. Got ${JSON.stringify(key[path])}`,
      );
    if (path === '' || path.split('.').includes('') || path.startsWith('$'))
      throw new ServerError('CannotCreateIndex', `Index key contains an illegal field name: '${path}'.`);
    if (path.split('.').includes('$**'))
      throw new ServerError('CannotCreateIndex', 'wildcard indexes are not supported by the embedded engine');
    return { path, parts: path.split('.'), descending: direction < 0 };
  });
  const collation = definition.collation;
  if (isDoc(collation) && collation.locale !== 'simple')
    throw new ServerError('CannotCreateIndex', 'index collations are not supported by the embedded engine');
  if (isTruthy(definition.hidden) && paths.length === 1 && paths[0] === '_id')
    throw new ServerError('BadValue', "can't hide _id index");
  const partial = definition.partialFilterExpression;
  if (partial !== undefined) {
    if (!isDoc(partial))
      throw new ServerError('TypeMismatch', "The field 'partialFilterExpression' must be an object");
    compileFilter(partial, { now: new Date(0) });
    if (isTruthy(definition.sparse))
      throw new ServerError('CannotCreateIndex', 'cannot mix "partialFilterExpression" and "sparse" options');
  }
  const expiry = definition.expireAfterSeconds;
  const expireAfterSeconds = toNumber(expiry);
  if (expiry !== undefined) {
    if (expireAfterSeconds === undefined || expireAfterSeconds < 0 || expireAfterSeconds > 0x7fffffff)
      throw new ServerError(
        'CannotCreateIndex',
        `TTL index 'expireAfterSeconds' option must be within an acceptable range, not ${String(expiry)}`,
      );
    if (paths.length > 1 || paths[0] === '_id')
      throw new ServerError(
        'CannotCreateIndex',
        'TTL indexes are single-field indexes, compound indexes and _id do not support TTL',
      );
  }
  return {
    name: definition.name,
    fields,
    keyPattern: key,
    hidden: isTruthy(definition.hidden),
    prepareUnique: isTruthy(definition.prepareUnique),
    unique: isTruthy(definition.unique),
    sparse: isTruthy(definition.sparse),
    partialFilterExpression: isDoc(partial) ? partial : undefined,
    expireAfterSeconds,
    multikey: false,
    hasLongKeys: false,
  };
}

/** The existing index that makes a new one unnecessary; throws if one stands in its way. */
function existingFor(wanted: IndexSpec, existing: readonly IndexSpec[]): IndexSpec | undefined {
  const samePath = existing.find(
    (index) =>
      samePattern(index.keyPattern, wanted.keyPattern) &&
      (index.name === wanted.name || sameOptions(index, wanted)),
  );
  const sameName = existing.find((index) => index.name === wanted.name);
  if (sameName && !samePattern(sameName.keyPattern, wanted.keyPattern)) {
    throw new ServerError(
      'IndexKeySpecsConflict',
      `An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation. Requested index: ${JSON.stringify(describeIndex(wanted))}, existing index: ${JSON.stringify(describeIndex(sameName))}`,
    );
  }
  if (sameName && !sameOptions(sameName, wanted)) {
    throw new ServerError(
      sameName.unique !== wanted.unique ||
        sameName.sparse !== wanted.sparse ||
        !valuesEqual(sameName.partialFilterExpression ?? null, wanted.partialFilterExpression ?? null)
        ? 'IndexKeySpecsConflict'
        : 'IndexOptionsConflict',
      `An equivalent index already exists with the same name but different options. Requested index: ${JSON.stringify(describeIndex(wanted))}, existing index: ${JSON.stringify(describeIndex(sameName))}`,
    );
  }
  if (!samePath) return undefined;
  if (samePath.name === '_id_') return samePath;
  if (samePath.name !== wanted.name) {
    throw new ServerError(
      'IndexOptionsConflict',
      `Index already exists with a different name: ${samePath.name}`,
    );
  }
  return samePath;
}

export const createIndexes: Command = {
  fields: ['indexes', 'commitQuorum', 'ignoreUnknownIndexOptions'],
  writes: true,
  *run(request): Task<Reply> {
    const { engine, body } = request;
    const namespace = namespaceOf(request);
    const definitions = body.indexes;
    if (body.commitQuorum !== undefined)
      throw new ServerError('BadValue', "Standalones can't specify commitQuorum");
    if (!Array.isArray(definitions) || definitions.length === 0)
      throw new ServerError('BadValue', 'Must specify at least one index to create');
    const parsed = definitions.map(parseIndex);
    const created = !engine.catalog.find(namespace);
    const collection = engine.catalog.find(namespace) ?? engine.catalog.create(namespace);
    const before = collection.indexes.length;
    for (const definition of parsed) {
      const index: IndexSpec = { ...definition, ident: '' };
      // Another request may be building this one.
      while (collection.building) yield collection.building;
      if (existingFor(index, collection.indexes)) continue;
      index.ident = engine.catalog.newIdent();
      yield* collection.buildIndex(index);
    }
    const after = collection.indexes.length;
    return {
      numIndexesBefore: new Int32(before),
      numIndexesAfter: new Int32(after),
      createdCollectionAutomatically: created,
      ...(before === after ? { note: 'all indexes already exist' } : {}),
    };
  },
};

function found(request: Request, namespace: string) {
  const collection = request.engine.catalog.find(namespace);
  if (!collection) throw new ServerError('NamespaceNotFound', `ns does not exist: ${namespace}`);
  return collection;
}

export const listIndexes: Command = {
  fields: ['cursor', 'includeBuildUUIDs', 'includeIndexBuildInfo'],
  *run(request): Task<Reply> {
    const namespace = namespaceOf(request);
    const { indexes, options } = found(request, namespace);
    const documents = indexes.map(
      (index): Doc =>
        index.name === '_id_' && isDoc(options.clusteredIndex)
          ? { ...options.clusteredIndex, clustered: true }
          : { ...describeIndex(index), v: new Int32(2) },
    );
    return yield* listing(request, namespace, documents);
  },
};

export const dropIndexes: Command = {
  fields: ['index'],
  writes: true,
  run(request) {
    const namespace = namespaceOf(request);
    const collection = found(request, namespace);
    const nIndexesWas = new Int32(collection.indexes.length);
    const wanted = request.body.index;
    const names = Array.isArray(wanted) ? wanted : [wanted];
    if (wanted === '*') {
      for (const index of collection.indexes.filter((one) => one.name !== '_id_'))
        collection.dropIndex(index);
      return { nIndexesWas, msg: 'non-_id indexes dropped for collection' };
    }
    const dropping = names.map((name) => {
      const index = collection.indexes.find((one) =>
        isDoc(name) ? samePattern(one.keyPattern, name) : one.name === name,
      );
      if (!index)
        throw new ServerError(
          'IndexNotFound',
          isDoc(name)
            ? `can't find index with key: ${JSON.stringify(name)}`
            : `index not found with name [${String(name)}]`,
        );
      if (index.name === '_id_')
        throw 'clusteredIndex' in collection.options
          ? new ServerError(5979800, 'Cannot drop clustered index')
          : new ServerError('InvalidOptions', 'cannot drop _id index');
      return index;
    });
    for (const index of dropping) collection.dropIndex(index);
    return { nIndexesWas };
  },
};
