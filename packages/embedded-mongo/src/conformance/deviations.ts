/** What MongoDB's manual says, where DocumentDB is known to do something else. */
export const DEVIATIONS = {
  codes: 'every refusal has a code of its own; DocumentDB has 8 for many',
  parsing: 'what is wrong in an update is told before a document is looked for',
  regexValues: '$eq with a regular expression finds that expression, not what it matches',
  nestedArrays: 'a path that ends in an array element means that element as a whole',
  averages: 'an average of decimals is a decimal',
  arraySort: 'a sort by two fields of one array goes by its elements, and one by two arrays is refused',
  commands: 'capped and clustered collections, bulkWrite, and collations in every command',
  whiteSpace: '$trim takes off the characters that the manual lists, and no others',
  equalSortValues: 'a $derivative between equal values is null',
  arguments: 'arguments of commands are checked',
} as const;

export type Deviation = keyof typeof DEVIATIONS;
