import type { Account, AccountStore } from '@kaana/core';
import { beforeCursor, byId, LIVE, NEWEST_FIRST, toAccount, toStored } from '../entity.ts';
import type { StatefulCollection } from '../outbox.ts';
import type { Models, Stored } from '../schemas.ts';

type StoredAccount = Stored<Account>;

export const createAccountStore = (
  { accounts }: Models,
  state: StatefulCollection<StoredAccount>,
): AccountStore => ({
  insert: async (account, event) => ((await state.insert(toStored(account), event)) ? 'inserted' : 'exists'),
  getMany: async (ids) => {
    const found = await accounts.collection
      .find({ _id: { $in: ids as never[] } }, { projection: { outbox: 0 } })
      .toArray();
    return byId((found as unknown as StoredAccount[]).map(toAccount));
  },
  findByEmail: async (email) => {
    const found = await accounts.findOne({ email, ...LIVE }).lean<StoredAccount>();
    return found && toAccount(found);
  },
  findByEmails: async (emails) => {
    const found = await accounts.find({ email: { $in: emails }, ...LIVE }).lean<StoredAccount[]>();
    return new Map(found.map((account) => [account.email, toAccount(account)]));
  },
  list: async (organizationId, page) => {
    const found = await accounts
      .find({ organizationId, ...beforeCursor(page), ...LIVE })
      .sort(NEWEST_FIRST)
      .limit(page.limit)
      .lean<StoredAccount[]>();
    return found.map(toAccount);
  },
  listIds: async (organizationId) => {
    const found = await accounts.find({ organizationId, ...LIVE }, { _id: 1 }).lean<{ _id: string }[]>();
    return found.map(({ _id }) => _id);
  },
  countActiveAdmins: (organizationId) =>
    accounts.countDocuments({ organizationId, role: 'admin', status: 'active', ...LIVE }),
  update: async (organizationId, id, expected, change, event) => {
    const updated = await state.update({ _id: id, organizationId, ...expected }, change, event);
    return updated && toAccount(updated);
  },
  recordSignIn: async (id, at) => {
    await accounts.updateOne({ _id: id }, { $max: { lastSignedInAt: at } });
  },
});
