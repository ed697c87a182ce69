import type { Clock } from './clock.ts';
import { KaanaError } from './errors.ts';
import { createId } from './ids.ts';
import type { Keys } from './keys.ts';
import type { Account, Organization } from './model.ts';
import type { Passwords } from './passwords.ts';
import { PLAN_TABLE, type Plan } from './plans.ts';
import { NO_POLICIES, type Policies } from './policies.ts';
import { type Caller, changesOf, createEvent, eventOf, OPERATOR, SYSTEM } from './principal.ts';
import type { Stores } from './stores.ts';

export type OrganizationChange = { readonly name?: string; readonly policies?: Partial<Policies> };

export type Organizations = {
  /**
   * Changes what is named, of the policies too. Policies hold for what is done from then on: of the keys that are
   * there, `allowedScopes` narrows all at once, and the others are for people to mend (see `health.ts`).
   */
  update(caller: Caller, change: OrganizationChange): Promise<Organization>;
};

const target = (organization: Organization) => ({
  type: 'organization',
  id: organization.id,
  name: organization.name,
});

export const createOrganizations = (stores: Pick<Stores, 'organizations'>, clock: Clock): Organizations => ({
  update: async (caller, { name, policies = {} }) => {
    const { organization } = caller.principal;
    const changes = {
      ...changesOf<Organization>(organization, name === undefined ? {} : { name }),
      ...changesOf<Policies>(organization.policies, policies),
    };
    if (Object.keys(changes).length === 0) return organization;
    const event = eventOf(clock(), caller, 'organization.updated', target(organization), changes);
    const change = { ...(name === undefined ? {} : { name }), policies };
    const updated = await stores.organizations.update(organization.id, change, event);
    if (updated === 'taken') {
      throw new KaanaError('already_exists', 'Another organization on this server has this name.', {
        errors: [{ path: 'name', message: 'is taken' }],
      });
    }
    if (!updated) throw new KaanaError('not_found', 'No such organization.');
    return updated;
  },
});

export type OperatorChange = {
  readonly plan?: Plan;
  /** `null`: the plan's own limit again. */
  readonly requestsPerMinute?: number | null;
  readonly operator?: boolean;
};

/**
 * What an operator may set from the command line. A plan that allows fewer active keys than some account has is
 * refused with `key_limit_reached`, naming the accounts: revoking keys is for their owners.
 */
export const setOrganization = async (
  stores: Pick<Stores, 'organizations' | 'accounts'>,
  keys: Keys,
  clock: Clock,
  name: string,
  change: OperatorChange,
): Promise<Organization> => {
  const organization = await stores.organizations.findByName(name);
  if (!organization) throw new KaanaError('not_found', `No organization is named "${name}".`);
  const apply = async (current: Organization, wanted: OperatorChange): Promise<Organization> => {
    const changes = changesOf<Organization>(current, wanted);
    if (!changes) return current;
    const event = createEvent(
      clock(),
      current.id,
      OPERATOR,
      'organization.updated',
      target(current),
      changes,
    );
    const updated = await stores.organizations.update(current.id, wanted, event);
    if (!updated || updated === 'taken') throw new KaanaError('not_found', `"${name}" is gone.`);
    return updated;
  };
  const updated = await apply(organization, change);
  const limit = PLAN_TABLE[updated.plan].activeKeys;
  if (limit === null || organization.plan === updated.plan) return updated;

  // The new plan is in force, so that no further key can be made beyond it: now the count cannot be overtaken.
  const over: string[] = [];
  for (const accountId of await stores.accounts.listIds(updated.id)) {
    const active = await keys.compactSlots(accountId, limit);
    if (active <= limit) continue;
    const email = (await stores.accounts.getMany([accountId])).get(accountId)?.email ?? accountId;
    over.push(`${email} has ${active}`);
  }
  if (over.length === 0) return updated;
  const { plan, requestsPerMinute, operator } = organization;
  await apply(updated, { plan, requestsPerMinute, operator });
  throw new KaanaError(
    'key_limit_reached',
    `The ${updated.plan} plan allows ${limit} active keys per account, but ${over.join(', ')}. Nothing was changed: revoke keys first.`,
  );
};

export type NewAccount = Pick<Account, 'email' | 'name' | 'role'> & { readonly password: string };

/** An organization and its accounts, made by the system; ids are given, so that repeating it after a crash completes it. */
export const createOrganization = async (
  stores: Pick<Stores, 'organizations' | 'accounts'>,
  passwords: Passwords,
  clock: Clock,
  input: { id?: string; name: string; plan: Plan; accounts: readonly (NewAccount & { id?: string })[] },
): Promise<{ organization: Organization; accounts: readonly Account[] }> => {
  const now = clock();
  const organization: Organization = {
    id: input.id ?? createId('org', now),
    name: input.name,
    plan: input.plan,
    requestsPerMinute: null,
    policies: NO_POLICIES,
    operator: false,
    createdAt: new Date(now),
  };
  const accounts: Account[] = [];
  for (const { id, email, name, role, password } of input.accounts) {
    const account: Account = {
      id: id ?? createId('acc', now),
      organizationId: organization.id,
      email: email.trim().toLowerCase(),
      name,
      role,
      status: 'active',
      passwordHash: await passwords.hash(password),
      limits: null,
      createdAt: new Date(now),
      lastSignedInAt: null,
    };
    accounts.push(account);
    const event = createEvent(
      now,
      organization.id,
      SYSTEM,
      'account.created',
      { type: 'account', id: account.id, name: account.email },
      { role: { from: null, to: role } },
    );
    await stores.accounts.insert(account, event);
  }
  // Last: a database counts as empty until its organization is there, so a crash before this line is made good.
  await stores.organizations.insert(
    organization,
    createEvent(now, organization.id, SYSTEM, 'organization.created', target(organization), {
      plan: { from: null, to: organization.plan },
    }),
  );
  return { organization, accounts };
};
