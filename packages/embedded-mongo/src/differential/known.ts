import type { Document } from 'mongodb';
import type { Answer } from './perform.ts';
import type { Sequence } from './sequence.ts';

/** A difference that is no fault of the embedded engine, and why. */
export interface KnownDifference {
  name: string;
  /** What MongoDB's manual, or its source, says. */
  mongodb: string;
  /** Whether this accounts for two answers to one command being different. */
  explains(ours: Answer, theirs: Answer, sequence: Sequence): boolean;
}

const stages = (answer: Answer): Document[] => (answer.command.pipeline ?? []) as Document[];

const asked = (answer: Answer): string => JSON.stringify(answer.command);

/** As the command's own error, or as that of any of its statements. */
const hasCode = (answer: Answer, code: number): boolean =>
  answer.code === code || answer.text.includes(`"code":{"$numberInt":"${code}"}`);

const uses = (answer: Answer, name: string): boolean => asked(answer).includes(name);

/** All from DocumentDB; a mongod has none of them. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    name: 'error without a code of its own',
    mongodb: 'DocumentDB reports many refusals as 8 (UnknownError); MongoDB has a code for each.',
    explains: (ours, theirs) => theirs.code === 8 && (ours.code > 0 || stages(ours).length > 1),
  },
  {
    name: '$count of nothing',
    mongodb: 'The manual: $count is a $group and a $project; a $group of no documents gives no document.',
    explains: (ours, theirs) =>
      stages(ours).some((stage) => '$count' in stage) &&
      theirs.text.includes('{\\"n\\":{\\"$numberInt\\":\\"0\\"}}'),
  },
  {
    name: 'arrays on two paths of one index',
    mongodb: 'The manual, "Multikey Indexes": at most one indexed field of a document may be an array; 171.',
    explains: (ours) => ours.code === 171,
  },
  {
    name: 'missing fields in a unique index',
    mongodb:
      'The manual, "Unique Indexes": a missing field is stored as null, so only one document may lack it.',
    explains: (ours) => ours.code > 0 && Object.values(ours.keyValue ?? {}).includes(null),
  },
  {
    name: '$[] on what is no array',
    mongodb:
      'The server: "Cannot apply array updates to non-array element", BadValue (2), not PathNotViable.',
    explains: (ours, theirs) => ours.code > 0 && theirs.code > 0 && uses(ours, '.$['),
  },
  {
    name: 'conflicting update operators, and no document that matches',
    mongodb: 'The server parses the update before it looks for documents: ConflictingUpdateOperators (40).',
    explains: (ours) => hasCode(ours, 40),
  },
  {
    name: '$replaceRoot by no document, where only a count follows',
    mongodb: 'The manual: newRoot must evaluate to a document, otherwise the stage fails (40228).',
    explains: (ours, theirs) => ours.code === 40228 && theirs.code === 0,
  },
  {
    name: 'what is not there',
    mongodb: 'DocumentDB refuses it as CommandNotSupported (115); MongoDB has it.',
    explains: (_ours, theirs) => theirs.code === 115,
  },
  {
    name: '$group by a path that leads nowhere',
    mongodb: 'The manual: documents without the field are grouped under null. DocumentDB leaves _id out.',
    explains: (ours, theirs) =>
      ours.code === theirs.code &&
      (withoutNullIds(ours) === withoutNullIds(theirs) ||
        /"\$group":\{"_id":"\$[ab]\.[xy]"/.test(asked(ours))),
  },
  {
    name: 'place of a field whose inner field is set',
    mongodb: 'The manual: $addFields replaces the value of a field that is there; the field keeps its place.',
    explains: (ours, theirs) =>
      (/"[abd]\.[xye]":/.test(asked(ours)) || /\$(project|addFields|set)"/.test(asked(ours))) &&
      sortedFields(ours) === sortedFields(theirs),
  },
  {
    name: 'empty arrays in a sort',
    mongodb: 'The manual, "Comparison/Sort Order": an empty array is less than null or a missing field.',
    explains: (ours, theirs, sequence) =>
      (ours.code === theirs.code || 'findAndModify' in ours.command) &&
      JSON.stringify(sequence).includes('[]') &&
      /"(\$sort|sort)":\{"[abc]/.test(asked(ours)),
  },
  {
    name: 'errors in values that nobody asks for',
    mongodb:
      'The manual promises neither; DocumentDB leaves out stages whose result a later stage does not need.',
    explains: (ours, theirs) => ours.code > 0 && theirs.code === 0 && stages(ours).length > 1,
  },
  {
    name: 'a field in an empty array',
    mongodb: 'The server: "Cannot create field \'x\' in element {a: []}", PathNotViable (28).',
    explains: (ours, theirs) => ours.code === 28 && theirs.code === 9,
  },
  {
    name: '$pop of what is no array',
    mongodb: 'The server: "contains an element of non-array type", TypeMismatch (14).',
    explains: (ours, theirs) => ours.code === 14 && theirs.code === 2 && uses(ours, '$pop'),
  },
  {
    name: 'order of fields that an update makes',
    mongodb: 'The manual: since 5.0 update operators go through the fields in the order of their names.',
    explains: (ours, theirs) =>
      ('find' in ours.command || 'findAndModify' in ours.command) &&
      ours.code === 0 &&
      sortedFields(ours) === sortedFields(theirs),
  },
  {
    name: '$ where the field is no array',
    mongodb:
      'The server: "The positional operator did not find the match needed from the query", BadValue (2).',
    explains: (ours, theirs) => ours.code > 0 && theirs.code > 0 && uses(ours, '"a.$"'),
  },
  {
    name: '$inc and $mul of what is no number',
    mongodb: 'The server: "Cannot apply $inc to a value of non-numeric type null", TypeMismatch (14).',
    explains: (ours) => hasCode(ours, 14) && (uses(ours, '"$inc"') || uses(ours, '"$mul"')),
  },
  {
    name: 'a let variable of a missing field',
    mongodb: 'The manual: an expression may be a missing value; it is less than null in comparisons.',
    explains: (ours, theirs) => ours.code === 0 && theirs.code === 2 && uses(ours, '$$v'),
  },
  {
    name: 'an array filter on a field of what is no document',
    mongodb: 'The manual: {"e.x": null} matches where there is no e.x. The field then cannot be made: 28.',
    explains: (ours, theirs) => ours.code === 28 && theirs.code === 0 && uses(ours, '.$['),
  },
  {
    name: 'which of several errors is told',
    mongodb: 'The manual does not say in which order stages are checked and constants are worked out.',
    explains: (ours, theirs) => ours.code > 0 && theirs.code > 0 && stages(ours).length > 1,
  },
  {
    name: 'constants that cannot be worked out, where there are no documents',
    mongodb:
      'The server folds constants when it optimizes a pipeline, and fails then, whatever the collection holds.',
    explains: (ours, theirs) =>
      ours.code > 0 && ((theirs.code === 0 && theirs.text === '[]') || /"(u|update)":\[/.test(asked(ours))),
  },
  {
    name: 'operands of $add behind a null',
    mongodb: 'The manual: $add with a null is null. The server stops at the first one.',
    explains: (ours, theirs) => ours.code === 0 && theirs.code === 14 && uses(ours, '"$add"'),
  },
  {
    name: '$rename into an array',
    mongodb: 'The server: "The destination field cannot be an array element", BadValue (2).',
    explains: (ours, theirs) => ours.code !== theirs.code && uses(ours, '"$rename"'),
  },
  {
    name: 'comparison of two missing values',
    mongodb: 'The server: a missing value equals a missing value, and is less than null.',
    explains: (ours, theirs) =>
      ours.code === 0 && theirs.code === 0 && /"\$(cmp|eq|gt|lte)":\["\$/.test(asked(ours)),
  },
  {
    name: 'numbers in the path of a unique index',
    mongodb: 'The manual: "a.0" is the first element of an array; DocumentDB sees duplicates that are none.',
    explains: (ours, theirs) => ours.code === 0 && theirs.code === 11000 && uses(ours, 'a.0'),
  },
  {
    name: 'an accumulator with a list of arguments',
    mongodb: 'The server: "The $min accumulator is a unary operator" (40237).',
    explains: (ours, theirs) => ours.code === 40237 && theirs.code === 0,
  },
  {
    name: 'a field that an earlier stage took away',
    mongodb: 'The manual: $unset removes the field; what follows sees a missing value.',
    explains: (ours, theirs) => ours.code === 0 && theirs.code > 0 && uses(ours, '"$unset"'),
  },
  {
    name: '$push that leaves nothing',
    mongodb: 'The server makes the missing array all the same, empty.',
    explains: (ours, theirs) => ours.code === 0 && theirs.code === 0 && uses(ours, '"$push"'),
  },
  {
    name: 'fractions as conditions',
    mongodb: 'The manual: every number but 0 is true. DocumentDB takes 0.5 for 0.',
    explains: (ours, theirs, sequence) =>
      ours.code === 0 &&
      theirs.code === 0 &&
      /\$(expr|cond|and|or|not|toBool|allElementsTrue|filter)"/.test(asked(ours)) &&
      /\.5/.test(JSON.stringify(sequence)),
  },
  {
    name: 'empty documents in $facet',
    mongodb: 'The manual: each sub-pipeline has all input documents; DocumentDB leaves out empty ones.',
    explains: (ours, theirs) =>
      ours.code === 0 && theirs.code === 0 && uses(ours, '"$facet"') && ours.text.includes('{}'),
  },
  {
    name: '$avg of integers',
    mongodb: 'The server: an average is a double, or a decimal; as an expression DocumentDB makes it an int.',
    explains: (ours, theirs) => ours.code === 0 && theirs.code === 0 && uses(ours, '"$avg"'),
  },
];

const withoutNullIds = (answer: Answer): string =>
  answer.text.replaceAll('\\"_id\\":null', '').replaceAll('{,', '{');

/** The answer with its characters in order: equal for documents that differ in the order of their fields only. */
const sortedFields = (answer: Answer): string => [...answer.text].sort().join('');

export function explanation(ours: Answer, theirs: Answer, sequence: Sequence): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find((known) => known.explains(ours, theirs, sequence));
}
