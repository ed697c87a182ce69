import { ServerError } from '../errors.ts';
import { compileExpression } from '../expression/compile.ts';
import { compareValues } from '../values/compare.ts';
import { type Doc, Double, define, isDoc, isNumeric, toNumber } from '../values/types.ts';
import { type Granularity, granularity } from './granularity.ts';
import { COUNT, compileFields } from './grouping.ts';
import type { StageCompiler } from './stage.ts';

interface Bucket {
  rows: { by: unknown; doc: Doc }[];
  min: unknown;
  max: unknown;
}

function rounding(spec: Doc): Granularity | undefined {
  return spec.granularity === undefined ? undefined : granularity(spec.granularity);
}

function demandRoundable(value: unknown): number {
  if (!isNumeric(value))
    throw new ServerError(40258, "$bucketAuto can specify a 'granularity' with numeric boundaries only");
  const number = toNumber(value) ?? Number.NaN;
  if (Number.isNaN(number))
    throw new ServerError(
      40259,
      "$bucketAuto can specify a 'granularity' with numeric boundaries only, but found NaN",
    );
  if (number < 0)
    throw new ServerError(40260, "$bucketAuto can specify a 'granularity' with non-negative numbers only");
  return number;
}

/** Buckets of about the same size; equal values are never parted. */
export const bucketAuto: StageCompiler = (argument, context) => {
  if (!isDoc(argument)) throw new ServerError(40240, 'The argument to $bucketAuto must be an object');
  for (const key of Object.keys(argument))
    if (!['groupBy', 'buckets', 'output', 'granularity'].includes(key))
      throw new ServerError(40245, `Unrecognized option to $bucketAuto: ${key}.`);
  const { groupBy, buckets, output } = argument;
  if (groupBy === undefined || buckets === undefined)
    throw new ServerError(40246, "$bucketAuto requires 'groupBy' and 'buckets' to be specified.");
  if (!isDoc(groupBy) && !(typeof groupBy === 'string' && groupBy.startsWith('$')))
    throw new ServerError(
      40239,
      "The $bucketAuto 'groupBy' field must be defined as a $-prefixed path or an expression object",
    );
  const count = toNumber(buckets);
  if (count === undefined)
    throw new ServerError(40241, "The $bucketAuto 'buckets' field must be a numeric value");
  if (!Number.isInteger(count) || Math.abs(count) > 0x7fffffff)
    throw new ServerError(40242, "The $bucketAuto 'buckets' field must be representable as a 32-bit integer");
  if (count <= 0) throw new ServerError(40243, "The $bucketAuto 'buckets' field must be greater than 0");
  if (output !== undefined && !isDoc(output))
    throw new ServerError(40244, "The $bucketAuto 'output' field must be an object");
  const rounder = rounding(argument);
  const value = compileExpression(groupBy, context);
  const fields = compileFields(output ?? COUNT, context);
  const { strings } = context;
  return function* (input) {
    const rows: Bucket['rows'] = [];
    for (const doc of input) {
      if (!doc) {
        yield undefined;
        continue;
      }
      const by = value(doc) ?? null;
      if (rounder) demandRoundable(by);
      rows.push({ by, doc });
    }
    rows.sort((a, b) => compareValues(a.by, b.by, strings));
    const size = Math.max(1, Math.round(rows.length / count));
    const made: Bucket[] = [];
    for (let at = 0; at < rows.length && made.length < count; ) {
      const isLast = made.length === count - 1;
      let end = isLast ? rows.length : Math.min(rows.length, at + size);
      const follows = (limit: (by: unknown) => boolean): void => {
        while (end < rows.length && limit(rows[end]?.by)) end++;
      };
      const last = rows[end - 1]?.by;
      let max: unknown;
      if (rounder) {
        const edge = new Double(rounder.up(demandRoundable(last)));
        // Nothing is below the boundary 0, which holds all zeros.
        follows((by) => compareValues(by, edge) < 0 || (edge.value === 0 && compareValues(by, edge) === 0));
        max = edge;
      } else {
        follows((by) => compareValues(by, last, strings) === 0);
        max = end < rows.length ? rows[end]?.by : last;
      }
      const before = made.at(-1);
      const first = rows[at]?.by;
      const min = before ? before.max : rounder ? new Double(rounder.down(demandRoundable(first))) : first;
      made.push({ rows: rows.slice(at, end), min, max });
      at = end;
    }
    for (const bucket of made) {
      const accumulators = fields.map((field) => field.create());
      for (const { doc } of bucket.rows)
        for (const [i, field] of fields.entries()) accumulators[i]?.add(field.input(doc));
      const result: Doc = { _id: { min: bucket.min, max: bucket.max } };
      for (const [i, field] of fields.entries()) define(result, field.name, accumulators[i]?.result());
      yield result;
    }
  };
};
