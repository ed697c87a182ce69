import { NO_POLICIES, type Organization, type OrganizationStore } from '@kaana/core';
import type { QueryFilter } from 'mongoose';
import { byId, LIVE, toEntity, toStored } from '../entity.ts';
import { isDuplicateKey } from '../errors.ts';
import type { StatefulCollection } from '../outbox.ts';
import type { Models, Stored } from '../schemas.ts';

type StoredOrganization = Stored<Organization> & { nameKey: string };

const nameKeyOf = (name: string) => name.trim().toLowerCase();
export const toOrganization = (document: StoredOrganization): Organization => {
  const { nameKey: _nameKey, policies, ...organization } = toEntity(document);
  // Organizations of before do not say that they are no operator.
  const operator = organization.operator ?? false;
  return { ...organization, operator, policies: { ...NO_POLICIES, ...policies } };
};

export const createOrganizationStore = (
  { organizations }: Models,
  state: StatefulCollection<StoredOrganization>,
): OrganizationStore => ({
  insert: async (organization, event) => {
    const document = { ...toStored(organization), nameKey: nameKeyOf(organization.name) };
    return (await state.insert(document, event)) ? 'inserted' : 'exists';
  },
  getMany: async (ids) => {
    const found = await organizations.collection
      .find({ _id: { $in: ids as never[] } }, { projection: { outbox: 0 } })
      .toArray();
    return byId((found as unknown as StoredOrganization[]).map(toOrganization));
  },
  findByName: async (name) => {
    const found = await organizations
      .findOne({ nameKey: nameKeyOf(name), ...LIVE })
      .lean<StoredOrganization>();
    return found && toOrganization(found);
  },
  isEmpty: async () => (await organizations.findOne({}, { _id: 1 }).lean()) === null,
  update: async (id, change, event) => {
    const { policies = {}, ...fields } = change;
    const set = {
      ...fields,
      ...(fields.name === undefined ? {} : { nameKey: nameKeyOf(fields.name) }),
      // One by one, so that of two admins who set different ones both are heard.
      ...Object.fromEntries(Object.entries(policies).map(([name, value]) => [`policies.${name}`, value])),
    };
    try {
      const updated = await state.update({ _id: id }, set, event);
      return updated && toOrganization(updated);
    } catch (error) {
      if (isDuplicateKey(error)) return 'taken';
      throw error;
    }
  },
  listDisablingIdle: async () => {
    const disabling = { 'policies.idleAction': 'disable', 'policies.idleDays': { $gte: 1 }, ...LIVE };
    const found = await organizations
      .find(disabling as QueryFilter<StoredOrganization>)
      .lean<StoredOrganization[]>();
    return found.map(toOrganization);
  },
});
