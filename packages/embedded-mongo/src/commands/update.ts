import { ServerError } from '../errors.ts';
import { isPoint } from '../planner/plan.ts';
import { matches, type PreparedFind, prepareFind, sortedMatches } from '../query/execute.ts';
import type { QueryContext } from '../query/filter.ts';
import { lastMatch } from '../query/path.ts';
import type { Collection } from '../storage/collection.ts';
import type { Row } from '../storage/record.ts';
import type { Task } from '../task.ts';
import { compileUpdate, type Update, upsertSeed } from '../update/update.ts';
import { decode, encode, MAX_DOCUMENT_BYTES } from '../values/codec.ts';
import { valuesEqual } from '../values/compare.ts';
import { type Doc, Int32, isDoc, TYPE, typeOf } from '../values/types.ts';
import { batch, room, statement, statements, target } from './batch.ts';
import {
  type Command,
  constants,
  docField,
  flagField,
  namespaceOf,
  queryContext,
  type Reply,
  type Request,
  refuseUnknown,
} from './command.ts';
import { insertOne, refuseTooDeep } from './insert.ts';
import { refusePrepared } from './prepare-unique.ts';
import { type Validation, validate, validationOf } from './validation.ts';

interface Outcome {
  matched: number;
  modified: number;
  upserted: unknown;
  before: Doc | undefined;
  after: Doc | undefined;
}

interface UpdatePlan {
  find: PreparedFind;
  update: Update;
  multi: boolean;
  upsert: boolean;
  filter: Doc;
  validation: Validation;
  /** The top-level fields that it may change; undefined if any. */
  touched: ReadonlySet<string> | undefined;
}

/** The top-level fields that an update by operators names. */
function touchedBy(change: unknown): ReadonlySet<string> | undefined {
  if (!isDoc(change)) return undefined;
  const touched = new Set<string>();
  for (const operator of Object.keys(change)) {
    const fields = change[operator];
    if (!operator.startsWith('$') || !isDoc(fields)) return undefined;
    for (const path of Object.keys(fields)) {
      touched.add(rootOf(path));
      if (operator === '$rename') touched.add(rootOf(String(fields[path])));
    }
  }
  return touched;
}

function rootOf(path: string): string {
  const dot = path.indexOf('.');
  return dot < 0 ? path : path.slice(0, dot);
}

/** Plans an update of one document, without upsert. */
export function planUpdate(
  collection: Collection | undefined,
  wanted: { filter: Doc; change: unknown; context: QueryContext; validation: Validation },
): UpdatePlan {
  const { filter, change, context, validation } = wanted;
  const update = compileUpdate(change, undefined, context);
  const find = prepareFind(collection, { filter, context });
  return { find, update, multi: false, upsert: false, filter, validation, touched: touchedBy(change) };
}

export function prepareUpdate(
  request: Request,
  collection: Collection | undefined,
  source: Doc,
  filter: Doc,
  change: unknown,
): UpdatePlan {
  const context = queryContext(request, source);
  const own = docField(source, 'c');
  if (own && !Array.isArray(change))
    throw new ServerError(51198, 'Constant values may only be specified for pipeline updates');
  const variables = own && { ...context.variables, ...constants(own, context) };
  const update = compileUpdate(change, source.arrayFilters, variables ? { ...context, variables } : context);
  const multi = flagField(source, 'multi');
  if (multi && update.kind === 'replacement')
    throw new ServerError('FailedToParse', 'multi update is not supported for replacement-style update');
  const find = prepareFind(collection, { filter, sort: source.sort, hint: source.hint, context });
  return {
    find,
    update,
    multi,
    upsert: flagField(source, 'upsert'),
    filter,
    validation: validationOf(request),
    touched: touchedBy(change),
  };
}

interface Updated {
  before: Doc;
  after: Doc;
  modified: boolean;
}

/** Applies an update to one document that matched; returns undefined if it no longer does. */
function updateOne(collection: Collection, plan: UpdatePlan, id: string): Updated | undefined {
  // What the scan saw may be older than what is there; read, check and write now, in one step.
  const bytes = collection.read(id);
  return bytes && updateRow(collection, plan, { id, bytes });
}

/** As `updateOne`, for a row that was read in this same step. */
function updateRow(collection: Collection, plan: UpdatePlan, { id, bytes }: Row): Updated | undefined {
  const before = decode(bytes);
  lastMatch.index = -1;
  if (!plan.find.matcher(before)) return undefined;
  const position = lastMatch.index;
  const after = plan.update.apply(before, () => (position < 0 ? undefined : position), false);
  if (!valuesEqual(after._id, before._id) || typeOf(after._id) === TYPE.undefined) {
    throw new ServerError(
      'ImmutableField',
      plan.update.kind === 'operators'
        ? "Performing an update on the path '_id' would modify the immutable field '_id'"
        : "After applying the update, the (immutable) field '_id' was found to have been altered to _id: " +
            String(after._id),
    );
  }
  const encoded = encode(after);
  if (encoded.equals(bytes)) return { before, after, modified: false };
  if (encoded.length > MAX_DOCUMENT_BYTES)
    throw new ServerError(17419, `Resulting document after update is larger than ${MAX_DOCUMENT_BYTES}`);
  refuseTooDeep(after, encoded.length);
  validate(collection, after, plan.validation, before);
  refusePrepared(collection, after, id);
  collection.update({ id, bytes }, before, after, encoded, plan.touched);
  return { before, after, modified: true };
}

function upsert(request: Request, namespace: string, plan: UpdatePlan): Doc {
  // A replacement takes nothing but the _id from the filter.
  const seed = upsertSeed(plan.filter, plan.update.kind === 'replacement');
  let after: Doc;
  if (plan.update.kind === 'replacement') {
    const id: Doc = '_id' in seed ? { _id: seed._id } : {};
    after = plan.update.apply(id, () => undefined, true);
  } else after = plan.update.apply(seed, () => undefined, true);
  if ('_id' in seed && !valuesEqual(seed._id, after._id)) {
    throw new ServerError(
      'ImmutableField',
      "Performing an update on the path '_id' would modify the immutable field '_id'",
    );
  }
  return insertOne(target(request, namespace), encode(after), plan.validation);
}

function newOutcome(): Outcome {
  return { matched: 0, modified: 0, upserted: undefined, before: undefined, after: undefined };
}

function note(outcome: Outcome, done: Updated): void {
  outcome.matched++;
  if (done.modified) outcome.modified++;
  outcome.before = done.before;
  outcome.after = done.after;
}

/** Applies an update whose plan leads to one document at most: at once. */
export function applyPointUpdate(
  request: Request,
  namespace: string,
  collection: Collection,
  plan: UpdatePlan,
): Outcome | undefined {
  if (!isPoint(plan.find.plan)) return undefined;
  const outcome = newOutcome();
  const row = collection.at(plan.find.plan);
  const done = row && updateRow(collection, plan, row);
  if (done) note(outcome, done);
  else upsertIfWanted(request, namespace, plan, outcome);
  return outcome;
}

function upsertIfWanted(request: Request, namespace: string, plan: UpdatePlan, outcome: Outcome): void {
  if (outcome.matched > 0 || !plan.upsert) return;
  outcome.after = upsert(request, namespace, plan);
  outcome.upserted = outcome.after._id;
}

export function* applyUpdate(
  request: Request,
  namespace: string,
  collection: Collection | undefined,
  plan: UpdatePlan,
): Task<Outcome> {
  const atOnce = collection && applyPointUpdate(request, namespace, collection, plan);
  if (atOnce) return atOnce;
  const outcome = newOutcome();
  if (collection) {
    // An update can move a document ahead of the scan; no document is updated twice.
    const seen = new Set<string>();
    for (const match of plan.multi ? matches(collection, plan.find) : sortedMatches(collection, plan.find)) {
      if (!match) {
        yield;
        continue;
      }
      if (seen.has(match.row.id)) continue;
      const done = updateOne(collection, plan, match.row.id);
      if (!done) continue;
      note(outcome, done);
      if (!plan.multi) break;
      seen.add(match.row.id);
      yield room(request);
    }
  }
  upsertIfWanted(request, namespace, plan, outcome);
  return outcome;
}

const UPDATE_FIELDS = [
  'q',
  'u',
  'c',
  'multi',
  'upsert',
  'arrayFilters',
  'hint',
  'collation',
  'sort',
  'upsertSupplied',
];

/** What is wrong with a statement's form is told before any statement runs. */
function parseStatement(item: unknown): Doc {
  if (!isDoc(item))
    throw new ServerError(
      'TypeMismatch',
      "BSON field 'update.updates' is the wrong type, expected type 'object'",
    );
  refuseUnknown(item, 'update.updates', UPDATE_FIELDS);
  for (const field of ['q', 'u'])
    if (!(field in item))
      throw new ServerError(40414, `BSON field 'update.updates.${field}' is missing but a required field`);
  docField(item, 'q');
  if (!isDoc(item.u) && !Array.isArray(item.u))
    throw new ServerError('FailedToParse', 'Update argument must be either an object or an array');
  for (const flag of ['multi', 'upsert']) flagField(item, flag);
  return item;
}

export const update: Command = {
  fields: ['updates', 'ordered', 'bypassDocumentValidation', 'let'],
  writes: true,
  *run(request): Task<Reply> {
    const namespace = namespaceOf(request);
    const upserted: Doc[] = [];
    let matched = 0;
    let modified = 0;
    const count = (outcome: Outcome, index: number): void => {
      matched += outcome.matched;
      modified += outcome.modified;
      if (outcome.upserted === undefined) return;
      matched++;
      upserted.push({ index: new Int32(index), _id: outcome.upserted });
    };
    const items = statements(request, 'updates').map((given) => parseStatement(statement(given)));
    const errors = yield* batch(request, items, (item, index) => {
      if (flagField(item, 'multi') && item.sort !== undefined)
        throw new ServerError('FailedToParse', 'Cannot specify sort with multi=true');
      const collection = request.engine.catalog.find(namespace);
      const plan = prepareUpdate(request, collection, item, docField(item, 'q') ?? {}, item.u);
      const atOnce = collection && applyPointUpdate(request, namespace, collection, plan);
      if (atOnce) {
        count(atOnce, index);
        return undefined;
      }
      return (function* (): Task<void> {
        count(yield* applyUpdate(request, namespace, collection, plan), index);
      })();
    });
    return {
      n: new Int32(matched),
      nModified: new Int32(modified),
      ...(upserted.length > 0 ? { upserted } : {}),
      ...(errors.length > 0 ? { writeErrors: errors } : {}),
    };
  },
};
