import { Long } from 'bson';
import { ServerError, toServerError } from '../errors.ts';
import type { Task } from '../task.ts';
import { encode } from '../values/codec.ts';
import { type Doc, Double, Int32, isDoc, toNumber } from '../values/types.ts';
import { room, statement, statements, target } from './batch.ts';
import {
  type Command,
  checkNamespace,
  docField,
  flagField,
  RawDocument,
  type Reply,
  type Request,
} from './command.ts';
import { applyDelete } from './delete.ts';
import { insertOne } from './insert.ts';
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
    const ns = isDoc(info) ? String(info.ns) : '';
    const dot = ns.indexOf('.');
    return checkNamespace(ns.slice(0, dot), ns.slice(dot + 1));
  });
}

function* oneOperation(
  request: Request,
  operation: Doc,
  names: readonly string[],
  totals: Totals,
): Task<Doc> {
  const [kind = ''] = Object.keys(operation);
  const namespace = names[toNumber(operation[kind]) ?? -1];
  if (namespace === undefined)
    throw new ServerError('BadValue', `BulkWrite ops entry ${kind} has an invalid nsInfo index.`);
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
  if (kind !== 'update') throw new ServerError('BadValue', `unknown bulkWrite operation: ${kind}`);
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

/** Writes to several collections in one command; drivers call it `client.bulkWrite`. */
export const bulkWrite: Command = {
  fields: ['ops', 'nsInfo', 'ordered', 'errorsOnly', 'let', 'bypassDocumentValidation', 'cursor'],
  writes: true,
  *run(request): Task<Reply> {
    const { body } = request;
    const names = namespaces(request);
    const ordered = body.ordered === undefined || flagField(body, 'ordered');
    const errorsOnly = flagField(body, 'errorsOnly');
    const totals: Totals = { inserted: 0, matched: 0, modified: 0, upserted: 0, deleted: 0 };
    const results: Doc[] = [];
    let errors = 0;
    for (const [index, given] of statements(request, 'ops').entries()) {
      const idx = new Int32(index);
      try {
        const operation = statement(given);
        if (!isDoc(operation))
          throw new ServerError(
            'TypeMismatch',
            "BSON field 'bulkWrite.ops' is the wrong type, expected type 'object'",
          );
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
    return {
      cursor: {
        id: Long.fromNumber(0),
        firstBatch: new RawDocument(results.map((result) => encode(result))),
        ns: 'admin.$cmd.bulkWrite',
      },
      nErrors: new Int32(errors),
      nInserted: new Int32(totals.inserted),
      nMatched: new Int32(totals.matched),
      nModified: new Int32(totals.modified),
      nUpserted: new Int32(totals.upserted),
      nDeleted: new Int32(totals.deleted),
    };
  },
};
