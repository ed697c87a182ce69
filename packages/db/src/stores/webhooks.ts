import type { Webhook, WebhookStore } from '@kaana/core';
import { LIVE, NEWEST_FIRST, toEntity, toStored } from '../entity.ts';
import type { StatefulCollection } from '../outbox.ts';
import type { Models, Stored } from '../schemas.ts';

type StoredWebhook = Stored<Webhook>;

export const createWebhookStore = (
  { webhooks }: Models,
  state: StatefulCollection<StoredWebhook>,
): WebhookStore => ({
  insert: async (webhook, event) =>
    (await state.insert(toStored(webhook), event)) ? 'inserted' : 'slot_taken',
  // Of those that are being deleted as well: they hold theirs until they are gone.
  slots: async (organizationId) => {
    const found = await webhooks.find({ organizationId }, { slot: 1 }).lean<{ slot: number }[]>();
    return found.map(({ slot }) => slot);
  },
  get: async (organizationId, id) => {
    const found = await webhooks.findOne({ _id: id, organizationId, ...LIVE }).lean<StoredWebhook>();
    return found && toEntity(found);
  },
  list: async (organizationId) => {
    const found = await webhooks
      .find({ organizationId, ...LIVE })
      .sort(NEWEST_FIRST)
      .lean<StoredWebhook[]>();
    return found.map(toEntity);
  },
  listActive: async (organizationIds) => {
    const found = await webhooks
      .find({ organizationId: { $in: organizationIds }, status: 'active', ...LIVE })
      .lean<StoredWebhook[]>();
    return found.map(toEntity);
  },
  update: async (organizationId, id, expected, change, event) => {
    const updated = await state.update({ _id: id, organizationId, ...expected }, change, event);
    return updated && toEntity(updated);
  },
  replaceSecrets: async (organizationId, id, expected, secrets, event) => {
    const updated = await state.update(
      { _id: id, organizationId, 'secrets.0.id': expected },
      { secrets, updatedAt: event.at },
      event,
    );
    return updated && toEntity(updated);
  },
  delete: (organizationId, id, event) => state.delete({ _id: id, organizationId }, event),
  noteFailing: async (id, since) => {
    const guard = since === null ? {} : { failingSince: null };
    await webhooks.updateOne({ _id: id, ...guard }, { $set: { failingSince: since } });
  },
});
