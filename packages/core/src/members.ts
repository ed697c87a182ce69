import type { Clock } from './clock.ts';
import { KaanaError } from './errors.ts';
import { createId } from './ids.ts';
import { requireUnlimitedKey } from './key-quota.ts';
import type { Account, AccountStatus } from './model.ts';
import { canonicalLimits, type NamedLimit } from './named-limits.ts';
import { generatePassword, type Passwords } from './passwords.ts';
import { ROLE_TABLE, type Role } from './permissions.ts';
import {
  type Caller,
  changesOf,
  createEvent,
  eventOf,
  type Principal,
  requireWithin,
  SYSTEM,
} from './principal.ts';
import type { PageQuery, Stores } from './stores.ts';

export type MemberChange = { readonly name?: string; readonly role?: Role; readonly status?: AccountStatus };

export type Members = {
  list(principal: Principal, page: PageQuery): Promise<readonly Account[]>;
  /** The initial password is in this answer and nowhere else. Errors: `already_exists`. */
  invite(
    caller: Caller,
    input: Pick<Account, 'email' | 'name' | 'role'>,
  ): Promise<{ account: Account; initialPassword: string }>;
  /** Takes effect with the next request of the account and its keys. Errors: `last_admin`. */
  update(caller: Caller, id: string, change: MemberChange): Promise<Account>;
  /** Beside the plan's limit, over all keys of the account, from its next request on. */
  setLimits(caller: Caller, id: string, limits: readonly NamedLimit[]): Promise<Account>;
};

export const createMembers = (
  stores: Pick<Stores, 'accounts' | 'sessions'>,
  passwords: Passwords,
  clock: Clock,
): Members => {
  const target = (account: Account) => ({ type: 'account', id: account.id, name: account.email });
  const notFound = () => new KaanaError('not_found', 'No such member in your organization.');
  const lastAdmin = () =>
    new KaanaError('last_admin', 'An organization needs an active admin: make somebody else an admin first.');
  const isActiveAdmin = (account: Pick<Account, 'role' | 'status'>) =>
    account.role === 'admin' && account.status === 'active';

  const get = async (principal: Principal, id: string): Promise<Account> => {
    const account = (await stores.accounts.getMany([id])).get(id);
    if (!account || account.organizationId !== principal.organization.id) throw notFound();
    return account;
  };

  /** Two admins may remove each other at the same moment; whoever finds nobody left puts the one they removed back. */
  const restoreWhereLast = async (before: Account, after: Account) => {
    if ((await stores.accounts.countActiveAdmins(before.organizationId)) > 0) return;
    const { role, status } = before;
    const event = createEvent(
      clock(),
      before.organizationId,
      SYSTEM,
      'account.updated',
      target(before),
      changesOf<Account>(after, { role, status }) ?? {},
    );
    await stores.accounts.update(before.organizationId, before.id, {}, { role, status }, event);
    throw lastAdmin();
  };

  return {
    list: (principal, page) => stores.accounts.list(principal.organization.id, page),

    invite: async (caller, { email, name, role }) => {
      requireWithin(caller.principal, ROLE_TABLE[role].permissions, 'an account');
      const now = clock();
      const initialPassword = generatePassword();
      const account: Account = {
        id: createId('acc', now),
        organizationId: caller.principal.organization.id,
        email,
        name,
        role,
        status: 'active',
        passwordHash: await passwords.hash(initialPassword),
        limits: null,
        createdAt: new Date(now),
        lastSignedInAt: null,
      };
      const event = eventOf(now, caller, 'account.invited', target(account), {
        email: { from: null, to: email },
        role: { from: null, to: role },
      });
      if ((await stores.accounts.insert(account, event)) === 'exists') {
        throw new KaanaError('already_exists', 'This e-mail address has an account already.', {
          errors: [{ path: 'email', message: 'has an account already' }],
        });
      }
      return { account, initialPassword };
    },

    update: async (caller, id, change) => {
      const { principal } = caller;
      const account = await get(principal, id);
      const changes = changesOf<Account>(account, change);
      if (!changes) return account;
      // Neither a wider role nor reactivation may give what the caller does not have.
      if (changes.role || change.status === 'active') {
        requireWithin(principal, ROLE_TABLE[change.role ?? account.role].permissions, 'an account');
      }
      const loses = isActiveAdmin(account) && !isActiveAdmin({ ...account, ...change });
      if (loses && (await stores.accounts.countActiveAdmins(account.organizationId)) <= 1) throw lastAdmin();
      const { role, status } = account;
      const event = eventOf(clock(), caller, 'account.updated', target(account), changes);
      const updated = await stores.accounts.update(
        account.organizationId,
        id,
        { role, status },
        change,
        event,
      );
      if (!updated) {
        throw new KaanaError(
          'changed_meanwhile',
          'Another request changed this member. Look again and repeat.',
        );
      }
      if (loses) await restoreWhereLast(account, updated);
      if (updated.status === 'deactivated')
        await stores.sessions.deleteOfAccount(id, null, new Date(clock()));
      return updated;
    },

    setLimits: async (caller, id, wanted) => {
      const account = await get(caller.principal, id);
      const change = { limits: canonicalLimits(wanted) };
      const changes = changesOf<Account>(account, change);
      if (!changes) return account;
      requireUnlimitedKey(caller.principal, 'change limits of accounts');
      const event = eventOf(clock(), caller, 'account.limits_changed', target(account), changes);
      const updated = await stores.accounts.update(account.organizationId, id, {}, change, event);
      if (!updated) throw notFound();
      return updated;
    },
  };
};
