import type { Organization, OrganizationStore } from '@kaana/core';
import { byId, LIVE, toEntity, toStored } from '../entity.ts';
import { isDuplicateKey } from '../errors.ts';
import type { StatefulCollection } from '../outbox.ts';
import type { Models, Stored } from '../schemas.ts';

type StoredOrganization = Stored<Organization> & { nameKey: string };

const nameKeyOf = (name: string) => name.trim().toLowerCase();
export const toOrganization = (document: StoredOrganization): Organization => {
  const { nameKey: _nameKey, ...organization } = toEntity(document);
  // Organizations of before do not say that they are no operator.
  return { ...organization, operator: organization.operator ?? false };
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
    const set = change.name === undefined ? change : { ...change, nameKey: nameKeyOf(change.name) };
    try {
      const updated = await state.update({ _id: id }, set, event);
      return updated && toOrganization(updated);
    } catch (error) {
      if (isDuplicateKey(error)) return 'taken';
      throw error;
    }
  },
});
