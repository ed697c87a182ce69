import { KaanaError } from '@kaana/core';
import { type Command, UsageError } from './commands/command.ts';
import { KEYS_IMPORT_USAGE, readKeysImport } from './commands/keys-import.ts';
import { ORGANIZATION_SET_USAGE, readOrganizationSet } from './commands/organization-set.ts';
import { readScan, SCAN_USAGE } from './commands/scan.ts';
import { EnvironmentError } from './environment.ts';

/** Name -> what reads the arguments after it. */
const COMMANDS: Readonly<Record<string, (args: string[]) => Command>> = {
  'organization set': readOrganizationSet,
  'keys import': readKeysImport,
  scan: readScan,
};

const USAGE = `Usage: npm run kaana -- COMMAND

Commands work on the same MONGODB_URI or DATA_DIR as the server, also while it runs.

  ${[ORGANIZATION_SET_USAGE, KEYS_IMPORT_USAGE, SCAN_USAGE].join('\n  ')}`;

/** Options may stand before and between the words of a command. */
const splitCommand = (args: readonly string[]): { read: (args: string[]) => Command; rest: string[] } => {
  const words = args.flatMap((text, index) => (text.startsWith('-') ? [] : [{ text, index }]));
  for (const count of [2, 1]) {
    const name = words.slice(0, count);
    const read = COMMANDS[name.map(({ text }) => text).join(' ')];
    if (name.length < count || !read) continue;
    const used = new Set(name.map(({ index }) => index));
    return { read, rest: args.filter((_text, index) => !used.has(index)) };
  }
  throw new UsageError(`No such command: ${words.map(({ text }) => text).join(' ')}`);
};

export const readCommand = (args: readonly string[]): Command | 'help' => {
  const asked = args.slice(0, args.includes('--') ? args.indexOf('--') : args.length);
  if (args.length === 0 || asked.includes('--help') || asked.includes('-h')) return 'help';
  const { read, rest } = splitCommand(args);
  try {
    return read(rest);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(error instanceof Error ? error.message : 'The arguments cannot be read.');
  }
};

/** Runs the command line and returns the exit status: 0 done, 1 refused or failed, 2 not understood. */
export const main = async (args: readonly string[]): Promise<number> => {
  try {
    const command = readCommand(args);
    if (command !== 'help') return await command();
    console.log(USAGE);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${USAGE}`);
      return 2;
    }
    const told = error instanceof KaanaError || error instanceof EnvironmentError;
    console.error(told || (error instanceof Error && 'code' in error) ? (error as Error).message : error);
    return 1;
  }
};
