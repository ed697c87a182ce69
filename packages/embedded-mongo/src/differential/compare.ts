import type { Db, Document } from 'mongodb';
import { explanation, type KnownDifference } from './known.ts';
import { type Answer, perform } from './perform.ts';
import type { Sequence } from './sequence.ts';

export interface Found {
  ours: Answer;
  theirs: Answer;
  known: KnownDifference | undefined;
}

const isMulti = (command: Document): boolean =>
  ((command.updates ?? []) as Document[]).some(({ multi }) => multi === true);

/**
 * The first difference between two servers in a sequence. What follows a difference is not compared: the two
 * collections may be different from then on.
 */
export async function firstDifference(ours: Db, theirs: Db, sequence: Sequence): Promise<Found | undefined> {
  const [mine, other] = await Promise.all([perform(ours, sequence), perform(theirs, sequence)]);
  for (const [i, answer] of mine.entries()) {
    const counterpart = other[i];
    if (counterpart && counterpart.text !== answer.text)
      return { ours: answer, theirs: counterpart, known: explanation(answer, counterpart, sequence) };
    // What an update of many has done before its error stays done in MongoDB; not every server does so.
    if (answer.code > 0 && isMulti(answer.command)) return undefined;
  }
  return undefined;
}
