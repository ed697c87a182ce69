import { ObjectId, serialize } from 'bson';
import { ServerError } from '../errors.ts';
import { prependElement } from '../query/raw.ts';
import type { Collection } from '../storage/collection.ts';
import type { Task } from '../task.ts';
import { decode, encode, isTooDeep, MAX_DEPTH, MAX_DOCUMENT_BYTES } from '../values/codec.ts';
import { type Doc, Int32, isDoc, TYPE, typeName, typeOf } from '../values/types.ts';
import { batch, statements, target } from './batch.ts';
import { makeRoom } from './capped.ts';
import { type Command, namespaceOf, type Reply } from './command.ts';
import { refusePrepared } from './prepare-unique.ts';
import { type Validation, validate, validationOf } from './validation.ts';

export function refuseTooLarge(bytes: Buffer): void {
  if (bytes.length > MAX_DOCUMENT_BYTES) {
    throw new ServerError(
      'BSONObjectTooLarge',
      `object to insert too large. size in bytes: ${bytes.length}, max size: ${MAX_DOCUMENT_BYTES}`,
    );
  }
}

export function refuseTooDeep(doc: Doc, size: number): void {
  if (isTooDeep(doc, size))
    throw new ServerError('Overflow', `the document exceeds ${MAX_DEPTH} levels of nesting`);
}

export function checkId(id: unknown): void {
  const type = typeOf(id);
  if (type === TYPE.array || type === TYPE.regex || type === TYPE.undefined) {
    throw new ServerError('InvalidIdField', `The '_id' value cannot be of type ${typeName(id)}`);
  }
  if (isDoc(id)) {
    const dollar = Object.keys(id).find((key) => key.startsWith('$'));
    if (dollar)
      throw new ServerError(
        'DollarPrefixedFieldName',
        `_id fields may not contain '$'-prefixed fields: ${dollar} is not valid for storage.`,
      );
  }
}

/** Stores a new document, with its _id first, made up if it has none. */
export function insertOne(collection: Collection, bytes: Buffer, validation: Validation): Doc {
  let doc = decode(bytes);
  let stored = bytes;
  if (!Object.hasOwn(doc, '_id')) {
    const id = new ObjectId();
    stored = prependElement(bytes, Buffer.from(serialize({ _id: id }).subarray(4, -1)));
    doc = { _id: id, ...doc };
  } else if (Object.keys(doc)[0] !== '_id') {
    doc = { _id: doc._id, ...doc };
    stored = encode(doc);
  }
  checkId(doc._id);
  refuseTooLarge(stored);
  refuseTooDeep(doc, stored.length);
  validate(collection, doc, validation);
  refusePrepared(collection, doc, undefined);
  makeRoom(collection, stored.length);
  collection.insert(doc, stored);
  return doc;
}

export const insert: Command = {
  fields: ['documents', 'ordered', 'bypassDocumentValidation'],
  writes: true,
  *run(request): Task<Reply> {
    const namespace = namespaceOf(request);
    const documents = statements(request, 'documents');
    const validation = validationOf(request);
    let inserted = 0;
    const errors = yield* batch(request, documents, (item) => {
      if (!(item instanceof Uint8Array))
        throw new ServerError(
          'TypeMismatch',
          "BSON field 'insert.documents' is the wrong type, expected type 'object'",
        );
      // A copy: the bytes are part of the request's buffer, which would otherwise live as long as the document.
      insertOne(target(request, namespace), Buffer.from(item), validation);
      inserted++;
      return undefined;
    });
    return { n: new Int32(inserted), ...(errors.length > 0 ? { writeErrors: errors } : {}) };
  },
};
