import { parseArgs } from 'node:util';

export type Options = {
  readonly rounds: number;
  /** Of each sample, after `warmup` seconds. */
  readonly seconds: number;
  readonly warmup: number;
  readonly connections: number;
  /** `null`: all. */
  readonly cases: readonly string[] | null;
  /** Where the samples go; `null`: a new file under `results/`. */
  readonly json: string | null;
  /** A case to profile instead of measuring. */
  readonly profile: string | null;
  readonly storedKeys: number;
  /** How long a sample waits for other processes to calm down. */
  readonly patienceSeconds: number;
};

export const USAGE = `Usage: npm run bench -- [OPTIONS]

  --cases A,B,C      only these, and the floors that they are compared with
  --rounds N         5
  --seconds S        8, of each sample
  --warmup S         2, before each sample
  --connections N    50, kept alive, one request at a time on each
  --stored N         1000000, keys in the case of a large database
  --json FILE        where every sample goes; a new file in bench/results otherwise
  --profile CASE     where the time of that case goes, by function, instead of a table
  --quick            one short round on a small database: shows that all works, measures nothing

With TEST_MONGODB_URI, the cases are also run on that MongoDB (NAME@mongodb).`;

const FULL = { rounds: 5, seconds: 8, warmup: 2, storedKeys: 1_000_000, patienceSeconds: 60 };
const QUICK = { rounds: 1, seconds: 2, warmup: 1, storedKeys: 20_000, patienceSeconds: 0 };

const positive = (name: string, text: string | undefined, fallback: number): number => {
  const number = text === undefined ? fallback : Number(text);
  if (!(number > 0)) throw new Error(`--${name} takes a number above 0, not "${text}".`);
  return number;
};

/** `null` where help is asked for. Throws for what it does not understand. */
export const readOptions = (args: string[]): Options | null => {
  const { values } = parseArgs({
    args,
    options: {
      cases: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      connections: { type: 'string' },
      stored: { type: 'string' },
      json: { type: 'string' },
      profile: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const preset = values.quick ? QUICK : FULL;
  return {
    rounds: positive('rounds', values.rounds, preset.rounds),
    seconds: positive('seconds', values.seconds, preset.seconds),
    warmup: positive('warmup', values.warmup, preset.warmup),
    connections: positive('connections', values.connections, 50),
    cases: values.cases?.split(',') ?? null,
    json: values.json ?? null,
    profile: values.profile ?? null,
    storedKeys: positive('stored', values.stored, preset.storedKeys),
    patienceSeconds: preset.patienceSeconds,
  };
};
