import { randomUUID } from 'node:crypto';
import { parsePipeline } from '../aggregation/pipeline.ts';
import type { PipelineContext, StageSpec, Stream } from '../aggregation/stage.ts';
import { ServerError } from '../errors.ts';
import { compileExpression } from '../expression/compile.ts';
import type { Task } from '../task.ts';
import { encode } from '../values/codec.ts';
import { type Doc, isDoc, ObjectId } from '../values/types.ts';
import { target } from './batch.ts';
import { checkNamespace, type Request } from './command.ts';
import { insertOne } from './insert.ts';
import { applyUpdate, planUpdate } from './update.ts';
import { validationOf } from './validation.ts';

/** Takes a pipeline's documents and writes them. */
type Write = (documents: Stream) => Task<void>;

/** The namespace that a stage names by a string or by `{db, coll}`. */
function destination(request: Request, stage: string, given: unknown, code: number): string {
  if (typeof given === 'string') return checkNamespace(request.database, given);
  if (!isDoc(given) || typeof given.coll !== 'string')
    throw new ServerError(code, `${stage} only supports a string or object argument that names a collection`);
  for (const key of Object.keys(given))
    if (key !== 'db' && key !== 'coll')
      throw new ServerError(40415, `BSON field '${stage}.${key}' is an unknown field.`);
  const database = given.db ?? request.database;
  if (typeof database !== 'string')
    throw new ServerError(
      'TypeMismatch',
      `BSON field '${stage}.db' is the wrong type, expected type 'string'`,
    );
  return checkNamespace(database, given.coll);
}

/** Fills a collection aside and puts it in the place of the old one, whose indexes and options it gets. */
function prepareOut(request: Request, argument: unknown): Write {
  const namespace = destination(request, '$out', argument, 16990);
  const { catalog } = request.engine;
  return function* (documents) {
    const old = catalog.find(namespace);
    const database = namespace.slice(0, namespace.indexOf('.'));
    const aside = catalog.create(`${database}.tmp.agg_out.${randomUUID()}`, { ...old?.options });
    const discard = (): void => {
      catalog.forget(aside);
    };
    try {
      for (const index of old?.indexes ?? []) {
        if (index.name === '_id_') continue;
        yield* aside.buildIndex({ ...index, ident: catalog.newIdent(), multikey: false, hasLongKeys: false });
      }
      const validation = validationOf(request);
      for (const doc of documents) {
        if (doc) insertOne(aside, encode(doc), validation);
        yield;
      }
    } catch (error) {
      discard();
      throw error;
    }
    // No pause from here on: whoever looks sees the old collection or the new one.
    const replaced = catalog.find(namespace);
    if (replaced) catalog.forget(replaced);
    catalog.rename(aside, namespace);
  };
}

const WHEN_MATCHED = new Set(['replace', 'keepExisting', 'merge', 'fail']);
const WHEN_NOT_MATCHED = new Set(['insert', 'discard', 'fail']);

function mode(spec: Doc, name: string, allowed: ReadonlySet<string>, otherwise: string): string {
  const value = spec[name] ?? otherwise;
  if (typeof value !== 'string' || !allowed.has(value))
    throw new ServerError(
      'BadValue',
      `Enumeration value '${String(value)}' for field '$merge.${name}' is not a valid value.`,
    );
  return value;
}

function joinFields(spec: Doc): string[] {
  if (spec.on === undefined) return ['_id'];
  const fields = Array.isArray(spec.on) ? spec.on : [spec.on];
  if (!fields.every((field): field is string => typeof field === 'string'))
    throw new ServerError(51186, "$merge 'on' field must be either a string or an array of strings");
  if (fields.length === 0)
    throw new ServerError(51187, "If explicitly specifying $merge 'on', must include at least one field");
  if (new Set(fields).size < fields.length)
    throw new ServerError(31465, "Found a duplicate field in the 'on' of $merge");
  return fields;
}

function keyOf(doc: Doc, fields: readonly string[]): Doc {
  const key: Doc = {};
  for (const field of fields) {
    let value: unknown = doc;
    for (const part of field.split('.'))
      value = isDoc(value) && Object.hasOwn(value, part) ? value[part] : undefined;
    if (value === null || value === undefined || Array.isArray(value))
      throw new ServerError(
        51132,
        "$merge write error: 'on' field cannot be missing, null, undefined or an array",
      );
    key[field] = { $eq: value };
  }
  return key;
}

/** What `whenMatched` does to the document that is there, as the `u` of an update. */
function changeFor(whenMatched: unknown, doc: Doc): unknown {
  if (Array.isArray(whenMatched)) return whenMatched;
  if (whenMatched === 'replace') return doc;
  return [{ $replaceWith: { $mergeObjects: ['$$ROOT', '$$new'] } }];
}

function prepareMerge(request: Request, argument: unknown, context: PipelineContext): Write {
  const spec: Doc = typeof argument === 'string' ? { into: argument } : isDoc(argument) ? argument : {};
  if (!('into' in spec)) throw new ServerError(51182, "$merge requires an 'into' argument");
  for (const key of Object.keys(spec))
    if (!['into', 'on', 'let', 'whenMatched', 'whenNotMatched'].includes(key))
      throw new ServerError(40415, `BSON field '$merge.${key}' is an unknown field.`);
  const namespace = destination(request, '$merge', spec.into, 51178);
  const fields = joinFields(spec);
  const whenMatched = Array.isArray(spec.whenMatched)
    ? spec.whenMatched
    : mode(spec, 'whenMatched', WHEN_MATCHED, 'merge');
  const whenNotMatched = mode(spec, 'whenNotMatched', WHEN_NOT_MATCHED, 'insert');
  if (Array.isArray(whenMatched)) parsePipeline(whenMatched, 'inner');
  if (spec.let !== undefined && !Array.isArray(whenMatched))
    throw new ServerError(
      51199,
      `Cannot use 'let' variables with 'whenMatched: ${String(whenMatched)}' mode`,
    );
  const given = isDoc(spec.let) ? spec.let : { new: '$$ROOT' };
  const variables = Object.keys(given).map(
    (name) => [name, compileExpression(given[name], context)] as const,
  );
  return function* (documents) {
    const validation = validationOf(request);
    const unique = fields.length === 1 && fields[0] === '_id';
    const indexes = request.engine.catalog.find(namespace)?.indexes ?? [];
    const fits = indexes.some(
      (index) =>
        index.unique &&
        !index.sparse &&
        !index.partialFilterExpression &&
        index.fields.length === fields.length &&
        index.fields.every((field) => fields.includes(field.path)),
    );
    if (!unique && !fits)
      throw new ServerError(51183, 'Cannot find index to verify that join fields will be unique');
    for (const piece of documents) {
      if (!piece) {
        yield;
        continue;
      }
      const doc = '_id' in piece ? piece : { _id: new ObjectId(), ...piece };
      const filter = keyOf(doc, fields);
      if (whenMatched === 'fail') {
        insertOne(target(request, namespace), encode(doc), validation);
        continue;
      }
      const collection = request.engine.catalog.find(namespace);
      const values = Object.fromEntries(variables.map(([name, value]) => [name, value(doc)]));
      const inner = { ...context, variables: { ...context.variables, ...values } };
      const change = whenMatched === 'keepExisting' ? { $setOnInsert: {} } : changeFor(whenMatched, doc);
      const plan = planUpdate(collection, { filter, change, context: inner, validation });
      const { matched } = yield* applyUpdate(request, namespace, collection, plan);
      if (matched > 0 || whenNotMatched === 'discard') continue;
      if (whenNotMatched === 'fail')
        throw new ServerError(
          13113,
          '$merge could not find a matching document in the target collection for at least one document in the source collection',
        );
      insertOne(target(request, namespace), encode(doc), validation);
      yield;
    }
  };
}

/** Compiles `$out` or `$merge`; throws now for what MongoDB refuses to parse. */
export function prepareOutput(request: Request, stage: StageSpec, context: PipelineContext): Write {
  return stage.name === '$out'
    ? prepareOut(request, stage.argument)
    : prepareMerge(request, stage.argument, context);
}
