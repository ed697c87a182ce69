/** What a command line asks for, once it has been understood. Resolves with the exit status. */
export type Command = () => Promise<number>;

/** Not understood: the exit status is 2, and the usage is shown. */
export class UsageError extends Error {}

/** A name of several words comes in several parts where the quotes were forgotten. */
export const refuseRest = (name: string, rest: readonly string[]): void => {
  if (rest.length === 0) return;
  throw new UsageError(`Put a name of several words in quotes: "${[name, ...rest].join(' ')}".`);
};
