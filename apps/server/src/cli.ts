import { parseArgs } from 'node:util';
import { parsePeppers } from '@kaana/api-key/digest';
import {
  createKeys,
  KaanaError,
  type OperatorChange,
  PLANS,
  type Plan,
  requestsPerMinute,
  setOrganization,
  systemClock,
} from '@kaana/core';
import { connect } from '@kaana/db';
import { joinDatabaseServer } from './database.ts';
import { EnvironmentError, readEnvironment } from './environment.ts';
import { loadPepper } from './secrets.ts';

const USAGE = `Usage: npm run kaana -- organization set NAME [--plan standard|enterprise] [--requests-per-minute N|plan]

Works on the same MONGODB_URI or DATA_DIR as the server, also while it runs, and takes effect with the next request.
  --plan                 the plan of the organization
  --requests-per-minute  requests per account in 60 seconds; "plan" for the plan's own limit`;

class UsageError extends Error {}

const MAX_REQUESTS_PER_MINUTE = 1_000_000_000;

const readLimit = (text: string): number | null => {
  if (text === 'plan') return null;
  const limit = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_REQUESTS_PER_MINUTE) return limit;
  throw new UsageError(
    `--requests-per-minute takes a whole number from 1 to ${MAX_REQUESTS_PER_MINUTE}, or "plan".`,
  );
};

const readPlan = (text: string): Plan => {
  const plan = PLANS.find((known) => known === text);
  if (!plan) throw new UsageError(`--plan takes ${PLANS.join(' or ')}, not "${text}".`);
  return plan;
};

export type Command = { readonly name: string; readonly change: OperatorChange };

export const readCommand = (args: string[]): Command | 'help' => {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'The arguments cannot be read.');
  }
  const { values, positionals } = parsed;
  if (values.help || positionals.length === 0) return 'help';
  const [noun, verb, name, ...rest] = positionals;
  if (noun !== 'organization' || verb !== 'set')
    throw new UsageError(`No such command: ${positionals.join(' ')}`);
  if (name === undefined) throw new UsageError('Which organization? Give its NAME.');
  if (rest.length > 0)
    throw new UsageError(`Put a name of several words in quotes: "${[name, ...rest].join(' ')}".`);
  const { plan, 'requests-per-minute': limit } = values;
  if (plan === undefined && limit === undefined)
    throw new UsageError('What to set? Give --plan or --requests-per-minute.');
  return {
    name,
    change: {
      ...(plan === undefined ? {} : { plan: readPlan(plan) }),
      ...(limit === undefined ? {} : { requestsPerMinute: readLimit(limit) }),
    },
  };
};

const parse = (args: string[]) =>
  parseArgs({
    args,
    allowPositionals: true,
    options: {
      plan: { type: 'string' },
      'requests-per-minute': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });

const run = async ({ name, change }: Command): Promise<void> => {
  const environment = readEnvironment(process.env);
  const server = await joinDatabaseServer(environment);
  try {
    const database = await connect(server.uri);
    try {
      const { stores } = database;
      const peppers = parsePeppers(environment.keyPepper ?? (await loadPepper(environment.dataDir)));
      const keys = createKeys(stores, peppers, systemClock);
      const organization = await setOrganization(stores, keys, systemClock, name, change);
      console.log(
        `${organization.name}: plan ${organization.plan}, ${requestsPerMinute(organization)} requests per minute`,
      );
    } finally {
      await database.close();
    }
  } finally {
    await server.stop();
  }
};

/** Runs the command line and returns the exit status: 0 done, 1 refused or failed, 2 not understood. */
export const main = async (args: string[]): Promise<number> => {
  try {
    const command = readCommand(args);
    if (command === 'help') console.log(USAGE);
    else await run(command);
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
