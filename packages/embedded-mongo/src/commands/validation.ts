import { ServerError } from '../errors.ts';
import { explainMismatch } from '../query/explain-mismatch.ts';
import { compileFilter, type Matcher } from '../query/filter.ts';
import type { Collection } from '../storage/collection.ts';
import { type Doc, isDoc } from '../values/types.ts';
import { flagField, type Request } from './command.ts';

/** How the documents that a command writes are checked against their collection's validator. */
export interface Validation {
  bypass: boolean;
  now: Date;
}

export function validationOf(request: Request): Validation {
  return { bypass: flagField(request.body, 'bypassDocumentValidation'), now: request.now };
}

const COMPILED = new WeakMap<Doc, Matcher>();

function matcherOf(validator: Doc, now: Date): Matcher {
  let matcher = COMPILED.get(validator);
  if (!matcher) {
    matcher = compileFilter(validator, { now });
    COMPILED.set(validator, matcher);
  }
  return matcher;
}

/** Throws if the collection's validator does not take the document. `before`: what an update started from. */
export function validate(collection: Collection, doc: Doc, validation: Validation, before?: Doc): void {
  const { validator, validationLevel, validationAction } = collection.options;
  if (validation.bypass || !isDoc(validator) || validationLevel === 'off' || validationAction === 'warn')
    return;
  const accepts = matcherOf(validator, validation.now);
  if (accepts(doc)) return;
  // `moderate` lets documents be that were not valid before the validator came.
  if (validationLevel === 'moderate' && before && !accepts(before)) return;
  throw new ServerError('DocumentValidationFailure', 'Document failed validation', {
    errInfo: { failingDocumentId: doc._id, details: explainMismatch(validator, doc) },
  });
}

/** Checks the validation options of `create` and `collMod`, and returns those that are given. */
export function validationOptions(body: Doc, now: Date): Doc {
  const options: Doc = {};
  const { validator, validationLevel: level, validationAction: action } = body;
  if (validator !== undefined) {
    if (!isDoc(validator))
      throw new ServerError(
        'TypeMismatch',
        "BSON field 'validator' is the wrong type, expected type 'object'",
      );
    for (const operator of ['$near', '$nearSphere', '$text', '$where', '$geoNear'])
      if (operator in validator)
        throw new ServerError('BadValue', `${operator} is not allowed in a collection validator`);
    compileFilter(validator, { now });
    options.validator = validator;
  }
  if (level !== undefined) {
    if (level !== 'off' && level !== 'strict' && level !== 'moderate')
      throw new ServerError(
        'BadValue',
        `Enumeration value '${String(level)}' for field 'validationLevel' is not a valid value.`,
      );
    options.validationLevel = level;
  }
  if (action !== undefined) {
    if (action !== 'error' && action !== 'warn')
      throw new ServerError(
        'BadValue',
        `Enumeration value '${String(action)}' for field 'validationAction' is not a valid value.`,
      );
    options.validationAction = action;
  }
  return options;
}
