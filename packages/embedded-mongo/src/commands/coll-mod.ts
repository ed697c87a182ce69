import { Long } from 'bson';
import { ServerError } from '../errors.ts';
import { type IndexSpec, samePattern } from '../indexes/spec.ts';
import type { Collection } from '../storage/collection.ts';
import type { Task } from '../task.ts';
import { type Doc, isDoc, toNumber } from '../values/types.ts';
import { preImageOptions } from './collections.ts';
import {
  type Command,
  docField,
  flagField,
  namespaceOf,
  type Reply,
  type Request,
  refuseUnknown,
} from './command.ts';
import { violations } from './prepare-unique.ts';
import { validationOptions } from './validation.ts';

function indexOf(collection: Collection, change: Doc): IndexSpec {
  const { name, keyPattern } = change;
  if ((name === undefined) === (keyPattern === undefined))
    throw new ServerError(
      'InvalidOptions',
      name === undefined
        ? 'Must specify either index name or key pattern.'
        : 'Cannot specify both key pattern and name.',
    );
  const index = collection.indexes.find((candidate) =>
    typeof name === 'string'
      ? candidate.name === name
      : isDoc(keyPattern) && samePattern(candidate.keyPattern, keyPattern),
  );
  if (!index)
    throw new ServerError(
      'IndexNotFound',
      `cannot find index ${String(name ?? JSON.stringify(keyPattern))} for ns ${collection.namespace}`,
    );
  return index;
}

function changeExpiry(index: IndexSpec, change: Doc): Reply {
  const seconds = toNumber(change.expireAfterSeconds);
  if (seconds === undefined || seconds < 0 || seconds > 0x7fffffff)
    throw new ServerError(
      'InvalidOptions',
      'TTL index expireAfterSeconds must be within an acceptable range',
    );
  if (index.fields.length > 1 || index.name === '_id_')
    throw new ServerError(
      'InvalidOptions',
      'TTL indexes are single-field indexes; this index cannot become one',
    );
  const old = index.expireAfterSeconds;
  index.expireAfterSeconds = seconds;
  return {
    ...(old === undefined ? {} : { expireAfterSeconds_old: Long.fromNumber(old) }),
    expireAfterSeconds_new: Long.fromNumber(seconds),
  };
}

function changeHidden(index: IndexSpec, change: Doc): Reply {
  if (index.name === '_id_') throw new ServerError('BadValue', "can't hide _id index");
  const old = index.hidden === true;
  index.hidden = flagField(change, 'hidden');
  return old === index.hidden ? {} : { hidden_old: old, hidden_new: index.hidden };
}

function changePreparation(index: IndexSpec, change: Doc): Reply {
  const old = index.prepareUnique === true;
  index.prepareUnique = flagField(change, 'prepareUnique');
  return old === index.prepareUnique
    ? {}
    : { prepareUnique_old: old, prepareUnique_new: index.prepareUnique };
}

/** Makes an index unique by building it anew; a unique one is laid out differently. */
function* makeUnique(request: Request, collection: Collection, index: IndexSpec, change: Doc): Task<Reply> {
  if (change.unique !== true)
    throw new ServerError(
      'BadValue',
      'collMod does not support converting a unique index to a non-unique one',
    );
  if (index.unique) return {};
  if (!index.prepareUnique)
    throw new ServerError(
      'InvalidOptions',
      "Cannot make index unique with 'prepareUnique=false'. Run collMod to set it to true first",
    );
  const found = yield* violations(collection, index);
  if (found.length > 0)
    throw new ServerError(
      'CannotConvertIndexToUnique',
      'Cannot convert the index to unique. Please resolve conflicting documents before running collMod again.',
      { violations: found },
    );
  if (flagField(request.body, 'dryRun')) return {};
  const { prepareUnique: _prepared, ...kept } = index;
  const unique = { ...kept, unique: true, ident: request.engine.catalog.newIdent() };
  yield* collection.buildIndex(unique, index);
  return { unique_new: true };
}

const INDEX_CHANGES = ['name', 'keyPattern', 'expireAfterSeconds', 'hidden', 'prepareUnique', 'unique'];

export const collMod: Command = {
  fields: [
    'index',
    'validator',
    'validationLevel',
    'validationAction',
    'viewOn',
    'pipeline',
    'expireAfterSeconds',
    'changeStreamPreAndPostImages',
    'dryRun',
  ],
  writes: true,
  *run(request): Task<Reply> {
    const { body, engine } = request;
    const namespace = namespaceOf(request);
    const collection = engine.catalog.find(namespace);
    if (!collection) throw new ServerError('NamespaceNotFound', `ns does not exist: ${namespace}`);
    for (const name of ['viewOn', 'pipeline', 'expireAfterSeconds']) {
      if (name in body)
        throw new ServerError(
          'InvalidOptions',
          `collMod option '${name}' is only for views and time-series collections, which the embedded engine has not`,
        );
    }
    const options = { ...validationOptions(body, request.now), ...preImageOptions(body) };
    const change = docField(body, 'index');
    let reply: Reply = {};
    if (change) {
      refuseUnknown(change, 'collMod.index', INDEX_CHANGES);
      const index = indexOf(collection, change);
      if ('expireAfterSeconds' in change) reply = { ...reply, ...changeExpiry(index, change) };
      if ('hidden' in change) reply = { ...reply, ...changeHidden(index, change) };
      if ('prepareUnique' in change) reply = { ...reply, ...changePreparation(index, change) };
      if ('unique' in change)
        reply = { ...reply, ...(yield* makeUnique(request, collection, index, change)) };
    }
    Object.assign(collection.options, options);
    if (isDoc(options.validator) && Object.keys(options.validator).length === 0)
      delete collection.options.validator;
    engine.catalog.save(collection);
    return reply;
  },
};
