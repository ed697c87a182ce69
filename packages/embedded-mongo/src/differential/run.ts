import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { Db, MongoClient } from 'mongodb';
import { firstDifference } from './compare.ts';
import { ask, perform } from './perform.ts';
import { type Sequence, sequence } from './sequence.ts';

export interface Figures {
  runs: number;
  /** Commands whose answers were compared, or checked. */
  commands: number;
  /** How often each known difference was met. */
  known: Map<string, number>;
}

const show = (answer: { text: string }): string =>
  answer.text.length > 2000 ? `${answer.text.slice(0, 2000)}...` : answer.text;

/** Runs random sequences on both servers. Throws, with the shrunk sequence, at the first unknown difference. */
export async function compareServers(
  ours: MongoClient,
  theirs: MongoClient,
  runs: number,
  seed: number,
): Promise<Figures> {
  const name = `differential_${randomBytes(6).toString('hex')}`;
  const [mine, other] = [ours.db(name), theirs.db(name)];
  const figures: Figures = { runs, commands: 0, known: new Map() };
  try {
    await fc.assert(
      fc.asyncProperty(sequence, async (given) => {
        figures.commands += given.commands.length;
        const difference = await firstDifference(mine, other, given);
        if (!difference) return;
        const { known } = difference;
        if (known) figures.known.set(known.name, (figures.known.get(known.name) ?? 0) + 1);
        else
          throw new Error(
            `${JSON.stringify(difference.ours.command)}\n  ours:   ${show(difference.ours)}\n  theirs: ${show(difference.theirs)}`,
          );
      }),
      { numRuns: runs, seed, endOnFailure: false },
    );
  } finally {
    await Promise.all([mine.dropDatabase(), other.dropDatabase()]);
  }
  return figures;
}

/** What holds on one server alone: indexes agree with documents, and change no answer. */
async function checkAlone(database: Db, given: Sequence): Promise<void> {
  await perform(database, given);
  const verdict = await database.command({ validate: 'items' });
  if (verdict.valid !== true) throw new Error(`validate: ${JSON.stringify(verdict.errors)}`);
  for (const { find: _name, projection: _shape, ...command } of given.commands.filter(
    (one) => 'find' in one,
  )) {
    const query = { find: 'items', ...command };
    const [planned, scanned] = (
      await Promise.all([ask(database, query), ask(database, { ...query, hint: { $natural: 1 } })])
    ).map(({ text }) => text);
    if (planned !== scanned)
      throw new Error(`${JSON.stringify(query)}\n  by index: ${planned}\n  by scan:  ${scanned}`);
  }
}

/** Runs random sequences on one server and checks what can be checked without another. */
export async function checkInvariants(client: MongoClient, runs: number, seed: number): Promise<Figures> {
  const database = client.db(`differential_${randomBytes(6).toString('hex')}`);
  const figures: Figures = { runs, commands: 0, known: new Map() };
  try {
    await fc.assert(
      fc.asyncProperty(sequence, async (given) => {
        figures.commands += given.commands.length;
        await checkAlone(database, given);
      }),
      { numRuns: runs, seed },
    );
  } finally {
    await database.dropDatabase();
  }
  return figures;
}
