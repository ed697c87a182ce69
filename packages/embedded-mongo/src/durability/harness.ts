import { type Db, MongoClient } from 'mongodb';
import type { EmbeddedMongo } from '../start.ts';
import { Changer } from './changer.ts';
import type { Stored } from './ledger.ts';
import { type Tally, Writer } from './writer.ts';

const WRITERS = 8;
/** The server is killed at a random moment of so many milliseconds after it began to be written to. */
const SHORTEST_MS = 15;
const LONGEST_MS = 500;

export interface Figures {
  kills: number;
  /** Acknowledged requests, by kind. */
  acknowledged: Tally;
  /** Documents whose last change nobody had answered when the server was killed. */
  underWay: number;
  relaxed: number;
  validated: number;
  restartMs: number[];
  problems: string[];
}

/**
 * Starts the engine, has it written to by several writers at once, kills it (`kill -9`) at a random moment, starts
 * it again and compares; as often as is asked for, on the same data. Ends early when something is wrong.
 */
export async function killOften(
  start: () => Promise<EmbeddedMongo>,
  kills: number,
  progress: (done: number) => void = () => {},
): Promise<Figures> {
  const figures: Figures = {
    kills: 0,
    acknowledged: {},
    underWay: 0,
    relaxed: 0,
    validated: 0,
    restartMs: [],
    problems: [],
  };
  const writers = Array.from({ length: WRITERS }, (_, number) => new Writer(number));
  const changer = new Changer();
  for (;;) {
    const before = performance.now();
    const engine = await start();
    if (figures.kills > 0) figures.restartMs.push(performance.now() - before);
    const client = await MongoClient.connect(engine.uri, { retryWrites: false, retryReads: false });
    const database = client.db('harness');
    try {
      if (figures.kills === 0) await prepare(database);
      else figures.problems.push(...(await check(database, writers, changer, figures)));
      if (figures.kills >= kills || figures.problems.length > 0) {
        await engine.stop();
        return figures;
      }
      const work = [...writers, changer].map((one) => one.run(database, figures.acknowledged));
      const failed = Promise.all(work).then(
        () => undefined,
        (error: unknown) => figures.problems.push(String(error)),
      );
      const moment = SHORTEST_MS + Math.random() * (LONGEST_MS - SHORTEST_MS);
      await new Promise((resolve) => setTimeout(resolve, moment));
      process.kill(engine.pid, 'SIGKILL');
      await engine.exited;
      await client.close(true);
      await Promise.allSettled([...work, failed]);
      for (const { items, claims } of writers) figures.underWay += items.uncertain + claims.uncertain;
      progress(++figures.kills);
    } finally {
      await client.close(true);
    }
  }
}

async function prepare(database: Db): Promise<void> {
  await database
    .collection('items')
    .createIndexes([
      { key: { unique: 1 }, unique: true },
      { key: { tags: 1 } },
      { key: { writer: 1, rev: -1 } },
      { key: { n: 1 }, partialFilterExpression: { rev: { $gt: 50 } } },
    ]);
  await database.collection('claims').createIndex({ name: 1 }, { unique: true });
}

async function contents(database: Db, name: string): Promise<Stored[]> {
  return database.collection(name).find().toArray();
}

async function check(
  database: Db,
  writers: readonly Writer[],
  changer: Changer,
  figures: Figures,
): Promise<string[]> {
  const problems: string[] = [];
  for (const { name } of await database.listCollections({}, { nameOnly: true }).toArray()) {
    const { valid, errors } = await database.command({ validate: name });
    figures.validated++;
    if (!valid) problems.push(`validate ${name}: ${JSON.stringify(errors)}`);
  }
  for (const name of ['items', 'claims'] as const) {
    const stored = await contents(database, name);
    for (const [number, writer] of writers.entries()) {
      const own = stored.filter((doc) => String(doc._id).startsWith(`${number}-`));
      problems.push(...writer[name].check(new Map(own.map((doc) => [String(doc._id), doc]))));
    }
  }
  const counters = new Map((await contents(database, 'counters')).map((doc) => [doc._id, Number(doc.n)]));
  for (const [number, { counter }] of writers.entries()) {
    const found = counters.get(number) ?? 0;
    if (found < counter.certain || found > counter.sent)
      problems.push(`counter ${number} is ${found}, not between ${counter.certain} and ${counter.sent}`);
    figures.relaxed += counter.answered - counter.before;
    writers[number]?.restart(found);
  }
  problems.push(...(await changer.check(database)));
  return problems;
}
