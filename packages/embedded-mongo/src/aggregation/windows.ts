import { ServerError } from '../errors.ts';
import { compileExpression } from '../expression/compile.ts';
import { parseSort, type SortField, sortKey } from '../query/sort.ts';
import { compareValues, type StringOrder } from '../values/compare.ts';
import { type Doc, isDoc } from '../values/types.ts';
import { compileValues } from './shape.ts';
import type { PipelineContext, Stage, StageCompiler } from './stage.ts';
import { compileWindowFunction, type Partition } from './window-functions.ts';

/** Documents with what they are parted and sorted by. */
interface Row {
  doc: Doc;
  part: unknown;
  keys: unknown[];
}

function sorted(rows: Row[], sort: readonly SortField[], strings: StringOrder | undefined): Row[] {
  return rows.sort((a, b) => {
    const order = compareValues(a.part, b.part, strings);
    if (order !== 0) return order;
    for (const [i, field] of sort.entries()) {
      const by = compareValues(a.keys[i], b.keys[i], strings);
      if (by !== 0) return field.descending ? -by : by;
    }
    return 0;
  });
}

/** Sorts documents by partition and then as asked, and hands on one partition after the other. */
export function partitioned(
  partitionBy: unknown,
  sort: readonly SortField[],
  context: PipelineContext,
  change: (partition: Partition) => Iterable<Doc | undefined>,
): Stage {
  const part = partitionBy === undefined ? () => null : compileExpression(partitionBy, context);
  const { strings } = context;
  return function* (input) {
    const rows: Row[] = [];
    for (const doc of input) {
      if (!doc) {
        yield undefined;
        continue;
      }
      const key = part(doc) ?? null;
      if (Array.isArray(key))
        throw new ServerError(
          'TypeMismatch',
          'An expression used to partition cannot evaluate to value of type array',
        );
      rows.push({ doc, part: key, keys: sort.map((field) => sortKey(doc, field, strings)) });
    }
    sorted(rows, sort, strings);
    for (let start = 0; start < rows.length; ) {
      let end = start + 1;
      while (end < rows.length && compareValues(rows[end]?.part, rows[start]?.part, strings) === 0) end++;
      const mine = rows.slice(start, end);
      yield* change({
        documents: mine.map((row) => row.doc),
        keys: mine.map((row) => row.keys[0]),
        isNew: (at) =>
          sort.some((_field, i) => compareValues(mine[at]?.keys[i], mine[at - 1]?.keys[i], strings) !== 0),
      });
      yield undefined;
      start = end;
    }
  };
}

const OPTIONS = ['partitionBy', 'sortBy', 'output'];

export const setWindowFields: StageCompiler = (argument, context) => {
  if (!isDoc(argument))
    throw new ServerError('FailedToParse', 'the $setWindowFields stage specification must be an object');
  for (const key of Object.keys(argument))
    if (!OPTIONS.includes(key))
      throw new ServerError(40415, `BSON field '$setWindowFields.${key}' is an unknown field.`);
  const { output, sortBy, partitionBy } = argument;
  if (output === undefined)
    throw new ServerError(40414, "BSON field '$setWindowFields.output' is missing but a required field");
  if (!isDoc(output))
    throw new ServerError(
      'TypeMismatch',
      "BSON field '$setWindowFields.output' is the wrong type, expected type 'object'",
    );
  if (sortBy !== undefined && !isDoc(sortBy))
    throw new ServerError(
      'TypeMismatch',
      "BSON field '$setWindowFields.sortBy' is the wrong type, expected type 'object'",
    );
  const sort = parseSort(sortBy);
  const paths = Object.keys(output);
  const functions = paths.map((path) => {
    const spec = output[path];
    if (!isDoc(spec)) throw new ServerError('FailedToParse', `The field '${path}' must be an object`);
    return compileWindowFunction(spec, sort, context);
  });
  const assign = compileValues(paths);
  return partitioned(partitionBy, sort, context, function* (partition) {
    const columns = functions.map((one) => one(partition));
    for (const [i, doc] of partition.documents.entries()) {
      yield assign(
        doc,
        columns.map((column) => column[i]),
      );
    }
  });
};
