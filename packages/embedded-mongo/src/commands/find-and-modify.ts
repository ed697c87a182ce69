import { ServerError } from '../errors.ts';
import { prepareFind, sortedMatches } from '../query/execute.ts';
import { compileFilter } from '../query/filter.ts';
import { compileProjection } from '../query/projection.ts';
import type { Task } from '../task.ts';
import { encode } from '../values/codec.ts';
import { type Doc, Int32 } from '../values/types.ts';
import {
  type Command,
  docField,
  flagField,
  namespaceOf,
  queryContext,
  RawDocument,
  type Reply,
} from './command.ts';
import { removeOne } from './delete.ts';
import { applyUpdate, prepareUpdate } from './update.ts';

export const findAndModify: Command = {
  fields: [
    'query',
    'sort',
    'remove',
    'update',
    'new',
    'fields',
    'upsert',
    'bypassDocumentValidation',
    'collation',
    'arrayFilters',
    'hint',
    'let',
  ],
  writes: true,
  *run(request): Task<Reply> {
    const { body } = request;
    const namespace = namespaceOf(request);
    const collection = request.engine.catalog.find(namespace);
    const filter = docField(body, 'query') ?? {};
    const fields = docField(body, 'fields');
    const context = queryContext(request);
    const removing = flagField(body, 'remove');
    const returnNew = flagField(body, 'new');
    if (removing && (body.update !== undefined || returnNew || flagField(body, 'upsert'))) {
      throw new ServerError(
        'FailedToParse',
        body.update !== undefined
          ? "Cannot specify both an 'update' and 'remove'=true"
          : returnNew
            ? "Cannot specify both 'new'=true and 'remove'=true; 'remove' always returns the deleted document"
            : "Cannot specify both 'upsert'=true and 'remove'=true",
      );
    }
    if (!removing && body.update === undefined)
      throw new ServerError('FailedToParse', "Either an 'update' or 'remove'=true must be specified");
    const shape = (doc: Doc | undefined): unknown => {
      if (!doc) return null;
      const projection = fields && compileProjection(fields, context, compileFilter(filter, context));
      return new RawDocument(encode(projection ? projection.apply(doc) : doc));
    };
    if (removing) {
      const find = prepareFind(collection, { filter, sort: body.sort, hint: body.hint, context });
      if (collection) {
        for (const match of sortedMatches(collection, find)) {
          const doc = match && removeOne(collection, find, match.row.id);
          if (doc) return { lastErrorObject: { n: new Int32(1) }, value: shape(doc) };
          yield;
        }
      }
      return { lastErrorObject: { n: new Int32(0) }, value: null };
    }
    const plan = prepareUpdate(request, collection, body, filter, body.update);
    const outcome = yield* applyUpdate(request, namespace, collection, plan);
    const upserted = outcome.upserted !== undefined;
    return {
      lastErrorObject: {
        n: new Int32(outcome.matched > 0 || upserted ? 1 : 0),
        updatedExisting: outcome.matched > 0,
        ...(upserted ? { upserted: outcome.upserted } : {}),
      },
      value: shape(returnNew ? outcome.after : outcome.before),
    };
  },
};
