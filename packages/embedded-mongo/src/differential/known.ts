import {
  Difference,
  holds,
  withoutModified,
  withoutNullIds,
  withoutOrder,
  withoutSequence,
  withoutTypes,
} from './difference.ts';
import type { Answer } from './perform.ts';
import type { Sequence } from './sequence.ts';

/** A difference that is no fault of the embedded engine, and why. */
export interface KnownDifference {
  name: string;
  /** What MongoDB's manual, or its source, says. */
  mongodb: string;
  /** Whether this accounts for two answers to one command being different. */
  explains(difference: Difference): boolean;
}

/** What gives nothing of its input's fields on, or not all. */
const NARROWING = [
  '$group',
  '$count',
  '$sortByCount',
  '$project',
  '$unset',
  '$replaceRoot',
  '$replaceWith',
  '$bucket',
  '$bucketAuto',
];

const FRACTION = /"-?[0-9]\.[15]"/;

const FIELD_PATH = String.raw`"\$[a-z_][a-z_.]*"`;

/** Refusals, where the codes of the two servers tell what happened. */
const REFUSALS: readonly KnownDifference[] = [
  {
    name: 'error without a code of its own',
    mongodb: 'DocumentDB reports many refusals as 8 (UnknownError); MongoDB has a code for each.',
    explains: (d) => d.refused('any', [8]),
  },
  {
    name: 'a projection of what the limit leaves out',
    mongodb: 'The manual, "find": a projection is of the documents that are returned.',
    explains: (d) =>
      d.refused([0], 'any') &&
      'find' in d.part &&
      ['sort', 'limit', 'projection'].every((one) => one in d.part),
  },
  {
    name: 'an expression behind a condition that nothing meets',
    mongodb: 'The manual, "$and": what follows a condition that is false is not evaluated.',
    explains: (d) =>
      d.refused([0], 'any') && d.matches(/"\$match":.*"\$match":\{"\$expr":|"\$and":\[.*"\$expr":/),
  },
  {
    name: '$unset of a field in an array',
    mongodb: 'The manual, "$unset": it does nothing where the field does not exist.',
    explains: (d) => d.refused([0], [28]) && d.matches(/"\$unset":\{"[ab]\./),
  },
  {
    name: 'what is not there',
    mongodb: 'DocumentDB refuses it as CommandNotSupported (115); MongoDB has it.',
    explains: (d) => d.theirs.code === 115,
  },
  {
    name: 'arrays on two paths of one index',
    mongodb: 'The manual, "Multikey Indexes": at most one indexed field of a document may be an array; 171.',
    explains: (d) => d.refused([171], [0]),
  },
  {
    name: 'arrays on two paths of one sort',
    mongodb: 'The server: "cannot sort with keys that are parallel arrays", BadValue (2).',
    explains: (d) => d.refused([2], [0]) && d.matches(/"\$?sort":\{"[^}]*,"[^}]*,/),
  },
  {
    name: 'missing fields in a unique index',
    mongodb:
      'The manual, "Unique Indexes": a missing field is stored as null, so only one document may lack it.',
    explains: (d) => d.refused([11000], [0]) && Object.values(d.ours.keyValue ?? {}).includes(null),
  },
  {
    name: 'numbers in the path of a unique index',
    mongodb: 'The manual: "a.0" is the first element of an array; DocumentDB sees duplicates that are none.',
    explains: (d) => d.refused([0], [11000]) && holds(d.sequence, /"key":\{[^}]*"a\.0"/),
  },
  {
    name: '$[] on what is no array',
    mongodb:
      'The server: "Cannot apply array updates to non-array element", BadValue (2), not PathNotViable.',
    explains: (d) => d.refused([2], [28]) && d.matches(/\.\$\[/),
  },
  {
    name: 'conflicting update operators, and no document that matches',
    mongodb: 'The server parses the update before it looks for documents: ConflictingUpdateOperators (40).',
    explains: (d) => d.refused([40], [0, 2, 9, 14, 28]),
  },
  {
    name: 'a field in an empty array',
    mongodb: 'The server: "Cannot create field \'x\' in element {a: []}", PathNotViable (28).',
    explains: (d) => d.refused([28], [9]),
  },
  {
    name: '$pop of what is no array',
    mongodb: 'The server: "contains an element of non-array type", TypeMismatch (14).',
    explains: (d) => d.refused([14], [2]) && d.uses('$pop'),
  },
  {
    name: '$ where the field is no array',
    mongodb:
      'The server: "The positional operator did not find the match needed from the query", BadValue (2).',
    explains: (d) => d.refused([2], 'any') && d.matches(/"a\.\$"/),
  },
  {
    name: '$inc and $mul of what is no number',
    mongodb: 'The server: "Cannot apply $inc to a value of non-numeric type null", TypeMismatch (14).',
    explains: (d) => d.refused([14], [0, 2, 28]) && d.uses('$inc', '$mul'),
  },
  {
    name: 'an array filter on a field of what is no document',
    mongodb: 'The manual: {"e.x": null} matches where there is no e.x. The field then cannot be made: 28.',
    explains: (d) => d.refused([28], [0]) && d.matches(/\.\$\[e\]\.x/),
  },
  {
    name: '$rename into an array',
    mongodb: 'The server: "The destination field cannot be an array element", BadValue (2).',
    explains: (d) => d.refused([2], [0, 28]) && d.uses('$rename'),
  },
  {
    name: '$rename of a field that is not there',
    mongodb: 'The manual, "$rename": if the field does not exist, it does nothing.',
    explains: (d) => d.refused([0], [9]) && d.uses('$rename'),
  },
  {
    name: '$rename to the same name',
    mongodb: 'The server: "The source and target field for $rename must differ", BadValue (2).',
    explains: (d) => d.refused([2], [40]) && d.uses('$rename'),
  },
  {
    name: 'a let variable of a missing field',
    mongodb: 'The manual: an expression may be a missing value; it is less than null in comparisons.',
    explains: (d) => d.refused([0], [2]) && d.matches(/\$\$v"/),
  },
  {
    name: 'operands of $add behind a null',
    mongodb: 'The manual: $add with a null is null. The server stops at the first one.',
    explains: (d) => d.refused([0], [14]) && d.uses('$add'),
  },
  {
    name: 'an accumulator with a list of arguments',
    mongodb: 'The server: "The $min accumulator is a unary operator" (40237).',
    explains: (d) => d.refused([40237], [0]),
  },
  {
    name: '$replaceRoot by no document, where only a count follows',
    mongodb: 'The manual: newRoot must evaluate to a document, otherwise the stage fails (40228).',
    explains: (d) => d.refused([40228], [0]) && d.uses('$replaceRoot', '$replaceWith'),
  },
  {
    name: 'which of several errors is told',
    mongodb: 'The manual does not say in which order stages are checked and constants are worked out.',
    explains: (d) => d.refused('any', 'any') && d.stages.length > 1,
  },
  {
    name: 'errors in values that nobody asks for',
    mongodb:
      'The manual promises neither; DocumentDB leaves out stages whose result a later stage does not need.',
    explains: (d) =>
      d.refused('any', [0]) &&
      d.stages.slice(1).some((stage) => NARROWING.includes(Object.keys(stage)[0] ?? '')),
  },
  {
    name: 'constants that cannot be worked out, where there are no documents',
    mongodb:
      'The server folds constants when it optimizes a pipeline, and fails then, whatever the collection holds.',
    explains: (d) =>
      d.refused('any', [0]) &&
      (d.theirs.text === '[]' || (d.stages.length > 0 && d.matches(/"(u|update)":\[/))),
  },
  {
    name: 'a field that an earlier stage took away',
    mongodb: 'The manual: $unset removes the field; what follows sees a missing value.',
    explains: (d) => d.refused([0], 'any') && [...d.after('$unset'), ...d.after('$project')].length > 0,
  },
  {
    name: 'the _id behind a $replaceWith in an update',
    mongodb:
      'The manual: the stage replaces the document, all fields of it; an update puts its _id back at the end.',
    explains: (d) =>
      d.refused([0], 'any') &&
      !('pipeline' in d.part) &&
      [...d.after('$replaceWith'), ...d.after('$replaceRoot')].length > 0,
  },
  {
    name: 'which document of several stops an update',
    mongodb: 'The manual does not say in which order an update goes through the documents.',
    explains: (d) => d.refused('any', 'any') && d.part.multi === true,
  },
  {
    name: 'bits of fractions, where an update then fails',
    mongodb: 'The manual: a number matches only if it can be represented as a signed 64-bit integer.',
    explains: (d) =>
      d.refused([0], 'any') && d.matches(/"\$bits(All|Any)(Set|Clear)"/) && holds(d.sequence, FRACTION),
  },
  {
    name: 'which of two indexes refuses',
    mongodb: 'The manual does not say in which order the keys of a document are checked.',
    explains: (d) => d.refused([171], [11000]),
  },
];

/** Answers that differ in their values. */
const VALUES: readonly KnownDifference[] = [
  {
    name: '$count of nothing',
    mongodb: 'The manual: $count is a $group and a $project; a $group of no documents gives no document.',
    explains: (d) => d.uses('$count') && d.theirs.text.includes('{\\"n\\":{\\"$numberInt\\":\\"0\\"}}'),
  },
  {
    name: 'distinct by an index that leads to an array',
    mongodb: 'The manual, "distinct": of a field that is an array each element counts as a value.',
    explains: (d) => 'distinct' in d.part && /\.0$/.test(String(d.part.key)),
  },
  {
    name: '$group by a path that leads nowhere',
    mongodb: 'The manual: documents without the field are grouped under null. DocumentDB leaves _id out.',
    explains: (d) =>
      d.uses('$group', '$sortByCount') &&
      (d.same(withoutNullIds) ||
        // Where it has a group for null besides.
        (d.matches(/"\$group":\{"_id":(\{"[^}]*)?"\$[ab]\./) && /\{\\"m\\"/.test(d.theirs.text)) ||
        // Where its two groups of them are counted.
        (d.matches(/"\$group":\{"_id":"\$[ab]\./) && d.after('$group').includes('$group'))),
  },
  {
    name: 'place of a field whose inner field is set',
    mongodb: 'The manual: $addFields replaces the value of a field that is there; the field keeps its place.',
    explains: (d) => d.uses('$addFields', '$set', '$project') && d.stages.length > 0 && d.same(withoutOrder),
  },
  {
    name: 'order of fields that an update makes',
    mongodb: 'The manual: since 5.0 update operators go through the fields in the order of their names.',
    explains: (d) => ('find' in d.ours.command || 'findAndModify' in d.ours.command) && d.same(withoutOrder),
  },
  {
    name: 'empty arrays in a sort',
    mongodb: 'The manual, "Comparison/Sort Order": an empty array is less than null or a missing field.',
    explains: (d) =>
      d.matches(/"\$?sort":\{"[abc]/) &&
      /\[\]/.test(d.ours.text + d.theirs.text + JSON.stringify(d.sequence)) &&
      (d.uses('limit', 'skip', '$limit', '$skip', 'findAndModify') || d.same(withoutSequence)),
  },
  {
    name: 'a sort by two fields of one array',
    mongodb: 'The server sorts by the element whose values come first together, as a multikey index does.',
    explains: (d) =>
      d.matches(/"\$?sort":\{[^}]*"([ab])(\.\w+)?"[^}]*"\1(\.\w+)?"/) && holds(d.sequence, /"[ab]":\[/),
  },
  {
    name: 'which of equal documents comes first',
    mongodb:
      'The manual, "$sort": documents with equal sort values may come in any order. By then they have no _id.',
    explains: (d) => [...d.after('$replaceRoot'), ...d.after('$replaceWith')].includes('$sort'),
  },
  {
    name: 'size of buckets',
    mongodb: 'The server: each bucket takes the rounded share of the documents, the last one what is left.',
    explains: (d) => d.uses('$bucketAuto'),
  },
  {
    name: 'comparison of two missing values',
    mongodb: 'The server: a missing value equals a missing value, and is less than null.',
    explains: (d) => d.matches(new RegExp(String.raw`"\$(cmp|eq|ne|gte?|lte?)":\[${FIELD_PATH}`)),
  },
  {
    name: 'an update that leaves a document as it is',
    mongodb: 'The manual, "update": nModified excludes documents that are already as they are to be.',
    explains: (d) =>
      d.same(withoutModified) &&
      // By 0, or by 1 as a factor; or a document in its own place.
      d.matches(/"\$inc":\{[^}]*:0[,}]|"\$mul":|"u":\{(?!"\$)/),
  },
  {
    name: '$push that leaves nothing',
    mongodb: 'The server makes the missing array all the same, empty.',
    explains: (d) => /"\$slice":0/.test(JSON.stringify(d.sequence.commands)) && /\[\]/.test(d.ours.text),
  },
  {
    name: 'fractions as conditions',
    mongodb: 'The manual: every number but 0 is true. DocumentDB takes 0.5 for 0.',
    explains: (d) =>
      d.uses(
        '$expr',
        '$cond',
        '$and',
        '$or',
        '$not',
        '$toBool',
        '$allElementsTrue',
        '$anyElementTrue',
        '$filter',
        '$redact',
      ) && holds(d.sequence, /"-?0\.[15]"/),
  },
  {
    name: 'bits of fractions',
    mongodb: 'The manual: a number matches only if it can be represented as a signed 64-bit integer.',
    explains: (d) =>
      d.uses('$bitsAllSet', '$bitsAllClear', '$bitsAnySet', '$bitsAnyClear') && holds(d.sequence, FRACTION),
  },
  {
    name: '$graphLookup from a null',
    mongodb: 'The manual, "Query for Null or Missing Fields": null finds the documents that lack the field.',
    explains: (d) => d.uses('$graphLookup') && holds(d.sequence, /null/),
  },
  {
    name: 'what an earlier $unset took away',
    mongodb: 'The manual: $unset removes the field, and nothing of what is no document.',
    explains: (d) => d.after('$unset').length > 0,
  },
  {
    name: '$redact before a count',
    mongodb: 'The manual: $redact takes documents away; a count that follows counts the others.',
    explains: (d) =>
      d.uses('$redact') && d.after('$redact').some((name) => name === '$count' || name === '$group'),
  },
  {
    name: 'empty documents in $facet',
    mongodb: 'The manual: each sub-pipeline has all input documents; DocumentDB leaves out empty ones.',
    explains: (d) => d.uses('$facet') && d.ours.text.includes('{}'),
  },
  {
    name: '$avg of integers',
    mongodb: 'The server: an average is a double, or a decimal; as an expression DocumentDB makes it an int.',
    explains: (d) => d.uses('$avg') && d.same(withoutTypes),
  },
];

export function explanation(ours: Answer, theirs: Answer, sequence: Sequence): KnownDifference | undefined {
  const difference = new Difference(ours, theirs, sequence);
  const list = difference.answered ? VALUES : REFUSALS;
  return list.find((known) => known.explains(difference));
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [...REFUSALS, ...VALUES];
