import { parseArgs } from 'node:util';
import {
  createKeys,
  type OperatorChange,
  PLANS,
  type Plan,
  requestsPerMinute,
  setOrganization,
  systemClock,
} from '@kaana/core';
import { type Command, refuseRest, UsageError } from './command.ts';
import { withStores } from './database.ts';

export const ORGANIZATION_SET_USAGE = `organization set NAME [--plan standard|enterprise] [--requests-per-minute N|plan] [--operator on|off]
    Takes effect with the next request.
    --plan                 the plan of the organization
    --requests-per-minute  requests per account in 60 seconds; "plan" for the plan's own limit
    --operator             on: its keys with keys:verify verify the keys of every organization`;

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

const readOperator = (text: string): boolean => {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new UsageError(`--operator takes on or off, not "${text}".`);
};

export type OrganizationSet = { readonly name: string; readonly change: OperatorChange };

export const parseOrganizationSet = (args: string[]): OrganizationSet => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      plan: { type: 'string' },
      'requests-per-minute': { type: 'string' },
      operator: { type: 'string' },
    },
  });
  const [name, ...rest] = positionals;
  if (name === undefined) throw new UsageError('Which organization? Give its NAME.');
  refuseRest(name, rest);
  const { plan, 'requests-per-minute': limit, operator } = values;
  if (plan === undefined && limit === undefined && operator === undefined)
    throw new UsageError('What to set? Give --plan, --requests-per-minute or --operator.');
  return {
    name,
    change: {
      ...(plan === undefined ? {} : { plan: readPlan(plan) }),
      ...(limit === undefined ? {} : { requestsPerMinute: readLimit(limit) }),
      ...(operator === undefined ? {} : { operator: readOperator(operator) }),
    },
  };
};

export const readOrganizationSet = (args: string[]): Command => {
  const { name, change } = parseOrganizationSet(args);
  return () =>
    withStores(async ({ stores, peppers }) => {
      const keys = createKeys(stores, peppers, systemClock);
      const organization = await setOrganization(stores, keys, systemClock, name, change);
      console.log(
        `${organization.name}: plan ${organization.plan}, ${requestsPerMinute(organization)} requests per minute${organization.operator ? ', operator' : ''}`,
      );
      return 0;
    });
};
