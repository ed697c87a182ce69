import { Binary, Long } from 'bson';
import type { Source } from '../cursors.ts';
import { ServerError } from '../errors.ts';
import { compileFilter } from '../query/filter.ts';
import type { Collection } from '../storage/collection.ts';
import type { Task } from '../task.ts';
import { encode } from '../values/codec.ts';
import { valuesEqual } from '../values/compare.ts';
import { type Doc, Double, Int32, isDoc, toNumber } from '../values/types.ts';
import { cappedOptions } from './capped.ts';
import {
  type Command,
  checkNamespace,
  countField,
  docField,
  flagField,
  namespaceOf,
  type Reply,
  type Request,
  refuseUnknown,
} from './command.ts';
import { cursorReply } from './read.ts';
import { validationOptions } from './validation.ts';

function* encoded(documents: readonly Doc[]): Source {
  for (const doc of documents) yield encode(doc);
}

function* listing(request: Request, namespace: string, documents: readonly Doc[]): Task<Reply> {
  const cursor = docField(request.body, 'cursor') ?? {};
  const batch = yield* request.engine.cursors.first(
    namespace,
    encoded(documents),
    countField(cursor, 'batchSize'),
    false,
  );
  return cursorReply(batch, namespace, 'firstBatch');
}

/** Kept and shown; change streams, which would read the images, are not there. */
export function preImageOptions(body: Doc): Doc {
  const images = docField(body, 'changeStreamPreAndPostImages');
  if (!images) return {};
  refuseUnknown(images, 'changeStreamPreAndPostImages', ['enabled']);
  if (typeof images.enabled !== 'boolean')
    throw new ServerError(
      40414,
      "BSON field 'changeStreamPreAndPostImages.enabled' is missing but a required field",
    );
  return { changeStreamPreAndPostImages: { enabled: images.enabled } };
}

/** Documents are found by their _id as fast either way; the index is shown as it was asked for. */
function clusteredOptions(body: Doc): Doc {
  const index = docField(body, 'clusteredIndex');
  if (!index) return {};
  refuseUnknown(index, 'create.clusteredIndex', ['v', 'key', 'name', 'unique']);
  if (!isDoc(index.key) || Object.keys(index.key).join() !== '_id' || toNumber(index.key._id) !== 1)
    throw new ServerError(
      'InvalidIndexSpecificationOption',
      'The clusteredIndex option is only supported for key {_id: 1}',
    );
  if (!flagField(index, 'unique'))
    throw new ServerError(5979700, 'The clusteredIndex option requires unique: true to be specified');
  if (flagField(body, 'capped'))
    throw new ServerError(6049200, "The 'clusteredIndex' option is not supported with the 'capped' option");
  const name = typeof index.name === 'string' ? index.name : '_id_';
  return { clusteredIndex: { v: new Int32(2), key: { _id: new Int32(1) }, name, unique: true } };
}

export const create: Command = {
  fields: [
    'capped',
    'size',
    'max',
    'validator',
    'validationLevel',
    'validationAction',
    'collation',
    'viewOn',
    'pipeline',
    'timeseries',
    'expireAfterSeconds',
    'clusteredIndex',
    'changeStreamPreAndPostImages',
    'encryptedFields',
    'storageEngine',
    'indexOptionDefaults',
    'autoIndexId',
    'idIndex',
  ],
  writes: true,
  run(request) {
    const namespace = namespaceOf(request);
    for (const name of ['viewOn', 'pipeline', 'timeseries', 'expireAfterSeconds', 'encryptedFields']) {
      const value = request.body[name];
      if (value !== undefined && value !== false && !(isDoc(value) && Object.keys(value).length === 0)) {
        throw new ServerError(
          'InvalidOptions',
          `create option '${name}' is not supported by the embedded engine`,
        );
      }
    }
    const collation = docField(request.body, 'collation');
    if (collation && collation.locale !== 'simple')
      throw new ServerError(
        'InvalidOptions',
        "a collection's default collation is not supported by the embedded engine",
      );
    const options = {
      ...cappedOptions(request.body),
      ...clusteredOptions(request.body),
      ...validationOptions(request.body, request.now),
      ...preImageOptions(request.body),
    };
    const existing = request.engine.catalog.find(namespace);
    // Making a collection that is there already, with the same options, is no mistake.
    if (existing) {
      if (valuesEqual(existing.options, options)) return {};
      throw new ServerError('NamespaceExists', `Collection ${namespace} already exists.`);
    }
    request.engine.catalog.create(namespace, options);
    return {};
  },
};

export const drop: Command = {
  fields: [],
  writes: true,
  run(request) {
    const namespace = namespaceOf(request);
    const collection = request.engine.catalog.find(namespace);
    if (!collection) return { ns: namespace };
    const nIndexesWas = new Int32(collection.indexes.length);
    request.engine.catalog.forget(collection);
    return { nIndexesWas, ns: namespace };
  },
};

export const dropDatabase: Command = {
  fields: [],
  writes: true,
  *run(request): Task<Reply> {
    const collections = request.engine.catalog.inDatabase(request.database);
    for (const collection of collections) {
      request.engine.catalog.forget(collection);
      yield;
    }
    return collections.length > 0 ? { dropped: request.database } : {};
  },
};

export const renameCollection: Command = {
  fields: ['to', 'dropTarget', 'stayTemp'],
  admin: true,
  writes: true,
  run(request) {
    const { body, engine } = request;
    const from = String(body.renameCollection);
    const to = String(body.to);
    if (from === to) throw new ServerError('IllegalOperation', "Can't rename a collection to itself");
    const dot = to.indexOf('.');
    checkNamespace(to.slice(0, dot), to.slice(dot + 1));
    const collection = engine.catalog.find(from);
    if (!collection) throw new ServerError('NamespaceNotFound', `Source collection ${from} does not exist`);
    const existing = engine.catalog.find(to);
    if (existing && !flagField(body, 'dropTarget'))
      throw new ServerError('NamespaceExists', 'target namespace exists');
    if (existing) engine.catalog.forget(existing);
    engine.catalog.rename(collection, to);
    return {};
  },
};

export const listCollections: Command = {
  fields: ['filter', 'nameOnly', 'authorizedCollections', 'cursor'],
  *run(request): Task<Reply> {
    const { body, database, engine, now } = request;
    const nameOnly = flagField(body, 'nameOnly');
    const matcher = compileFilter(docField(body, 'filter') ?? {}, { now });
    const documents = engine.catalog.inDatabase(database).map((collection): Doc => {
      const brief = { name: collection.name, type: 'collection' };
      if (nameOnly) return brief;
      const uuid = Buffer.from(collection.uuid.replaceAll('-', ''), 'hex');
      return {
        ...brief,
        options: collection.options,
        info: { readOnly: false, uuid: new Binary(uuid, 4) },
        ...('clusteredIndex' in collection.options
          ? {}
          : { idIndex: { v: new Int32(2), key: { _id: new Int32(1) }, name: '_id_' } }),
      };
    });
    return yield* listing(request, `${database}.$cmd.listCollections`, documents.filter(matcher));
  },
};

export const listDatabases: Command = {
  fields: ['filter', 'nameOnly', 'authorizedDatabases'],
  admin: true,
  run({ body, engine, now }) {
    const matcher = compileFilter(docField(body, 'filter') ?? {}, { now });
    const documents = engine.catalog
      .databases()
      .map(
        (name): Doc =>
          flagField(body, 'nameOnly') ? { name } : { name, sizeOnDisk: Long.fromNumber(0), empty: false },
      );
    return {
      databases: documents.filter(matcher),
      ...(flagField(body, 'nameOnly')
        ? {}
        : { totalSize: Long.fromNumber(0), totalSizeMb: Long.fromNumber(0) }),
    };
  },
};

function* sizes(collection: Collection): Task<{ count: number; size: number }> {
  let count = 0;
  let size = 0;
  for (const row of collection.scanAll(false)) {
    if (!row) {
      yield;
      continue;
    }
    count++;
    size += row.bytes.length;
  }
  return { count, size };
}

export const collStats: Command = {
  fields: ['scale'],
  unstable: true,
  *run(request): Task<Reply> {
    const namespace = namespaceOf(request);
    const collection = request.engine.catalog.find(namespace);
    const { count, size } = collection ? yield* sizes(collection) : { count: 0, size: 0 };
    const scale = toNumber(request.body.scale) ?? 1;
    return {
      ns: namespace,
      count: new Int32(count),
      size: new Int32(Math.floor(size / scale)),
      ...(count > 0 ? { avgObjSize: new Int32(Math.floor(size / count)) } : {}),
      storageSize: new Int32(Math.floor(size / scale)),
      nindexes: new Int32(collection?.indexes.length ?? 0),
      indexSizes: Object.fromEntries((collection?.indexes ?? []).map((index) => [index.name, new Int32(0)])),
      totalIndexSize: new Int32(0),
      scaleFactor: new Int32(scale),
    };
  },
};

export const dbStats: Command = {
  fields: ['scale', 'freeStorage'],
  *run(request): Task<Reply> {
    const collections = request.engine.catalog.inDatabase(request.database);
    const all: { count: number; size: number }[] = [];
    for (const collection of collections) all.push(yield* sizes(collection));
    return {
      db: request.database,
      collections: Long.fromNumber(collections.length),
      views: Long.fromNumber(0),
      objects: Long.fromNumber(all.reduce((sum, one) => sum + one.count, 0)),
      dataSize: new Double(all.reduce((sum, one) => sum + one.size, 0)),
      indexes: Long.fromNumber(collections.reduce((sum, one) => sum + one.indexes.length, 0)),
    };
  },
};

export const validate: Command = {
  fields: ['full', 'repair', 'metadata', 'checkBSONConformance', 'background'],
  unstable: true,
  *run(request): Task<Reply> {
    const namespace = namespaceOf(request);
    const collection = request.engine.catalog.find(namespace);
    if (!collection)
      throw new ServerError('NamespaceNotFound', `Collection '${namespace}' does not exist to validate.`);
    const { problems, documents, invalid, keysPerIndex } = yield* collection.validate();
    return {
      ns: namespace,
      nInvalidDocuments: Long.fromNumber(invalid),
      nrecords: new Int32(documents),
      nIndexes: new Int32(collection.indexes.length),
      keysPerIndex: Object.fromEntries(
        Object.entries(keysPerIndex).map(([name, count]) => [name, new Int32(count)]),
      ),
      valid: problems.length === 0,
      warnings: [],
      errors: problems,
    };
  },
};

export { listing };
