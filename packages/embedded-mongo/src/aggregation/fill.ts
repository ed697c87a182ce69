import { ServerError } from '../errors.ts';
import { type Doc, isDoc } from '../values/types.ts';
import { compileAssignments } from './shape.ts';
import { mapping, type StageCompiler } from './stage.ts';
import { setWindowFields } from './windows.ts';

const METHODS: Record<string, string> = { linear: '$linearFill', locf: '$locf' };

/** A `$setWindowFields` for what depends on other documents, and then a `$set` for what does not. */
export const fill: StageCompiler = (argument, context, name) => {
  if (!isDoc(argument))
    throw new ServerError('TypeMismatch', 'the $fill stage specification must be an object');
  for (const key of Object.keys(argument))
    if (!['sortBy', 'partitionBy', 'partitionByFields', 'output'].includes(key))
      throw new ServerError(40415, `BSON field '$fill.${key}' is an unknown field.`);
  const { output, sortBy, partitionBy, partitionByFields } = argument;
  if (output === undefined)
    throw new ServerError(40414, "BSON field '$fill.output' is missing but a required field");
  if (!isDoc(output))
    throw new ServerError(
      'TypeMismatch',
      "BSON field '$fill.output' is the wrong type, expected type 'object'",
    );
  if (partitionBy !== undefined && partitionByFields !== undefined)
    throw new ServerError(6050204, "'partitionBy' and 'partitionByFields' may not both be specified");
  let parts = partitionBy;
  if (partitionByFields !== undefined) {
    if (!Array.isArray(partitionByFields) || !partitionByFields.every((field) => typeof field === 'string'))
      throw new ServerError(
        'TypeMismatch',
        "BSON field '$fill.partitionByFields' is the wrong type, expected an array of strings",
      );
    parts = partitionByFields.map((field) => `$${field}`);
    // An array is no key to part by; a document of its elements is.
    parts = { $arrayToObject: { $zip: { inputs: [partitionByFields, parts] } } };
  }
  const windows: Doc = {};
  const values: { path: string; expression: unknown }[] = [];
  for (const path of Object.keys(output)) {
    const spec = output[path];
    if (!isDoc(spec)) throw new ServerError('TypeMismatch', `The field '${path}' must be an object`);
    const [kind, ...more] = Object.keys(spec);
    if (more.length > 0 || (kind !== 'value' && kind !== 'method'))
      throw new ServerError(
        6050201,
        "Exactly one of 'value' and 'method' must be specified for a field to fill",
      );
    if (kind === 'value') values.push({ path, expression: { $ifNull: [`$${path}`, spec.value] } });
    else {
      const method = Object.hasOwn(METHODS, String(spec.method)) ? METHODS[String(spec.method)] : undefined;
      if (!method)
        throw new ServerError(
          6050202,
          `Method must be either 'locf' or 'linear', not ${String(spec.method)}`,
        );
      windows[path] = { [method]: `$${path}` };
    }
  }
  const assign = compileAssignments(values, context);
  const plain = mapping((doc) => assign(doc, doc));
  if (Object.keys(windows).length === 0) return plain;
  const window = setWindowFields(
    {
      output: windows,
      ...(sortBy === undefined ? {} : { sortBy }),
      ...(parts === undefined ? {} : { partitionBy: parts }),
    },
    context,
    name,
  );
  return (input) => plain(window(input));
};
