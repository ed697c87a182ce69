import { EJSON } from 'bson';
import { type Db, type Document, MongoServerError } from 'mongodb';
import type { Sequence } from './sequence.ts';

/** One command and what a server said to it, in a form in which equal answers are equal texts. */
export interface Answer {
  command: Document;
  /** Canonical extended JSON: number types count. */
  text: string;
  /** The error's code, or 0; of a batch, that of its first error. */
  code: number;
  /** The code of each statement of a batch, 0 where there was no error; otherwise the command's own. */
  codes: number[];
  /** Of a duplicate key; of one with a null, if there is one. */
  keyValue: Document | undefined;
}

const TYPED = { promoteValues: false, promoteLongs: false, bsonRegExp: true } as const;

const text = (value: unknown): string => EJSON.stringify(value, { relaxed: false });

/** Whether the order of the answer's documents is part of the promise. */
function isOrdered(command: Document): boolean {
  if ('find' in command) return true;
  const stages = (command.pipeline ?? []) as Document[];
  const names = stages.map((stage) => Object.keys(stage)[0]);
  const last = names.lastIndexOf('$sort');
  const mixing = [
    '$group',
    '$unwind',
    '$unionWith',
    '$sortByCount',
    '$bucket',
    '$bucketAuto',
    '$densify',
    '$fill',
    '$facet',
    '$sample',
    '$setWindowFields',
  ];
  return last >= 0 && !names.slice(last).some((name) => mixing.includes(name ?? ''));
}

function comparable(command: Document, reply: Document): unknown {
  if (reply.cursor) {
    const batch = (reply.cursor.firstBatch as unknown[]).map(text);
    return isOrdered(command) ? batch : batch.sort();
  }
  // Of equal values with different types any may stand for all.
  if ('distinct' in command)
    return (reply.values as unknown[]).map((value) => EJSON.stringify(value, { relaxed: true })).sort();
  const { ok: _ok, note: _freeText, writeErrors, ...rest } = reply;
  const errors = (writeErrors as Document[] | undefined)?.map(({ index, code }) => ({ index, code }));
  // The order of a reply's own fields means nothing.
  const sorted = Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
  return errors ? { ...sorted, writeErrors: errors } : sorted;
}

export async function ask(database: Db, command: Document): Promise<Answer> {
  try {
    const reply = await database.command(command, TYPED);
    const errors = (reply.writeErrors ?? []) as Document[];
    const [first] = errors;
    const codes: number[] = [];
    for (const { index, code } of errors) codes[Number(index)] = Number(code);
    const lacking = errors.find(({ keyValue }) => Object.values(keyValue ?? {}).includes(null));
    return {
      command,
      text: text(comparable(command, reply)),
      code: Number(first?.code ?? 0),
      codes,
      keyValue: (lacking ?? first)?.keyValue,
    };
  } catch (error) {
    if (!(error instanceof MongoServerError)) throw error;
    const code = Number(error.code);
    return { command, text: `error ${code}`, code, codes: [code], keyValue: error.keyValue };
  }
}

/**
 * Emptying a collection is much faster than making one, on some servers. Indexes go with their collection: to drop
 * them one by one while others work has brought a server down.
 */
async function empty(database: Db): Promise<void> {
  const { cursor } = await database.command({ listCollections: 1, nameOnly: true });
  if ((cursor.firstBatch as Document[]).some(({ name }) => name === 'items')) {
    const indexes = await database.command({ listIndexes: 'items' });
    if (indexes.cursor.firstBatch.length === 1) {
      await database.command({ delete: 'items', deletes: [{ q: {}, limit: 0 }] });
      return;
    }
    await database.command({ drop: 'items' });
  }
  await database.command({ create: 'items' });
}

/** Runs a sequence on an empty `items` and returns all answers; the last one is the final state. */
export async function perform(database: Db, sequence: Sequence): Promise<Answer[]> {
  await empty(database);
  const commands: Document[] = [
    ...(sequence.documents.length > 0 ? [{ insert: 'items', documents: sequence.documents }] : []),
    ...sequence.indexes.map((index) => ({ createIndexes: 'items', indexes: [index] })),
    ...sequence.commands,
    { find: 'items', filter: {}, sort: { _id: 1 } },
  ];
  const answers: Answer[] = [];
  for (const command of commands) answers.push(await ask(database, command));
  return answers;
}
