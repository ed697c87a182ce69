import type { Source } from '../cursors.ts';
import { ServerError, toServerError } from '../errors.ts';
import type { Task } from '../task.ts';
import { encode } from '../values/codec.ts';
import { type Doc, Double, Int32, isDoc, toNumber } from '../values/types.ts';
import { room, statement, statements, target } from './batch.ts';
import {
  type Command,
  checkNamespace,
  countField,
  docField,
  flagField,
  type Reply,
  type Request,
  refuseUnknown,
} from './command.ts';
import { applyDelete } from './delete.ts';
import { insertOne } from './insert.ts';
import { cursorReply } from './read.ts';
import { applyUpdate, prepareUpdate } from './update.ts';
import { validationOf } from './validation.ts';

interface Totals {
  inserted: number;
  matched: number;
  modified: number;
  upserted: number;
  deleted: number;
}

function namespaces(request: Request): string[] {
  const { nsInfo } = request.body;
  if (!Array.isArray(nsInfo))
    throw new ServerError(40414, "BSON field 'bulkWrite.nsInfo' is missing but a required field");
  return nsInfo.map((info) => {
    if (!isDoc(info))
      throw new ServerError(
        'TypeMismatch',
        "BSON field 'bulkWrite.nsInfo' is the wrong type, expected type 'object'",
      );
    refuseUnknown(info, 'bulkWrite.nsInfo', [
      'ns',
      'collectionUUID',
      'encryptionInformation',
      'isTimeseriesNamespace',
    ]);
    if (typeof info.ns !== 'string')
      throw new ServerError(40414, "BSON field 'bulkWrite.nsInfo.ns' is missing but a required field");
    const { ns } = info;
    const dot = ns.indexOf('.');
    if (dot <= 0)
      throw new ServerError('InvalidNamespace', `Invalid namespace specified for bulkWrite: '${ns}'`);
    return checkNamespace(ns.slice(0, dot), ns.slice(dot + 1));
  });
}

const OPERATION_FIELDS: Record<string, readonly string[]> = {
  insert: ['insert', 'document'],
  update: [
    'update',
    'filter',
    'sort',
    'multi',
    'updateMods',
    'upsert',
    'upsertSupplied',
    'arrayFilters',
    'hint',
    'constants',
    'collation',
  ],
  delete: ['delete', 'filter', 'multi', 'hint', 'collation'],
};

const REQUIRED: Record<string, readonly string[]> = {
  insert: ['document'],
  update: ['filter', 'updateMods'],
  delete: ['filter'],
};

/** What is wrong with an operation's form is told before any operation runs. */
function parseOperation(operation: unknown, index: number, namespaces: number): Doc {
  if (!isDoc(operation))
    throw new ServerError(
      'TypeMismatch',
      "BSON field 'bulkWrite.ops' is the wrong type, expected type 'object'",
    );
  const [kind = ''] = Object.keys(operation);
  const known = Object.hasOwn(OPERATION_FIELDS, kind) ? OPERATION_FIELDS[kind] : undefined;
  if (!known) throw new ServerError('FailedToParse', `Unrecognized command type in bulkWrite ops: ${kind}`);
  refuseUnknown(operation, 'bulkWrite.ops', known);
  for (const field of REQUIRED[kind] ?? [])
    if (!(field in operation))
      throw new ServerError(40414, `BSON field 'bulkWrite.ops.${field}' is missing but a required field`);
  const at = toNumber(operation[kind]);
  if (at === undefined || !Number.isInteger(at) || at < 0 || at >= namespaces)
    throw new ServerError('BadValue', `BulkWrite ops entry ${index} has an invalid nsInfo index.`);
  return operation;
}

function* oneOperation(
  request: Request,
  operation: Doc,
  names: readonly string[],
  totals: Totals,
): Task<Doc> {
  const [kind = ''] = Object.keys(operation);
  const namespace = names[toNumber(operation[kind]) ?? -1] ?? '';
  if (kind === 'insert') {
    insertOne(
      target(request, namespace),
      encode(docField(operation, 'document') ?? {}),
      validationOf(request),
    );
    totals.inserted++;
    return { n: new Int32(1) };
  }
  const filter = docField(operation, 'filter') ?? {};
  if (kind === 'delete') {
    const deleted = yield* applyDelete(request, namespace, operation, filter, !flagField(operation, 'multi'));
    totals.deleted += deleted;
    return { n: new Int32(deleted) };
  }
  const collection = request.engine.catalog.find(namespace);
  const source = 'constants' in operation ? { ...operation, c: operation.constants } : operation;
  const plan = prepareUpdate(request, collection, source, filter, operation.updateMods);
  const outcome = yield* applyUpdate(request, namespace, collection, plan);
  totals.matched += outcome.matched;
  totals.modified += outcome.modified;
  const reply = { n: new Int32(outcome.matched), nModified: new Int32(outcome.modified) };
  if (outcome.upserted === undefined) return reply;
  totals.upserted++;
  return { ...reply, n: new Int32(1), upserted: { _id: outcome.upserted } };
}

/** Results that do not fit into one reply are read by `getMore`. */
const NAMESPACE = 'admin.$cmd.bulkWrite';

function* encoded(results: readonly Doc[]): Source {
  for (const result of results) yield encode(result);
}

/** Writes to several collections in one command; drivers call it `client.bulkWrite`. */
export const bulkWrite: Command = {
  fields: ['ops', 'nsInfo', 'ordered', 'errorsOnly', 'let', 'bypassDocumentValidation', 'cursor'],
  writes: true,
  admin: true,
  *run(request): Task<Reply> {
    const { body } = request;
    const names = namespaces(request);
    const ordered = body.ordered === undefined || flagField(body, 'ordered');
    const errorsOnly = flagField(body, 'errorsOnly');
    const totals: Totals = { inserted: 0, matched: 0, modified: 0, upserted: 0, deleted: 0 };
    const results: Doc[] = [];
    let errors = 0;
    const operations = statements(request, 'ops').map((given, i) =>
      parseOperation(statement(given), i, names.length),
    );
    for (const [index, operation] of operations.entries()) {
      const idx = new Int32(index);
      try {
        const done = yield* oneOperation(request, operation, names, totals);
        if (!errorsOnly) results.push({ ok: new Double(1), idx, ...done });
      } catch (thrown) {
        const error = toServerError(thrown);
        errors++;
        results.push({
          ok: new Double(0),
          idx,
          code: new Int32(error.code),
          errmsg: error.message,
          ...error.extra,
          n: new Int32(0),
        });
        if (ordered) break;
      }
      yield room(request);
    }
    const batch = yield* request.engine.cursors.first(
      NAMESPACE,
      encoded(results),
      countField(docField(body, 'cursor') ?? {}, 'batchSize') ?? Number.POSITIVE_INFINITY,
      false,
    );
    return {
      ...cursorReply(batch, NAMESPACE, 'firstBatch'),
      nErrors: new Int32(errors),
      nInserted: new Int32(totals.inserted),
      nMatched: new Int32(totals.matched),
      nModified: new Int32(totals.modified),
      nUpserted: new Int32(totals.upserted),
      nDeleted: new Int32(totals.deleted),
    };
  },
};
